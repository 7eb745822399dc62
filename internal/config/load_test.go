package config

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/watchword/watchword/auth"
	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/secret"
	"github.com/watchword/watchword/internal/server"
	"github.com/watchword/watchword/probes"
)

// load loads a file of that text, which has to be free of errors.
func load(t testing.TB, text string) *Config {
	t.Helper()
	c, ps := loadText(t, text, LoadOptions{})
	if ps.HasErrors() {
		t.Fatalf("unexpected errors:\n%s", ps)
	}
	return c
}

func loadText(t testing.TB, text string, o LoadOptions) (*Config, Problems) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "w.yaml")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, ps := Load([]string{name}, o)
	for i := range ps {
		ps[i].File = filepath.Base(ps[i].File)
		ps[i].Message = strings.ReplaceAll(ps[i].Message, filepath.Dir(name)+"/", "")
	}
	return c, ps
}

func reveal(t *testing.T, x secret.Text) string {
	t.Helper()
	s, err := x.Reveal()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestExample holds the example that people are shown, cut to what there is, to
// its values.
func TestExample(t *testing.T) {
	setSecrets(t)
	c, ps := Load([]string{"testdata/good/interface.yaml"}, LoadOptions{})
	if ps.HasErrors() {
		t.Fatal(ps)
	}
	authelia, ops, hook, app, clock := c.Credentials["authelia"], c.Notifiers["ops"], c.Notifiers["hook"], c.Monitors[0], c.Monitors[1]
	for _, tt := range []struct {
		what      string
		got, want any
	}{
		{"timezone", c.Timezone.String(), "Europe/Berlin"},
		{"server", c.Server, Server{Listen: "127.0.0.1:9640", ExternalURL: "https://watch.example.com/", Access: server.DefaultAccess()}},
		{"location", c.Agent.Location, "eu-west"},
		{"storage", c.Storage.Path, "watchword.db"},
		{"group_wait", c.Alerting.GroupWait, 10 * time.Second},
		{"credentials", sortedKeys(c.Credentials), []string{"apikey", "authelia", "legacy", "static"}},
		{"type", authelia.Type, auth.TypeClientCredentials},
		{"token_url", authelia.TokenURL, "https://auth.example.com/api/oidc/token"},
		{"client_id", authelia.ClientID, "uptime-kuma"},
		{"client_secret", reveal(t, authelia.ClientSecret), swordfish + "-a"},
		{"client_secret is a reference", authelia.ClientSecret.IsLiteral(), false},
		{"scopes", authelia.Scopes, []string{"authelia.bearer.authz"}},
		{"audience", authelia.Audience, []string{"https://application.example.com/"}},
		{"gate", authelia.Gate, "authelia"},
		{"password", reveal(t, c.Credentials["legacy"].Password), swordfish + "-b"},
		{"token", reveal(t, c.Credentials["static"].Token), swordfish + "-c"},
		{"value", reveal(t, c.Credentials["apikey"].Value), swordfish + "-d"},
		{"bot_token", reveal(t, ops.BotToken), "12345:" + swordfish},
		{"chat_id", ops.ChatID, "-1001234567890"},
		{"hook url", reveal(t, hook.URL), "https://hook.example.com/in"},
		{"hook body", hook.Body, "{{json .Title}}"},
		{"hook events", hook.Events, []string{"down", "up", "reminder", "certificate"}},
		{"id", app.ID, "application"},
		{"interval", app.Interval, time.Minute},
		{"timeout", app.Timeout, 10 * time.Second},
		{"retry_interval", app.RetryInterval, 20 * time.Second},
		{"retries and recoveries", [2]int{app.Retries, app.Recoveries}, [2]int{1, 1}},
		{"remind_every", app.RemindEvery, time.Duration(0)},
		{"max_body", app.HTTP.MaxBody, int64(1 << 20)},
		{"expect", app.HTTP.Expect, probes.Expect{Status: []string{"200-299"}, Keyword: []string{"Dashboard"}, Absent: []string{"Sign in"},
			Regex: []string{}, JSON: []string{}, Headers: map[string]string{}}},
		{"notify", app.Notify, []string{"ops"}},
		{"enabled", app.Enabled, true},
		{"check", app.Check(), &check.Monitor{ID: "application", Name: "Application", Type: "http", Group: "Core",
			URL: "https://application.example.com/", Credential: "authelia", Labels: []check.Label{{Name: "team", Value: "web"}},
			KumaType: "keyword", CertificateWarn: []time.Duration{}}},
		{"cron", [2]string{clock.Cron, clock.Zone}, [2]string{"*/5 8-18 * * MON-FRI", "America/New_York"}},
		{"no interval with cron", clock.Interval, time.Duration(0)},
		{"status", clock.HTTP.Expect.Status, []string{"200", "204", "301-308"}},
	} {
		if !reflect.DeepEqual(tt.got, tt.want) {
			t.Errorf("%s: got %#v, want %#v", tt.what, tt.got, tt.want)
		}
	}
}

// TestCertificateWarn: sorted, each once; a monitor's own list replaces that of
// the defaults, and an empty one says never.
func TestCertificateWarn(t *testing.T) {
	c := load(t, `
defaults: {certificate_warn: [3d, 30d]}
monitors:
  - {name: A, url: "https://a.example.com"}
  - {name: B, url: "https://b.example.com", certificate_warn: [36h, 10d, 1d12h]}
  - {name: C, url: "https://c.example.com", certificate_warn: []}
  - {name: D, url: "https://d.example.com", certificate_warn: 5d}
`)
	for i, want := range [][]time.Duration{{30 * day, 3 * day}, {10 * day, 36 * time.Hour}, {}, {5 * day}} {
		if got := c.Monitors[i].Check().CertificateWarn; !slices.Equal(got, want) {
			t.Errorf("%s: got %v, want %v", c.Monitors[i].Name, got, want)
		}
	}
}

func TestBuiltInDefaults(t *testing.T) {
	c := load(t, "monitors: [{name: A, url: 'https://a.example.com/x?q=1'}, {name: B, url: 'https://u:p@b.example.com', interval: 5s}, {name: C, url: 'https://c.example.com', cron: '@daily'}]")
	if c.Server.Listen != "127.0.0.1:9640" || c.Storage.Path != "watchword.db" || c.Timezone != time.UTC || c.Alerting.GroupWait != 10*time.Second {
		t.Errorf("got %+v", c)
	}
	a, b, d := c.Monitors[0], c.Monitors[1], c.Monitors[2]
	want := Monitor{ID: "a", Name: "A", Type: "http", Interval: time.Minute, Timeout: 10 * time.Second, RetryInterval: 20 * time.Second,
		Retries: 1, Recoveries: 1, Enabled: true, HTTP: probes.DefaultHTTPOptions(), Pos: a.Pos,
		CertificateWarn: []time.Duration{21 * day, 14 * day, 7 * day}}
	want.HTTP.URL = "https://a.example.com/x?q=1"
	if !reflect.DeepEqual(a, want) {
		t.Errorf("got %+v, want %+v", a, want)
	}
	if b.Timeout != 4*time.Second || d.Timeout != 10*time.Second || d.Zone != "UTC" {
		t.Errorf("timeouts %v and %v, zone %q", b.Timeout, d.Timeout, d.Zone)
	}
	if got := a.Check().URL + b.Check().URL; got != "https://a.example.com/xhttps://b.example.com" {
		t.Errorf("shown: %s", got)
	}
}

func TestMemoryOnly(t *testing.T) {
	if c := load(t, "storage: {path: ''}"); c.Storage.Path != "" {
		t.Errorf("got %q", c.Storage.Path)
	}
}

// TestDefaultsMerge: maps merge with a monitor's own, lists and scalars are
// replaced, and no monitor changes the defaults of the next.
func TestDefaultsMerge(t *testing.T) {
	c := load(t, `
notifiers: {a: {type: slack, webhook_url: "https://a.example.com/"}, b: {type: slack, webhook_url: "https://b.example.com/"}}
defaults:
  cron: "@hourly"
  headers: {Accept: text/html, X-One: "1"}
  labels: {team: web}
  notify: [a, b]
  expect: {status: [200, 201, 202], keyword: [one, two]}
  tls: {server_name: x.example.com}
  timeout: 5s
monitors:
  - {name: A, url: "https://a.example.com", headers: {X-One: "2", X-Two: "3"}, labels: {stage: prod}, notify: b, expect: {status: [404]}, tls: {insecure_skip_verify: true}}
  - {name: B, url: "https://b.example.com", interval: 30s}
`)
	a, b := c.Monitors[0], c.Monitors[1]
	if got := reveal(t, a.HTTP.Headers["Accept"]) + reveal(t, a.HTTP.Headers["X-One"]) + reveal(t, a.HTTP.Headers["X-Two"]); got != "text/html23" {
		t.Errorf("headers of A: %s", got)
	}
	if !reflect.DeepEqual(a.Labels, map[string]string{"team": "web", "stage": "prod"}) || !reflect.DeepEqual(a.Notify, []string{"b"}) {
		t.Errorf("A: %v, %v", a.Labels, a.Notify)
	}
	if !reflect.DeepEqual(a.HTTP.Expect, probes.Expect{Status: []string{"404"}, Keyword: []string{"one", "two"}}) {
		t.Errorf("expect of A: %+v", a.HTTP.Expect)
	}
	if a.HTTP.TLS.ServerName != "x.example.com" || !a.HTTP.TLS.InsecureSkipVerify || a.Cron != "@hourly" || a.Interval != 0 || a.Timeout != 5*time.Second {
		t.Errorf("A: %+v", a)
	}
	if len(b.HTTP.Headers) != 2 || len(b.Labels) != 1 || b.HTTP.TLS.InsecureSkipVerify || b.Cron != "" || b.Interval != 30*time.Second {
		t.Errorf("B was changed by A: %+v", b)
	}
}

func TestReferences(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "secrets", "token"), "swordfish-file\n")
	t.Setenv("COUNT", "3")
	t.Setenv("EVERY", "45s")
	t.Setenv("ON", "false")
	t.Setenv("HOST", "h.example.com")
	t.Setenv("NESTED", "${HOST}")
	t.Setenv("PORT", "9641")
	write(t, filepath.Join(dir, "w.yaml"), `
server: {listen: 127.0.0.1:${PORT}}
credentials: {c: {type: bearer, token: ${file:secrets/token}}, "${HOST}": {type: bearer, token: "${file:secrets/token}"}}
monitors:
  - {name: $${A} ${NESTED}, id: a, url: "https://${HOST}/${UNSET:-index, [html]}", credential: c, retries: ${COUNT}, interval: ${EVERY}, enabled: ${ON}, max_body: ${COUNT}KiB,
     expect: {status: ["${COUNT}00", 200], keyword: ${UNSET:-a b}}, labels: {a: "1${UNSET:-}2"}, tls: {server_name: "${HOST}"}}
`)
	c, ps := Load([]string{filepath.Join(dir, "w.yaml")}, LoadOptions{})
	if ps.HasErrors() {
		t.Fatal(ps)
	}
	m := c.Monitors[0]
	for _, tt := range []struct{ what, got, want string }{
		{"literal ${ and no second expansion", m.Name, "${A} ${HOST}"},
		{"url with a default", m.HTTP.URL, "https://h.example.com/index, [html]"},
		{"numbers", fmt.Sprint(m.Retries, m.Interval, m.Enabled, m.HTTP.MaxBody), "3 45s false 3072"},
		{"lists", fmt.Sprint(m.HTTP.Expect.Status, m.HTTP.Expect.Keyword), "[300 200] [a b]"},
		{"empty default", m.Labels["a"], "12"},
		{"listen", c.Server.Listen, "127.0.0.1:9641"},
		{"file beside the YAML", reveal(t, c.Credentials["c"].Token), "swordfish-file"},
		{"keys stay", fmt.Sprint(sortedKeys(c.Credentials)), "[${HOST} c]"},
	} {
		if tt.got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.what, tt.got, tt.want)
		}
	}
	write(t, filepath.Join(dir, "secrets", "token"), "rotated\r\n")
	if got := reveal(t, c.Credentials["c"].Token); got != "rotated" {
		t.Errorf("after rotation: %q", got)
	}
}

func TestScalarsAsText(t *testing.T) {
	c := load(t, `
notifiers: {t: {type: telegram, bot_token: "1:a", chat_id: -100123}}
monitors: [{name: 2026-01-02, url: "https://a.example.com", labels: {a: 1.50, b: true}, headers: {X: 007}, expect: {keyword: 200}}]
`)
	m := c.Monitors[0]
	got := fmt.Sprint(c.Notifiers["t"].ChatID, m.Name, m.Labels, reveal(t, m.HTTP.Headers["X"]), m.HTTP.Expect.Keyword)
	if want := "-1001232026-01-02map[a:1.50 b:true]007[200]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestAllowMissing(t *testing.T) {
	text := `
server: {external_url: "${UNSET_A}"}
monitors: [{name: A, url: "${UNSET_B}", method: "${UNSET_C}", expect: {status: ["${UNSET_D}"]}, credential: "${UNSET_E}"}, {name: B, url: "https://x.example.com:${UNSET_F}/", cron: "${UNSET_G}"}]
`
	if c, ps := loadText(t, text, LoadOptions{}); c != nil || len(ps) != 7 {
		t.Errorf("without: %v %s", c, ps)
	}
	c, ps := loadText(t, text, LoadOptions{AllowMissingSecrets: true})
	if c == nil || ps.HasErrors() || len(ps) != 7 {
		t.Fatalf("with: %v\n%s", c, ps)
	}
	for _, m := range c.Monitors {
		if bad := probes.CheckHTTP(m.HTTP); len(bad) != 0 {
			t.Errorf("%s cannot be built: %v", m.Name, bad)
		}
	}
	if got := c.Server.ExternalURL + " " + c.Monitors[0].HTTP.URL + " " + c.Monitors[0].HTTP.Method + " " + c.Monitors[1].HTTP.URL; got !=
		"https://unset-unset-a.invalid/ https://unset-unset-b.invalid/ GET https://https-x-example-com-unset-unset-f.invalid/" {
		t.Error(got)
	}
}

// TestSharedFile: what others cannot read may hold secrets.
func TestSharedFile(t *testing.T) {
	text := "credentials: {c: {type: bearer, token: swordfish}}\nmonitors: [{name: A, url: 'https://a.example.com', credential: c}]\n"
	for mode, want := range map[os.FileMode]int{0o600: 0, 0o400: 0, 0o640: 1, 0o604: 1} {
		name := filepath.Join(t.TempDir(), "w.yaml")
		write(t, name, text)
		if err := os.Chmod(name, mode); err != nil {
			t.Fatal(err)
		}
		if _, ps := Load([]string{name}, LoadOptions{}); len(ps) != want {
			t.Errorf("%o: %d warnings, want %d: %s", mode, len(ps), want, ps)
		}
	}
}

func TestPaths(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "b.yml"), "monitors: [{name: B, url: 'https://b.example.com'}]")
	write(t, filepath.Join(dir, "a.yaml"), "monitors: [{name: A, url: 'https://a.example.com', tls: {ca_file: ca.pem}}]")
	write(t, filepath.Join(dir, ".hidden.yaml"), "oh: no")
	write(t, filepath.Join(dir, "sub.yaml", "c.yaml"), "oh: no")
	write(t, filepath.Join(dir, "other"), "monitors: [{name: C, url: 'https://c.example.com'}]")
	c, ps := Load([]string{filepath.Join(dir, "other"), dir}, LoadOptions{})
	if c != nil || len(ps) != 1 || !strings.HasPrefix(ps[0].String(), filepath.Join(dir, "a.yaml")+":1:") || !strings.Contains(ps[0].Message, filepath.Join(dir, "ca.pem")) {
		t.Fatalf("%s", ps) // also: paths are relative to the file that names them
	}
	write(t, filepath.Join(dir, "a.yaml"), "monitors: [{name: A, url: 'https://a.example.com'}]")
	c, ps = Load([]string{filepath.Join(dir, "other"), dir}, LoadOptions{})
	if len(ps) != 0 || len(c.Monitors) != 3 || c.Monitors[0].Name+c.Monitors[1].Name+c.Monitors[2].Name != "CAB" {
		t.Errorf("%+v\n%s", c, ps)
	}
	for _, tt := range []struct {
		paths []string
		want  string
	}{
		{nil, "no configuration file is given\n"},
		{[]string{filepath.Join(dir, "a.yaml"), dir}, filepath.Join(dir, "a.yaml") + ": this file is given twice\n"},
	} {
		if _, ps := Load(tt.paths, LoadOptions{}); ps.String() != tt.want {
			t.Errorf("%v: got %q, want %q", tt.paths, ps, tt.want)
		}
	}
}

// Labels and hosts are names of the user's: that one is called like a key of
// ours says nothing of its value.
func TestNamesOfTheUsersOwn(t *testing.T) {
	text := `monitors: [{name: A, url: "https://a.example.com/", labels: {log_file: a.log, max_body: big, docs_url: x, cron: y},
  headers: {X-One: "1"}, resolve: {max_body: 192.0.2.7}}]`
	want := map[string]string{"log_file": "a.log", "max_body": "big", "docs_url": "x", "cron": "y"}
	if got := load(t, text).Monitors[0].Labels; !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestDigest(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a.yaml"), "a")
	sum := func() string {
		t.Helper()
		d, err := Digest([]string{dir})
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprintf("%x", d)
	}
	seen := map[string]string{sum(): "first"}
	for _, step := range []struct {
		name  string
		do    func()
		alike bool
	}{
		{"other file", func() { write(t, filepath.Join(dir, "x.txt"), "x") }, true},
		{"touched", func() { write(t, filepath.Join(dir, "a.yaml"), "a") }, true},
		{"changed", func() { write(t, filepath.Join(dir, "a.yaml"), "b") }, false},
		{"another", func() { write(t, filepath.Join(dir, "b.yaml"), "b") }, false},
	} {
		step.do()
		s := sum()
		if _, ok := seen[s]; ok != step.alike {
			t.Errorf("%s: known sum: %t, want %t", step.name, ok, step.alike)
		}
		seen[s] = step.name
	}
	if _, err := Digest([]string{filepath.Join(dir, "absent")}); err == nil {
		t.Error("no error for an absent file")
	}
}

// What was loaded and what is looked at later have the same sum; a pipe, which
// can be read once only, has no content to change.
func TestDigestOfWhatWasLoaded(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a.yaml"), "\ufeffmonitors: [{name: A, url: 'https://a.example.com/'}]")
	write(t, filepath.Join(dir, "b.yml"), "timezone: UTC")
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := w.WriteString("agent: {location: x}"); err != nil {
		t.Fatal(err)
	}
	w.Close()
	paths := []string{dir, fmt.Sprintf("/dev/fd/%d", r.Fd())}
	c, ps := Load(paths, LoadOptions{})
	if c == nil || c.Agent.Location != "x" {
		t.Fatalf("got %v, %s", c, ps)
	}
	if got, err := Digest(paths); err != nil || got != c.Digest {
		t.Errorf("%x, %v, want %x of what was loaded", got, err, c.Digest)
	}
	write(t, filepath.Join(dir, "b.yml"), "timezone: Europe/Berlin")
	if got, err := Digest(paths); err != nil || got == c.Digest {
		t.Errorf("%x, %v is that of before the change", got, err)
	}
}

func TestFingerprint(t *testing.T) {
	base := "x: &m {name: A, url: 'https://a.example.com', headers: {X-A: '${FP}', X-B: '${file:b}'}, labels: {a: b}}\n"
	write(t, filepath.Join(t.TempDir(), "b"), "x")
	t.Setenv("FP", "one")
	key := []byte("key")
	print := func(text string) [32]byte {
		dir := t.TempDir()
		write(t, filepath.Join(dir, "b"), "1")
		t.Chdir(dir)
		write(t, "w.yaml", text)
		c, ps := Load([]string{"w.yaml"}, LoadOptions{})
		if ps.HasErrors() {
			t.Fatal(ps)
		}
		return Fingerprint(c.Monitors[0], key)
	}
	base = strings.Replace(base, "x: &m ", "monitors: [", 1)
	base = strings.TrimSpace(base) + "]\n"
	first := print(base)
	if print("\n\n# moved\n"+base) != first {
		t.Error("moving a monitor changes it")
	}
	for _, change := range [][2]string{{"a: b", "a: c"}, {"a: b", "ab: ''"}, {"X-A", "X-C"}, {"A, url", "B, url"}, {"}}]", "}, retries: 2}]"}, {"}}]", "}, expect: {keyword: a}}]"}} {
		if print(strings.Replace(base, change[0], change[1], 1)) == first {
			t.Errorf("%q for %q changes nothing", change[1], change[0])
		}
	}
	t.Setenv("FP", "two")
	if print(base) == first {
		t.Error("another value of a variable changes nothing")
	}
	if Fingerprint([]any{first[:]}, key) == Fingerprint([]any{make([]byte, len(first))}, key) {
		t.Error("another fingerprint within changes nothing")
	}
	if Fingerprint(1, []byte("a")) == Fingerprint(1, []byte("b")) {
		t.Error("the key changes nothing")
	}
}

// TestManyMonitors: what is checked between monitors must not cost the square
// of their number.
func TestManyMonitors(t *testing.T) {
	var b strings.Builder
	b.WriteString("credentials: {c: {type: bearer, token: 'a'}}\ndefaults: {credential: c, headers: {A: b}}\nmonitors:\n")
	const n = 5000
	for i := range n {
		fmt.Fprintf(&b, "  - {name: Monitor %d, url: 'https://m%d.example.com/', labels: {n: %d}, zzz: 1}\n", i, i, i)
	}
	start := time.Now()
	_, ps := loadText(t, b.String(), LoadOptions{})
	if len(ps) != n {
		t.Errorf("%d problems, want %d", len(ps), n)
	}
	if took := time.Since(start); took > 20*time.Second { // 0.3 s, times the race detector and a busy machine
		t.Errorf("took %v", took)
	}
}

// TestPrivateCharacters: what stands in for the braces of references while YAML
// is read is nothing that the file itself holds, written out or not.
func TestPrivateCharacters(t *testing.T) {
	t.Setenv("WHERE", "here")
	for _, name := range []string{`"$\uE000"`, `"$\ue001 \U0000E002"`, "$\ue003", `"\uE004\uE005"`} {
		want := ""
		if err := yaml.Unmarshal([]byte(name), &want); err != nil {
			t.Fatal(err)
		}
		c, ps := loadText(t, "monitors:\n  - {name: "+name+", id: a, url: https://a.example.com/${WHERE}, labels: {a: ${WHERE}}}\n", LoadOptions{})
		if ps.HasErrors() || c.Monitors[0].Name != want || c.Monitors[0].Labels["a"] != "here" {
			t.Errorf("%s: %v", name, ps)
		}
	}
}

// TestAliasBomb: a small file cannot make a large configuration.
func TestAliasBomb(t *testing.T) {
	var b strings.Builder
	b.WriteString("x-0: &x0 {k: v")
	for i := range 1000 {
		fmt.Fprintf(&b, ", k%d: v", i)
	}
	b.WriteString("}\n")
	for i := range 20 { // merged again and again
		fmt.Fprintf(&b, "x-%d: &x%d {y%d: z, <<: [%s*x%d]}\n", i+1, i+1, i, strings.Repeat(fmt.Sprintf("*x%d, ", i), 50), i)
	}
	b.WriteString("monitors:\n")
	for i := range 2000 {
		fmt.Fprintf(&b, "- {name: M%d, url: 'https://a.example.com', headers: *x20}\n", i)
	}
	start := time.Now()
	_, ps := loadText(t, b.String(), LoadOptions{})
	if !strings.Contains(ps.String(), "w.yaml:1:1: the aliases of this file expand to too much\n") || len(ps) != 1 {
		t.Errorf("%d problems, the first: %.300s", len(ps), ps)
	}
	if took := time.Since(start); took > 30*time.Second { // 1 s
		t.Errorf("took %v", took)
	}
}

// A retry that came later than the next ordinary run would be no retry.
func TestRetryIntervalFollowsAShortInterval(t *testing.T) {
	for yaml, want := range map[string]time.Duration{
		"interval: 5s": 5 * time.Second, "interval: 2m": 20 * time.Second, "interval: 5s, retry_interval: 9s": 9 * time.Second,
	} {
		file := filepath.Join(t.TempDir(), "c.yaml")
		if err := os.WriteFile(file, []byte("monitors: [{name: a, url: 'http://127.0.0.1/', "+yaml+"}]\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		c, problems := Load([]string{file}, LoadOptions{})
		if problems.HasErrors() {
			t.Fatal(problems)
		}
		if got := c.Monitors[0].RetryInterval; got != want {
			t.Errorf("%s: retry_interval %s, want %s", yaml, got, want)
		}
	}
}

// TestGuard: what it takes of the defaults, and what holds where nobody says.
func TestGuard(t *testing.T) {
	c, ps := Load([]string{"testdata/good/guard.yaml"}, LoadOptions{})
	if c == nil {
		t.Fatal(ps)
	}
	app, g, clear := c.Monitors[0], c.Monitors[1], c.Monitors[2]
	if app.Guard.Try != nil || app.HTTP.Expect.Absent == nil || app.Credential != "authelia" {
		t.Errorf("the monitor beside it: %+v", app)
	}
	if !reflect.DeepEqual(g.Guard, probes.GuardOptions{Try: []string{"anonymous", "garbage", "expired", "foreign", "other"}, BypassURLs: []string{"http://10.0.0.5:3000/"}}) {
		t.Errorf("tries %+v", g.Guard)
	}
	want := probes.DefaultHTTPOptions()
	want.URL, want.Headers, want.Expect.Absent = "https://a.example.com/", map[string]secret.Text{"X-Tenant": secret.Literal("a")}, []string{"Dashboard"}
	if !reflect.DeepEqual(g.HTTP, want) || g.Credential != "" || g.Interval != 5*time.Minute || g.Timeout != 10*time.Second || g.Type != probes.TypeGuard {
		t.Errorf("got %+v", g)
	}
	if got := fmt.Sprint(app.Credentials(), g.Credentials(), clear.HTTP.Expect.Absent); got != "[authelia] [other] []" {
		t.Errorf("credentials %s", got)
	}
	bare := load(t, "defaults: {interval: 30s}\nmonitors: [{name: A, type: guard, url: 'https://a.example.com'}]").Monitors[0]
	if !reflect.DeepEqual(bare.Guard, probes.DefaultGuardOptions()) || bare.Interval != 30*time.Second {
		t.Errorf("got %+v", bare)
	}
}

package agent_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/watchword/watchword/internal/lab"
)

// tap keeps the tokens that a provider issues.
type tap struct {
	next   http.Handler
	mu     sync.Mutex
	tokens []string
}

type tapWriter struct {
	http.ResponseWriter
	body bytes.Buffer
}

func (w *tapWriter) Write(b []byte) (int, error) {
	w.body.Write(b)
	return w.ResponseWriter.Write(b)
}

func (w *tapWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (p *tap) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	tw := &tapWriter{ResponseWriter: w}
	p.next.ServeHTTP(tw, r)
	var answer struct {
		Token string `json:"access_token"`
	}
	if json.Unmarshal(tw.body.Bytes(), &answer) == nil && answer.Token != "" {
		p.mu.Lock()
		p.tokens = append(p.tokens, answer.Token)
		p.mu.Unlock()
	}
}

func (p *tap) issued() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.tokens)
}

// parrot answers /CODE/FORM with that status and repeats all that it was sent,
// where an answer can hold it.
func parrot(w http.ResponseWriter, r *http.Request) {
	code, form := http.StatusOK, "text"
	if parts := strings.Split(r.URL.Path, "/"); len(parts) > 2 {
		_, _ = fmt.Sscan(parts[1], &code)
		form = parts[2]
	}
	var heard []string
	for name, vs := range r.Header {
		heard = append(heard, name+": "+strings.Join(vs, " "))
	}
	if user, password, ok := r.BasicAuth(); ok {
		heard = append(heard, user+" / "+password)
	}
	body, _ := io.ReadAll(io.LimitReader(r.Body, 4096))
	_, bare, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	heard = append(heard, bare, r.URL.Path, r.URL.RawQuery, r.URL.Query().Get("key"), string(body))
	text := strings.Join(heard, "; ")
	h := w.Header()
	switch form {
	case "title":
		h.Set("Content-Type", "text/html")
		text = "<html><head><title>" + html.EscapeString(text) + "</title></head><body>no</body></html>"
	case "json":
		h.Set("Content-Type", "application/json")
		b, _ := json.Marshal(map[string]any{"error": text, "error_description": text})
		text = string(b)
	case "challenge":
		h.Set("WWW-Authenticate", fmt.Sprintf("Bearer error=\"invalid_token\", error_description=%q, scope=%q", text, bare))
	case "location":
		h.Set("Location", "https://elsewhere.example.test/"+url.PathEscape(bare)+"?rd="+url.QueryEscape(text))
	case "sign-in":
		h.Set("Location", "/oauth2/"+url.PathEscape(bare)+"?rd="+url.QueryEscape(text)+"#"+url.QueryEscape(bare))
	default:
		h.Set("Content-Type", "text/plain")
	}
	w.WriteHeader(code)
	_, _ = w.Write([]byte(text))
}

// forms are the shapes in which a secret may show.
func forms(secret string) []string {
	quoted, _ := json.Marshal(secret)
	all := []string{
		secret, url.QueryEscape(secret), url.PathEscape(secret), html.EscapeString(secret), strings.Trim(string(quoted), `"`), fmt.Sprintf("%q", secret),
		base64.StdEncoding.EncodeToString([]byte(secret)), base64.URLEncoding.EncodeToString([]byte(secret)),
		base64.RawStdEncoding.EncodeToString([]byte(secret)), base64.RawURLEncoding.EncodeToString([]byte(secret)), hex.EncodeToString([]byte(secret)),
	}
	if half := len(secret) / 2; half >= 12 { // a cut secret is one, too
		all = append(all, secret[:half], secret[half:])
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// search looks for secrets in what came out of the program.
func search(t *testing.T, where, text string, secrets map[string]string) {
	t.Helper()
	for name, s := range secrets {
		for _, form := range forms(s) {
			if i := strings.Index(text, form); i >= 0 {
				t.Errorf("%s holds the %s: …%q…", where, name, text[max(0, i-120):min(len(text), i+len(form)+40)])
				break
			}
		}
	}
}

// secretsInPlay are all those of the configuration, by what they are.
func secretsInPlay() map[string]string {
	return map[string]string{
		"client secret": "s3cr3t+client/%&=ü-Aa1", "wrong client secret": "wrong:client+secret-Bb2", "posted client secret": "posted secret&client-Cc3",
		"parameter": "parameter-secret-Dd4", "password": "pass:word ü+Ee5-basic", "bearer token": "fixed-bearer-token-Ff6", "API key": "api-key-value-Gg7",
		"private header": "private-header-Hh8", "session header": "session-token-Hh9", "body": "posted-body-secret-Ii9", "query": "query-secret-Jj10", "bot token": "123456:AAF-telegram-bot-token-Kk11",
		"Slack path": "T0/B0/slackSecretPathLl12", "Discord path": "1234567890/discordTokenMm13", "Teams signature": "teamsSignatureNn14", "hook path": "hookSecretPathOo15",
		"hook key": "hmac-key-Pp16", "hook header": "hook-header-secret-Qq17", "dead hook path": "deadHookSecretRr18", "file secret": "secret-from-a-file-Ss19",
		"login password": "login-password:ü/Tt20", "login hash": loginHash, "mistyped password": "mistyped-password-Uu21", "scrape token": "scrape-token-Vv22-0123456789",
		"proxy password": "proxy+pass/wörd:Ww23", "file proxy password": "proxy-password-of-a-file-Xx24",
		"push token": "KumaPushTokenYy25", "dead push token": "DeadKumaPushTokenZz26", "module header": "module-header-secret-Ab27", "module form": "module form+secret/Bc28", "target password": "password-in-a-target-Cd29",
	}
}

// loginHash is of "login-password:ü/Tt20".
const loginHash = "$2a$10$Z6rGBNsyqk2C.qPKiuXELerVMI9D./iKDvAXa3aFw2kd6x6c36zMG"

func (w *world) leaky(dir string, tokens, echo string, s map[string]string) string {
	var y strings.Builder
	p := func(format string, args ...any) { fmt.Fprintf(&y, format, args...) }
	p("%sserver: {listen: \"127.0.0.1:0\", external_url: \"https://watch.example.test/\", auth: {type: basic, users: {alice: {password_hash: %q, role: admin}}, metrics: {bearer_token: %q}}, public: [status]}\n",
		strings.SplitN(head(dir), "\n", 2)[1], s["login hash"], s["scrape token"])
	p("credentials:\n")
	client := func(name, id, secret, more string) {
		p("  %s: {token_url: %q, client_id: %q, client_secret: %q, scopes: [%q], params: {extra: \"${file:parameter}\"}%s}\n", name, tokens+lab.TokenPath, id, secret, lab.BearerScope, more)
	}
	client("good", "good", s["client secret"], "")
	client("posted", "posted", s["posted client secret"], ", auth_method: client_secret_post")
	client("wrong", "good", s["wrong client secret"], "")
	client("filed", "filed", "${file:file-secret}", "")
	p("  echoed: {token_url: %q, client_id: good, client_secret: %q, auth_method: client_secret_post, params: {extra: \"${file:parameter}\"}}\n", echo+"/400/json?key="+s["query"], s["client secret"])
	p("  proxied: {token_url: %q, client_id: good, client_secret: %q, proxy_url: %q}\n", echo+"/401/json?key="+s["query"], s["client secret"], w.proxied("http", s["proxy password"]))
	p("  unproxied: {token_url: %q, client_id: good, client_secret: %q, proxy_url: %q}\n", tokens+lab.TokenPath, s["client secret"], w.proxied("socks5h", s["mistyped password"]))
	p("  basic: {type: basic, username: someone, password: %q}\n  bearer: {type: bearer, token: %q}\n  key: {type: header, name: X-Api-Key, value: %q}\n", s["password"], s["bearer token"], s["API key"])
	p("notifiers:\n  telegram: {type: telegram, bot_token: %q, chat_id: \"-100\", api_url: %q}\n", s["bot token"], w.ControlURL())
	p("  slack: {type: slack, webhook_url: %q}\n", w.ControlURL()+"/services/"+s["Slack path"])
	p("  discord: {type: discord, webhook_url: %q}\n", w.ControlURL()+"/api/webhooks/"+s["Discord path"])
	p("  teams: {type: teams, webhook_url: %q}\n", w.ControlURL()+"/workflows/abc/triggers/manual/paths/invoke?api-version=1&sig="+s["Teams signature"])
	p("  hook: {type: webhook, url: %q, secret: %q, headers: {X-Token: %q}}\n", w.ControlURL()+"/hook/"+s["hook path"]+"?key="+s["query"], s["hook key"], s["hook header"])
	p("  dead: {type: webhook, url: \"http://127.0.0.1:1/%s?key=%s\"}\n", s["dead hook path"], s["query"])
	p("defaults: {interval: 2s, retries: 0, retry_interval: 2s, timeout: 1500ms, headers: {X-Private: \"${file:private-header}\", X-Session-Token: %q}, expect: {keyword: %s}}\nmonitors:\n", s["session header"], lab.DefaultKeyword)
	for i, credential := range []string{"", "good", "posted", "wrong", "filed", "echoed", "basic", "bearer", "key"} {
		c := ""
		if credential != "" {
			c = ", credential: " + credential
		}
		for _, path := range []string{"/m/1?key=", "/echo?key="} {
			p("  - {name: gate %d %s, url: %q%s}\n", i, path[1:3], w.GatewayURL()+path+s["query"], c)
		}
		for _, path := range []string{"/200/text", "/302/sign-in", "/401/challenge", "/403/json"} {
			p("  - {name: authz %d %s, type: authz, url: %q, resource: %q%s}\n", i, path[1:], echo+path+"?key="+s["query"], w.GatewayURL()+"/?key="+s["query"], c)
		}
		for _, path := range []string{"/200/text", "/401/text", "/401/challenge", "/403/json", "/403/title", "/500/text", "/302/location", "/302/sign-in", "/302/challenge", "/200/title"} {
			p("  - {name: parrot %d %s, url: %q%s, method: POST, body: \"${file:body}\"}\n", i, path[1:], echo+path+"?key="+s["query"], c)
		}
	}
	for i, proxy := range []string{w.proxied("http", s["proxy password"]), w.proxied("socks5", s["proxy password"]), w.proxied("http", s["mistyped password"]), w.proxied("socks5h", s["mistyped password"]),
		"http://" + url.UserPassword("probe", s["proxy password"]).String() + "@127.0.0.1:1", "${file:proxy}"} {
		for _, path := range []string{"/403/json", "/407/text"} {
			p("  - {name: proxy %d %s, url: %q, proxy_url: %q, credential: bearer, interval: 3s, method: POST, form: {password: \"${file:body}\", key: %q}}\n", i, path[1:], echo+path+"?key="+s["query"], proxy, s["API key"])
		}
	}
	for i, credential := range []string{"good", "posted", "basic", "bearer", "key"} { // whose failures quote what was found
		for name, expect := range map[string]string{
			"text":     "keyword: \"Authorization: Nothing\"",
			"title":    "keyword: Accept, regex: \"X-Private: nobody|password=nothing\"",
			"json":     "keyword: Accept, json: \".error == 5\"",
			"location": "keyword: Accept, headers: {Location: ^Nothing$}",
		} {
			p("  - {name: quoting %d %s, url: %q, credential: %s, upside_down: %t, method: POST, form: {password: \"${file:body}\", key: %q}, expect: {%s}}\n",
				i, name, echo+"/200/"+name+"?key="+s["query"], credential, i == 1, s["API key"], expect)
		}
	}
	p("  - {name: by proxy, url: %q, credential: proxied}\n  - {name: by no proxy, url: %q, credential: unproxied}\n", w.GatewayURL()+"/", w.GatewayURL()+"/")
	p("  - {name: provider, type: issuer, url: %q, credential: good, fresh_token: true}\n", tokens)
	p("  - {name: mirrored, url: %q}\n", w.GatewayURL()+"/?key="+s["query"])
	p("  - {name: no provider, type: issuer, url: %q, credential: wrong, fresh_token: true}\n", echo)
	p("metrics: {compat: [uptime-kuma]}\nexporters:\n  kuma_push:\n")
	p("    - {url: %q, tokens: {mirrored: %q, by-proxy: %q}, interval: 1s, timeout: 1s}\n", echo+"/404/json", s["push token"], s["push token"]+"x")
	p("    - {url: \"http://127.0.0.1:1/\", tokens: {mirrored: %q}, interval: 1s, timeout: 1s, proxy_url: %q}\n", s["dead push token"], w.proxied("http", s["proxy password"]))
	p("modules:\n")
	for _, credential := range []string{"good", "wrong", "basic", "bearer", "key", "proxied"} {
		p("  %s: {credential: %s, allowed_targets: [%q], headers: {X-Module: \"${file:module-header}\"}, method: POST, form: {secret: %q}, proxy_url: %q, expect: {regex: \"Authorization: Nobody\"}}\n",
			credential, credential, echo+"/*", s["module form"], w.proxied("http", s["proxy password"]))
	}
	return y.String()
}

// scrapes asks /probe for what its modules see, and for what they may not.
func (a *watch) scrapes(echo string, s map[string]string) string {
	a.t.Helper()
	var all strings.Builder
	for _, module := range []string{"good", "wrong", "basic", "bearer", "key", "proxied"} {
		for _, path := range []string{"/200/text", "/401/challenge", "/403/json", "/302/location"} {
			for _, more := range []string{"", "&debug=true"} {
				code, body := a.ask(http.MethodGet, "/probe?module="+module+more+"&target="+url.QueryEscape(echo+path))
				if code != http.StatusOK || !strings.Contains(body, "probe_success") {
					a.t.Errorf("/probe by %s to %s: %d %s", module, path, code, body)
				}
				all.WriteString(body)
			}
		}
	}
	for _, target := range []string{"http://someone:" + s["target password"] + "@127.0.0.1:1/", "http://127.0.0.1:1/?key=" + s["query"], "ht tp://" + s["target password"]} {
		code, body := a.ask(http.MethodGet, "/probe?module=good&target="+url.QueryEscape(target))
		if code == http.StatusOK {
			a.t.Errorf("/probe of %.12s… is %d", target, code)
		}
		all.WriteString(body)
	}
	return all.String()
}

// Nothing that comes out of the program holds a secret or a token, whatever
// fails and whoever repeats what it was sent.
func TestNothingLeaks(t *testing.T) {
	t.Parallel()
	s := secretsInPlay()
	w := newWorld(t, lab.Config{}, lab.ChatOptions{
		TelegramToken: s["bot token"], SlackPath: s["Slack path"], DiscordHook: s["Discord path"], TeamsSig: s["Teams signature"], HookSecret: s["hook key"],
	})
	for _, c := range []lab.Client{
		{ID: "good", Secret: s["client secret"]}, {ID: "posted", Secret: s["posted client secret"], Method: lab.MethodPost, Format: lab.JWTRS256}, {ID: "filed", Secret: s["file secret"]},
	} {
		c.Scopes, c.Audience, c.Lifetime = []string{lab.BearerScope}, []string{w.GatewayURL() + "/"}, 5*time.Second
		w.Provider.SetClient(c)
	}
	w.Provider.SetFailureLimit(false)
	issuer := &tap{next: w.Provider}
	tokens, echo := listen(t, issuer, nil), listen(t, http.HandlerFunc(parrot), nil)
	dir := t.TempDir()
	file := filepath.Join(dir, "watch.yaml")
	w.proxy = startProxy(t, lab.ProxyOptions{User: "probe", Password: s["proxy password"]})
	other := startProxy(t, lab.ProxyOptions{User: "probe", Password: s["file proxy password"]})
	save(t, filepath.Join(dir, "proxy"), other.URL("http"))
	for name, key := range map[string]string{"file-secret": "file secret", "private-header": "private header", "module-header": "module header", "body": "body", "parameter": "parameter"} {
		save(t, filepath.Join(dir, name), s[key])
	}
	yaml := w.leaky(dir, tokens.URL(), echo.URL(), s)
	save(t, file, yaml)
	a := startLogging(t, file, slog.LevelDebug)
	out := map[string]string{"refused logins": a.failLogins(s)}
	a.login = func(r *http.Request) { r.SetBasicAuth("alice", s["login password"]) }
	until(t, 20*time.Second, "something is up, something down", func() bool { n := a.states(); return n["up"] > 0 && n["down"] > 10 })
	w.play(t, a, dir)
	a.collect(out)
	for _, series := range []string{`result="refused"`, `result="retry"`} {
		if a.counted("watchword_export_attempts_total", series) == 0 {
			t.Errorf("no push was answered with %s: the test proves less than it should", series)
		}
	}
	for _, reason := range []string{"keyword_missing", "regex", "json", "header"} {
		if a.counted("watchword_faults_total", `reason="`+reason+`"`) == 0 {
			t.Errorf("nothing failed with content/%s: the test proves less than it should", reason)
		}
	}
	out["/probe"] = a.scrapes(echo.URL(), s)
	out["reload errors"] = a.badReloads(file, yaml, s)
	for _, channel := range []string{"telegram", "slack", "discord", "teams", "webhook"} {
		messages := w.chat.Received(channel)
		if len(messages) == 0 {
			t.Errorf("%s took no message: the test proves less than it should", channel)
		}
		for _, m := range messages {
			out["messages to "+channel] += string(m.Body) + "\n"
		}
	}
	if err := a.stop(); err != nil && strings.Contains(err.Error(), s["query"]) {
		t.Errorf("the end: %v", err)
	}
	out["log"] = a.log.String()
	out["database"] = databaseOf(t, dir)
	issued := issuer.issued()
	if len(w.proxy.Seen()) < 8 || len(other.Seen()) == 0 {
		t.Errorf("the proxies were asked %d and %d times", len(w.proxy.Seen()), len(other.Seen()))
	}
	if len(issued) < 5 {
		t.Errorf("%d tokens were issued, want several", len(issued))
	}
	for i, token := range issued {
		s[fmt.Sprintf("token %d", i)] = token
	}
	total := 0
	for where, text := range out {
		if text == "" {
			t.Errorf("%s: nothing to search", where)
		}
		total += len(text)
		search(t, where, text, s)
	}
	t.Logf("searched %d KiB in %d places for %d secrets, %d of them tokens", total>>10, len(out), len(s), len(issued))
}

// play lets everything fail that can.
func (w *world) play(t *testing.T, a *watch, dir string) {
	t.Helper()
	state := w.state(t)
	for i, s := range state.Switches {
		mode := []lab.ChatTrouble{lab.ChatServerError, lab.ChatRateLimited, lab.ChatLoginRedirect, lab.ChatLoginPage, lab.ChatRefuse, lab.ChatHang, lab.ChatWell, lab.ChatWell}[i%8]
		for _, channel := range []string{"telegram", "slack", "discord", "teams", "webhook"} {
			w.chat.Fail(channel, lab.ChatMode{Do: mode, RetryAfter: time.Second, Times: 1})
		}
		w.Provider.SetQuirks(lab.Quirks{EchoSecret: true, Debug: true})
		w.flip(s.Name, true)
		during(t, 900*time.Millisecond, "the agent answers", func() bool { code, _ := a.ask(http.MethodGet, "/healthz"); return code == http.StatusOK })
		w.flip(s.Name, false)
	}
	if err := os.Remove(filepath.Join(dir, "file-secret")); err != nil {
		t.Fatal(err)
	}
	w.Provider.RevokeAll()
	w.Application.SetDown(true)
	for _, channel := range []string{"telegram", "slack", "discord", "teams", "webhook"} {
		w.chat.Fail(channel, lab.ChatMode{})
	}
	until(t, 30*time.Second, "every channel takes messages", func() bool {
		return !slices.ContainsFunc([]string{"telegram", "slack", "discord", "teams", "webhook"}, func(c string) bool { return len(w.chat.Received(c)) == 0 })
	})
}

func (w *world) state(t *testing.T) lab.State {
	t.Helper()
	resp, err := http.Get(w.ControlURL() + "/control/")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var s lab.State
	if err := json.NewDecoder(resp.Body).Decode(&s); err != nil {
		t.Fatal(err)
	}
	http.DefaultClient.CloseIdleConnections()
	return s
}

// collect reads everything that the agent serves.
func (a *watch) collect(out map[string]string) {
	a.t.Helper()
	for _, path := range []string{"/", "/metrics", "/api/v1/monitors", "/api/v1/incidents", "/api/v1/incidents?state=all", "/healthz", "/readyz", "/login", "/nowhere?key=x", "/maintenance", "/api/v1/maintenance"} {
		_, out[path] = a.ask(http.MethodGet, path)
	}
	for id := range a.monitors() {
		out["monitors one by one"] += a.body("/api/v1/monitors/" + id)
	}
	_, out["/metrics as OpenMetrics"] = a.ask(http.MethodGet, "/metrics", "Accept", "application/openmetrics-text; version=1.0.0")
}

// failLogins does what goes wrong with logins, and returns what was answered;
// then it looks at what strangers see.
func (a *watch) failLogins(s map[string]string) string {
	a.t.Helper()
	var all strings.Builder
	for _, l := range [][2]string{
		{"alice", s["mistyped password"]}, {s["mistyped password"], s["mistyped password"]}, {"alice", s["login hash"]}, {"nobody", s["login password"]},
		{"", s["login password"] + s["login password"]},
	} {
		a.login = func(r *http.Request) { r.SetBasicAuth(l[0], l[1]) }
		code, body := a.ask(http.MethodGet, "/api/v1/monitors")
		if code != http.StatusUnauthorized {
			a.t.Errorf("login as %.10q: %d", l[0], code)
		}
		all.WriteString(body)
	}
	for _, token := range []string{s["scrape token"], s["mistyped password"], s["scrape token"] + "x"} {
		a.login = func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }
		_, body := a.ask(http.MethodGet, "/metrics")
		all.WriteString(body)
	}
	a.login = nil
	for _, path := range []string{"/", "/login", "/metrics", "/api/v1/monitors"} {
		_, body := a.ask(http.MethodGet, path)
		all.WriteString(body)
	}
	return all.String()
}

// badReloads spoils the configuration in places next to secrets.
func (a *watch) badReloads(file, yaml string, s map[string]string) string {
	a.t.Helper()
	var all strings.Builder
	for _, swap := range [][2]string{
		{"webhook_url: ", "webhook_uri: "}, {"bot_token: ", "bot_token: [oops, "}, {"client_secret: ", "client_secrets: "}, {"type: basic", "type: bsic"},
		{"password: ", "password: {a: b}, passwort: "}, {"name: X-Api-Key", "name: \"X Api\\nKey\""}, {"\"http://127.0.0.1:1/", "\"http//127.0.0.1:1/"},
		{"url: \"http://", "url: \"ht tp://"}, {"token: \"" + s["bearer token"], "token: \"\\n" + s["bearer token"]}, {"X-Private: ", "\"X Private\": "},
		{"secret: \"" + s["hook key"] + "\"", "secret: {" + s["hook key"] + "}"}, {"retries: 0", "retries: " + s["query"]},
		{"password_hash: ", "password_hash: x"}, {"role: admin", "role: " + s["mistyped password"][:8]}, {"bearer_token: ", "bearer_token: \"a b\", username: "},
		{"tokens: {mirrored: ", "tokens: {nobody: "}, {"tokens: {mirrored: \"", "tokens: {mirrored: \"a b/"}, {"proxy_url: \"http://", "proxy_url: \"gopher://"}, {"form: {secret: ", "form: {\"\": "}, {"X-Module: ", "\"X Module\": "}, {"allowed_targets: [", "allowed_targets: [\"ftp://here\", "},
	} {
		bad := strings.ReplaceAll(yaml, swap[0], swap[1])
		if bad == yaml {
			a.t.Errorf("nothing to spoil at %q", swap[0])
		}
		save(a.t, file, bad)
		code, body := a.ask(http.MethodPost, "/-/reload")
		if code != http.StatusUnprocessableEntity {
			a.t.Errorf("reload with %q: %d", swap[1], code)
		}
		all.WriteString(body)
	}
	save(a.t, file, yaml)
	return all.String()
}

// databaseOf returns the bytes of all the files of the database.
func databaseOf(t *testing.T, dir string) string {
	t.Helper()
	var all bytes.Buffer
	for _, suffix := range []string{"", "-wal", "-shm", ".lock"} {
		b, err := os.ReadFile(filepath.Join(dir, "watch.db"+suffix))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		all.Write(b)
	}
	return all.String()
}

package probes_test

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/secret"
	"github.com/watchword/watchword/probes"
)

// exchange is one recorded exchange with a real identity provider or gate, cut
// to what a reading depends on; testdata/transcripts/*.json.
type exchange struct {
	Name     string            `json:"name"`
	Method   string            `json:"method"`
	URL      string            `json:"url"`
	Kind     string            `json:"kind"`     // of the credential sent, "" for none
	Authelia bool              `json:"authelia"` // the token began with authelia_at_
	Token    bool              `json:"token"`    // asked the token endpoint: read by auth
	Status   int               `json:"status"`
	Headers  map[string]string `json:"headers"`
	Body     string            `json:"body"`
	Page     string            `json:"page"` // file of the body
	Error    string            `json:"error"`

	system string
}

func exchanges(t *testing.T) []exchange {
	t.Helper()
	files, err := filepath.Glob("testdata/transcripts/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	var all []exchange
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		var some []exchange
		if err := json.Unmarshal(raw, &some); err != nil {
			t.Fatalf("%s: %v", f, err)
		}
		for _, x := range some {
			x.system = strings.TrimSuffix(filepath.Base(f), ".json")
			if x.Page != "" {
				page, err := os.ReadFile(filepath.Join("testdata/transcripts/pages", x.Page))
				if err != nil {
					t.Fatal(err)
				}
				x.Body = string(page)
			}
			all = append(all, x)
		}
	}
	return all
}

// verdicts reads testdata/verdicts.txt: "SYSTEM: NAME<TAB>VERDICT".
func verdicts(t *testing.T) map[string]string {
	t.Helper()
	f, err := os.Open("testdata/verdicts.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	vs := make(map[string]string)
	for sc := bufio.NewScanner(f); sc.Scan(); {
		line := sc.Text()
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		key, v, ok := strings.Cut(line, "\t")
		if _, twice := vs[key]; twice || !ok {
			t.Fatalf("line %q is no entry, or its exchange has one already", line)
		}
		vs[key] = v
	}
	return vs
}

// TestTranscripts replays every recorded exchange through a probe and compares
// the reading with the committed one. Exchanges with a token endpoint are read
// by auth; here they must have a line that names a class and reason there is.
func TestTranscripts(t *testing.T) {
	want := verdicts(t)
	known := map[string]bool{"up": true}
	check.EachReason(func(c check.Class, r check.Reason) { known[string(c)+"/"+string(r)] = true })
	all := exchanges(t)
	replayer := newReplayer(t, all)
	for _, x := range all {
		key := x.system + ": " + x.Name
		w, ok := want[key]
		if !ok {
			t.Errorf("no line for %q", key)
			continue
		}
		delete(want, key)
		if !known[w] && !strings.HasPrefix(w, "not an http answer: ") {
			t.Errorf("%s: %q is no verdict", key, w)
		}
		if x.Token {
			continue
		}
		r := replayer.read(t, x)
		if got := short(r); got != w {
			t.Errorf("%s: read as %s, want %s (%+v)", key, got, w, r.Fault)
		}
		checkText(t, r, "sekrit-token")
	}
	for key := range want {
		t.Errorf("a line for %q, and no such exchange", key)
	}
}

var listReadings = flag.Bool("list-readings", false, "print how each recorded exchange is read")

func TestListReadings(t *testing.T) {
	if !*listReadings {
		return
	}
	all := exchanges(t)
	replayer := newReplayer(t, all)
	for _, x := range all {
		if !x.Token {
			r := replayer.read(t, x)
			fmt.Printf("%s: %s\t%s\n", x.system, x.Name, short(r))
			if r.Fault != nil {
				fmt.Printf("#   %s\n#   %s\n", r.Fault.Message, r.Fault.Hint)
			}
		}
	}
}

func short(r check.Result) string {
	if r.Fault == nil {
		return "up"
	}
	return string(r.Fault.Class) + "/" + string(r.Fault.Reason)
}

// replayer answers requests for any host with the exchange that they name.
type replayer struct {
	all map[string]exchange
	rt  *http.Transport
}

func newReplayer(t *testing.T, all []exchange) *replayer {
	t.Helper()
	p := &replayer{all: make(map[string]exchange)}
	for _, x := range all {
		p.all[x.system+": "+x.Name] = x
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: p}
	done := make(chan struct{})
	go func() { defer close(done); _ = srv.Serve(l) }()
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", l.Addr().String())
	}
	p.rt = &http.Transport{DialContext: dial, DialTLSContext: dial, DisableKeepAlives: true, DisableCompression: true}
	t.Cleanup(func() { srv.Close(); <-done; p.rt.CloseIdleConnections() })
	return p
}

const portal = "https://auth.example.test/?rd=https%3A%2F%2Fapplication.example.test%2F&rm=GET"

// ServeHTTP writes an exchange byte for byte: net/http would add headers and
// refuse some.
func (p *replayer) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	key := req.Header.Get("X-Exchange")
	if key == "" { // a redirect left the monitor's origin: the page it ends at
		key = "authelia-resource: the sign-in page a followed redirect ends at"
	}
	x := p.all[key]
	conn, buf, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err)
	}
	defer conn.Close()
	if x.Name == "the sign-in page a followed redirect ends at" && req.Host == "application.example.test" {
		fmt.Fprintf(buf, "HTTP/1.1 302 Found\r\nLocation: %s\r\nConnection: close\r\n\r\n", portal)
		buf.Flush()
		return
	}
	fmt.Fprintf(buf, "HTTP/1.1 %d %s\r\n", x.Status, http.StatusText(x.Status))
	for k, v := range x.Headers {
		fmt.Fprintf(buf, "%s: %s\r\n", k, v)
	}
	fmt.Fprintf(buf, "Content-Length: %s\r\nConnection: close\r\n\r\n", strconv.Itoa(len(x.Body)))
	if req.Method != http.MethodHead {
		fmt.Fprint(buf, x.Body)
	}
	buf.Flush()
}

func (p *replayer) read(t *testing.T, x exchange) check.Result {
	t.Helper()
	key := x.system + ": " + x.Name
	o := probes.DefaultHTTPOptions()
	o.URL, o.Method = x.URL, x.Method
	if x.URL == portal {
		o.URL = "https://application.example.test/"
	}
	o.Headers = map[string]secret.Text{"X-Exchange": secret.Literal(key)}
	h, err := probes.NewHTTP(monitor(o.URL), o, wayOf(x), probes.Common{RT: p.rt, UserAgent: "test"})
	if err != nil {
		t.Fatalf("%s: %v", key, err)
	}
	return h.Probe(t.Context())
}

// wayOf is the way in of a monitor that sends what the exchange was sent, nil for
// nothing.
func wayOf(x exchange) *probes.Way {
	if x.Kind == "" {
		return nil
	}
	return &probes.Way{Auth: stamp("sekrit-token"), Kind: x.Kind, Credential: "key", Gate: "gate",
		Provider: providerOf(x), Alive: func(context.Context) bool { return !strings.HasPrefix(x.Name, "Authelia down") },
		Authelia: func() bool { return x.Authelia },
		Secrets:  func() []string { return []string{"sekrit-token"} }}
}

func providerOf(x exchange) string {
	switch {
	case x.Kind != "client_credentials":
		return ""
	case strings.HasPrefix(x.system, "authelia"):
		return "https://auth.example.test"
	}
	return "http://localhost:4000"
}

// stamp is an Authorizer whose token never changes.
type stamp string

func (s stamp) Authorize(_ context.Context, req *http.Request) (uint64, error) {
	req.Header.Set("Authorization", "Bearer "+string(s))
	return 1, nil
}

func (s stamp) Judged(uint64, bool) bool { return false }

func monitor(raw string) *check.Monitor {
	u, err := url.Parse(raw)
	if err != nil {
		u = new(url.URL)
	}
	return &check.Monitor{ID: "m", Name: "M", Type: "http", URL: secret.URL(u.String())}
}

// checkText holds a result to the promises about texts.
func checkText(t *testing.T, r check.Result, secrets ...string) {
	t.Helper()
	f := r.Fault
	if f == nil {
		return
	}
	if check.ClassOf(f.Reason) != f.Class || f.Class == "" {
		t.Errorf("%s/%s is outside the closed set", f.Class, f.Reason)
	}
	if f.Cause.Kind == "" || f.Cause.Key == "" {
		t.Errorf("%s/%s has the cause %+v", f.Class, f.Reason, f.Cause)
	}
	for _, text := range []string{f.Message, f.Hint} {
		if text == "" || strings.ContainsAny(text, "\r\n\t") || len([]rune(text)) > 800 {
			t.Errorf("%s/%s says %q", f.Class, f.Reason, text)
		}
		for _, s := range secrets {
			if strings.Contains(text, s) {
				t.Errorf("%s/%s gives a secret away: %q", f.Class, f.Reason, text)
			}
		}
	}
}

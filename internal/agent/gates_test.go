package agent_test

import (
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/watchword/watchword/internal/agent"
	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/config"
	"github.com/watchword/watchword/internal/lab"
)

const sites = 4

// gatesYAML watches sites behind the gate of a world, its decision about the
// first of them, and the provider. The authz endpoint may be elsewhere.
func gatesYAML(w *world, dir, authz, more string) string {
	var y strings.Builder
	y.WriteString(head(dir) + "credentials:\n" + w.credential("door", lab.ClientID, ", timeout: 3s"))
	fmt.Fprintf(&y, "notifiers:\n  chat: {type: slack, webhook_url: %q}\n", w.slack())
	y.WriteString("defaults: {interval: 6s, timeout: 5s, retries: 1, retry_interval: 2s, credential: door}\nmonitors:\n")
	for i := range sites {
		fmt.Fprintf(&y, "  - {name: Site %d, url: \"%s/m/%d\", expect: {keyword: %s}}\n", i, w.GatewayURL(), i, lab.DefaultKeyword)
	}
	fmt.Fprintf(&y, "  - {name: Gate decision, type: authz, url: %q, resource: \"%s/m/0\"}\n", authz, w.GatewayURL())
	fmt.Fprintf(&y, "  - {name: Identity provider, type: issuer, url: %q%s}\n", w.ProviderURL(), more)
	return y.String()
}

// warm has the provider make its keys, which it does when they are asked for
// first, and which takes seconds on a busy machine.
func (w *world) warm() {
	w.t.Helper()
	resp, err := http.Get(w.ProviderURL() + lab.JWKSPath)
	if err != nil {
		w.t.Fatal(err)
	}
	resp.Body.Close()
	http.DefaultClient.CloseIdleConnections()
}

func (w *world) authzURL() string { return w.ProviderURL() + lab.AuthRequestPath }

// broken is one way for the world to break, and whose outage it is.
type broken struct {
	name         string
	breaks, mend func(w *world)
	cause        func(w *world) check.Cause
	down         []string // ids of who is down; nil: all
	w            *world
	a            *watch
	before       int // messages that were there when it broke
}

func siteIDs(more ...string) []string {
	var ids []string
	for i := range sites {
		ids = append(ids, fmt.Sprintf("site-%d", i))
	}
	return append(ids, more...)
}

func ways() []*broken {
	by := func(name string) (func(*world), func(*world)) {
		return func(w *world) { w.flip(name, true) }, func(w *world) { w.flip(name, false) }
	}
	provider := func(w *world) check.Cause { return check.Cause{Kind: check.CauseProvider, Key: w.ProviderURL()} }
	gate := func(*world) check.Cause { return check.Cause{Kind: check.CauseGate, Key: "door"} }
	address := func(w *world) check.Cause {
		return check.Cause{Kind: check.CauseAddress, Key: strings.TrimPrefix(w.GatewayURL(), "http://")}
	}
	var all []*broken
	for _, b := range []struct {
		by    string
		cause func(*world) check.Cause
		down  []string
	}{
		{"provider-down", provider, nil},
		{"provider-hang", provider, nil},
		{"provider-502", provider, nil},
		{"tokens-refused", gate, siteIDs("gate-decision")},
		{"gateway-down", address, siteIDs()},
		{"app-down", gate, siteIDs()},
	} {
		one := &broken{name: b.by, cause: b.cause, down: b.down}
		one.breaks, one.mend = by(b.by)
		all = append(all, one)
	}
	return all
}

// A dead provider behind live tokens is one incident of the provider, with the
// sites named under it; a gate that takes no token is one of the gate; a dead
// gateway or application takes neither gate nor provider along.
func TestWhoseOutageItIs(t *testing.T) {
	t.Parallel()
	all := ways()
	for _, b := range all {
		b.w = newWorld(t, lab.Config{}, lab.ChatOptions{})
		b.w.warm()
		dir := t.TempDir()
		file := filepath.Join(dir, "watch.yaml")
		save(t, file, gatesYAML(b.w, dir, b.w.authzURL(), ""))
		b.a = start(t, file)
	}
	for _, b := range all {
		until(t, 20*time.Second, b.name+": all up at first", func() bool { return b.a.all("up") })
		b.before = b.w.said("[Down]")
		b.breaks(b.w)
	}
	for _, b := range all {
		t.Run(b.name, func(t *testing.T) { b.check(t) })
		b.mend(b.w)
	}
	for _, b := range all {
		until(t, 60*time.Second, b.name+": all up again", func() bool { return b.a.all("up") })
		if n := b.w.said("[Down]") - b.before; n != 1 {
			t.Errorf("%s: %d messages, want one: %s", b.name, n, b.w.texts())
		}
	}
}

func (b *broken) check(t *testing.T) {
	want := b.down
	if want == nil {
		want = siteIDs("gate-decision", "identity-provider")
	}
	slices.Sort(want)
	until(t, 30*time.Second, fmt.Sprintf("%s: down are %s", b.name, want), func() bool {
		var down []string
		for id, m := range b.a.monitors() {
			if m.Status == check.Down {
				down = append(down, id)
			}
		}
		slices.Sort(down)
		return slices.Equal(down, want)
	})
	until(t, 20*time.Second, b.name+": somebody is told", func() bool { return b.w.said("[Down]") > b.before })
	is := b.a.incidents("open")
	if len(is) != 1 || is[0].Cause != b.cause(b.w) {
		t.Fatalf("incidents %+v, want one of %+v", is, b.cause(b.w))
	}
	got := slices.Clone(is[0].Monitors)
	if slices.Sort(got); !slices.Equal(got, want) {
		t.Errorf("in it are %s, want %s", got, want)
	}
	for id, m := range b.a.monitors() {
		if m.Fault != nil && (m.Fault.Message == "" || m.Fault.Hint == "") {
			t.Errorf("%s: message %q, hint %q", id, m.Fault.Message, m.Fault.Hint)
		}
		if b.cause(b.w).Kind == check.CauseProvider && m.Fault.Class != check.IDP {
			t.Errorf("%s fails with %+v", id, m.Fault)
		}
	}
}

// A gate that is a program of its own and is gone is one outage of the gate: the
// proxy before the sites answers 500, and the endpoint refuses connections.
func TestADeadGateIsOneIncident(t *testing.T) {
	t.Parallel()
	w := newWorld(t, lab.Config{}, lab.ChatOptions{})
	w.warm()
	l, err := lab.Listen(t.Context(), "127.0.0.1:0", w.Authz, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close(contextOf(t, time.Second)) })
	dir := t.TempDir()
	file := filepath.Join(dir, "watch.yaml")
	save(t, file, gatesYAML(w, dir, l.URL()+lab.AuthRequestPath, ""))
	a := start(t, file)
	until(t, 20*time.Second, "all up at first", func() bool { return a.all("up") })
	if err := l.SetRefusing(true); err != nil {
		t.Fatal(err)
	}
	w.Gateway.SetStatus(http.StatusInternalServerError, "<html>\r\n<head><title>500 Internal Server Error</title></head>\r\n<body>\r\n<center><h1>500 Internal Server Error</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n")
	until(t, 20*time.Second, "the gate is down", func() bool {
		is := a.incidents("open")
		return len(is) == 1 && is[0].Cause == (check.Cause{Kind: check.CauseGate, Key: "door"}) && len(is[0].Monitors) == sites+1
	})
	m := a.monitors()
	if m["identity-provider"].Status != check.Up || m["gate-decision"].Fault.Reason != check.Connect || m["site-0"].Fault.Reason != check.GatewayError {
		t.Errorf("shown as %+v, %+v, %+v", m["identity-provider"], m["gate-decision"].Fault, m["site-0"].Fault)
	}
	if !strings.Contains(m["site-0"].Fault.Hint, `"Gate decision"`) || !strings.Contains(m["site-1"].Fault.Hint, "the gate") || strings.Contains(m["site-1"].Fault.Hint, `"Gate decision"`) {
		t.Errorf("hints %q and %q", m["site-0"].Fault.Hint, m["site-1"].Fault.Hint)
	}
	if err := l.SetRefusing(false); err != nil {
		t.Fatal(err)
	}
	w.Gateway.Mend()
	until(t, 20*time.Second, "all up again", func() bool { return a.all("up") })
}

// With fresh_token each run has a token of its own, the others go on with theirs,
// and none of them is shown anywhere.
func TestAnIssuerFetchesFreshTokens(t *testing.T) {
	w := newWorld(t, lab.Config{}, lab.ChatOptions{})
	dir := t.TempDir()
	file := filepath.Join(dir, "watch.yaml")
	save(t, file, gatesYAML(w, dir, w.authzURL(), ", fresh_token: true"))
	cfg, problems := config.Load([]string{file}, config.LoadOptions{})
	if cfg == nil {
		t.Fatal(problems)
	}
	o, err := agent.NewOnce(cfg, agent.Options{Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	for range 10 {
		if err := o.Probe(t.Context(), nil, func(r check.Result) {
			if r.Fault != nil {
				t.Errorf("%s: %+v", r.Monitor.Name, r.Fault)
			}
			if text := fmt.Sprintf("%+v", r.Detail); strings.Contains(text, "authelia_at_") {
				t.Errorf("a token is shown: %s", text)
			}
		}); err != nil {
			t.Fatal(err)
		}
	}
	if n := w.Provider.TokenRequests(); n != 11 {
		t.Errorf("%d token requests, want one for all and ten for proof", n)
	}
	w.flip("secret-rotated", true) // revokes the tokens
	if err := o.Probe(t.Context(), []string{"Identity provider"}, func(r check.Result) {
		if r.Fault == nil || r.Fault.Reason != check.ClientRejected || r.Fault.Cause != (check.Cause{Kind: check.CauseCredential, Key: "door"}) {
			t.Errorf("got %+v", r.Fault)
		}
	}); err != nil {
		t.Fatal(err)
	}
}

// What is noted is logged: keys of a provider that came and went.
func TestKeyRotationIsLogged(t *testing.T) {
	one, two := lab.NewProvider(lab.ProviderOptions{}), lab.NewProvider(lab.ProviderOptions{})
	w := newWorld(t, lab.Config{}, lab.ChatOptions{})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	turn := make(chan struct{})
	srv := &http.Server{Handler: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		select {
		case <-turn:
			two.ServeHTTP(rw, r)
		default:
			one.ServeHTTP(rw, r)
		}
	})}
	done := make(chan struct{})
	go func() { defer close(done); _ = srv.Serve(l) }()
	t.Cleanup(func() { srv.Close(); <-done })
	dir := t.TempDir()
	file := filepath.Join(dir, "watch.yaml")
	save(t, file, head(dir)+fmt.Sprintf("notifiers:\n  chat: {type: slack, webhook_url: %q}\nmonitors:\n  - {name: Provider, type: issuer, url: \"http://%s\", interval: 1s}\n", w.slack(), l.Addr()))
	a := start(t, file)
	until(t, 10*time.Second, "it is up", func() bool { return a.all("up") })
	close(turn)
	until(t, 10*time.Second, "it is logged", func() bool { return strings.Contains(a.log.String(), "the signing keys changed; new: ") })
	during(t, 2*time.Second, "once, and it is no fault", func() bool {
		return strings.Count(a.log.String(), "the signing keys changed") == 1 && a.all("up")
	})
}

package auth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/lab"
	"github.com/watchword/watchword/internal/secret"
)

// issuerOptions are those of a credential that finds its token endpoint.
func issuerOptions(issuer string) Options {
	o := DefaultOptions()
	o.Issuer, o.ClientID, o.ClientSecret, o.Scopes = issuer, "probe", secret.Literal("right secret"), []string{lab.BearerScope}
	return o
}

func discoverable(t *testing.T) (*lab.Provider, *lab.Server) {
	t.Helper()
	p := lab.NewProvider(lab.ProviderOptions{NoFailureLimit: true})
	c := labClient(lab.MethodBasic)
	c.Secret = "right secret"
	p.SetClient(c)
	return p, listen(t, p, nil)
}

func TestWellKnown(t *testing.T) {
	for issuer, want := range map[string]string{
		"https://a.example":          "https://a.example/.well-known/openid-configuration https://a.example/.well-known/oauth-authorization-server",
		"https://a.example/":         "https://a.example/.well-known/openid-configuration https://a.example/.well-known/oauth-authorization-server",
		"https://a.example:8443/r/m": "https://a.example:8443/r/m/.well-known/openid-configuration https://a.example:8443/.well-known/oauth-authorization-server/r/m",
	} {
		if got := strings.Join(wellKnown(issuer), " "); got != want {
			t.Errorf("%s: %s", issuer, got)
		}
	}
}

// TestDiscovery: both forms, once for all credentials of the issuer, and nothing
// said of Authelia's own scope.
func TestDiscovery(t *testing.T) {
	for _, only := range []string{lab.DiscoveryPath, "/.well-known/oauth-authorization-server"} {
		t.Run(only, func(t *testing.T) {
			p, s := discoverable(t)
			p.SetDiscovery(func(path string, document map[string]any) {
				if path != only {
					clear(document)
				}
			})
			r := newTestRegistry(t)
			a, b := sourceOf(t, r, "a", issuerOptions(s.URL())), sourceOf(t, r, "b", issuerOptions(s.URL()))
			var wg sync.WaitGroup
			for _, src := range []*Source{a, b, a, b} {
				wg.Go(func() {
					if _, _, f := authorize(t, src.Handle(origin), 5*time.Second); f != nil {
						t.Error(f)
					}
				})
			}
			wg.Wait()
			want := map[string]int{lab.DiscoveryPath: 1}[only]
			if want == 0 {
				want = 2 // the first form is asked first
			}
			if n := p.DiscoveryRequests(); n != want {
				t.Errorf("%d requests for discovery documents, want %d", n, want)
			}
			if a.Status().Warning != "" || a.TokenURL() != s.URL()+lab.TokenPath || a.Provider() != s.URL() {
				t.Errorf("warning %q, %s of %s", a.Status().Warning, a.TokenURL(), a.Provider())
			}
			if !a.Alive(t.Context()) || p.DiscoveryRequests() != want+1 {
				t.Error("the discovery document is what is asked whether the provider is alive")
			}
		})
	}
}

// TestDiscoveryFaults: what is wrong with a document has its own message and hint.
func TestDiscoveryFaults(t *testing.T) {
	const elsewhere = "https://elsewhere.example.com"
	set := func(k string, v any) func(*lab.Provider) {
		return func(p *lab.Provider) { p.SetDiscovery(func(_ string, d map[string]any) { d[k] = v }) }
	}
	trouble := func(tr lab.Trouble) func(*lab.Provider) { return func(p *lab.Provider) { p.Discovery.Set(tr) } }
	for _, tc := range []struct {
		name          string
		spoil         func(*lab.Provider)
		message, hint string
	}{
		{"404", func(p *lab.Provider) { p.SetDiscovery(func(_ string, d map[string]any) { clear(d) }) }, "answered 404", "with its path (Keycloak:"},
		{"HTML", trouble(lab.Trouble{Status: 200, Body: "<!DOCTYPE html><title>Sign in</title>"}), "is a page of HTML", "a portal or an application answers there"},
		{"no JSON", trouble(lab.Trouble{Status: 200, Body: "hello", ContentType: "text/plain"}), "is no JSON object", "set issuer to the identity provider itself"},
		{"other issuer", set("issuer", elsewhere), fmt.Sprintf("is that of issuer %q, not of \"http://", elsewhere), fmt.Sprintf("set issuer to %q, to the letter", elsewhere)},
		{"all tenants", set("issuer", "https://login.microsoftonline.com/{tenantid}/v2.0"), "{tenantid}", "write the id of your tenant"},
		{"no issuer", set("issuer", ""), "names no issuer", "token_url"},
		{"http", set("token_endpoint", "http://auth.example.com/token"), "names a token endpoint that is not https: http://auth.example.com/token", "X-Forwarded-Proto"},
		{"no endpoint", set("token_endpoint", ""), "names no token_endpoint", "token_url"},
		{"no URL", set("token_endpoint", "/token"), `that is no URL: "/token"`, "token_url"},
		{"redirect", trouble(lab.Trouble{Status: 302, Redirect: elsewhere + "/login?x=y"}), "a redirect to " + elsewhere + "/login", "redirects are not followed"},
		{"502", trouble(lab.Trouble{Status: 502}), "answered 502", "look at the log of the identity provider"},
		{"429", trouble(lab.Trouble{Status: 429, RetryAfter: "7"}), "answered 429", "look at the log"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p, s := discoverable(t)
			tc.spoil(p)
			src := newSource(t, issuerOptions(s.URL()))
			_, _, f := authorize(t, src.Handle(origin), 5*time.Second)
			if verdict(f) != "idp/discovery_failed" || !strings.Contains(f.Message, tc.message) || !strings.Contains(f.Hint, tc.hint) {
				t.Fatalf("%v\nhint %q", f, f.Hint)
			}
			if f.Cause != (check.Cause{Kind: check.CauseProvider, Key: s.URL()}) {
				t.Errorf("cause %v", f.Cause)
			}
			asked := p.DiscoveryRequests()
			for range 10 { // the last fault is given at once
				if _, _, again := authorize(t, src.Handle(origin), 5*time.Second); again.Error() != f.Error() {
					t.Errorf("%v", again)
				}
			}
			if n := p.DiscoveryRequests(); n != asked {
				t.Errorf("%d more requests during the back-off", n-asked)
			}
			if p.TokenRequests() != 0 {
				t.Error("the token endpoint was asked")
			}
			if st := src.Status(); st.LastFault == nil || st.NextTry.IsZero() {
				t.Errorf("status %+v", st)
			}
		})
	}
	t.Run("refused", func(t *testing.T) {
		_, s := discoverable(t)
		if err := s.SetRefusing(true); err != nil {
			t.Fatal(err)
		}
		_, _, f := authorize(t, newSource(t, issuerOptions(s.URL())).Handle(origin), 5*time.Second)
		if verdict(f) != "idp/discovery_failed" || !strings.Contains(f.Message, "connection refused") || !strings.Contains(f.Hint, "running") {
			t.Errorf("%v\nhint %q", f, f.Hint)
		}
	})
	t.Run("slash", func(t *testing.T) {
		_, s := discoverable(t)
		_, _, f := authorize(t, newSource(t, issuerOptions(s.URL()+"/")).Handle(origin), 5*time.Second)
		if verdict(f) != "idp/discovery_failed" || !strings.Contains(f.Hint, "they differ in the slash at the end") {
			t.Errorf("%v\nhint %q", f, f.Hint)
		}
	})
}

// TestWhatIsNotListed: what the provider does not list is a warning.
func TestWhatIsNotListed(t *testing.T) {
	p, s := discoverable(t)
	p.SetDiscovery(func(_ string, d map[string]any) {
		d["token_endpoint_auth_methods_supported"] = []string{"private_key_jwt"}
		d["grant_types_supported"] = []string{"authorization_code"}
	})
	c, _ := p.Client("probe")
	c.Scopes = append(c.Scopes, "metrics", "openid", "api://app/.default")
	p.SetClient(c)
	o := issuerOptions(s.URL())
	o.Scopes = c.Scopes
	e, err := newSource(t, o).Explain(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"the provider does not list auth_method client_secret_basic, but private_key_jwt",
		"the provider does not list the grant client_credentials", "the provider does not list the scope metrics"}
	if got := strings.Join(e.Warnings, "\n"); got != strings.Join(want, "\n") || e.Issuer != s.URL() {
		t.Errorf("warnings\n%s", got)
	}
}

// TestNoMethodsListed: no list means client_secret_basic (RFC 8414, section 2),
// and no words are put into the provider's mouth.
func TestNoMethodsListed(t *testing.T) {
	for method, want := range map[string]string{
		methodBasic: "", methodFederated: "",
		methodKeyJWT: "the provider names no methods, which means client_secret_basic, and auth_method is private_key_jwt",
	} {
		got := (&metadata{}).differs(Options{AuthMethod: method}, "")
		if strings.Join(got, "\n") != want {
			t.Errorf("%s: %q", method, got)
		}
	}
}

// TestMutualTLSAlias: client certificates are shown where the provider wants
// them (RFC 8705, section 5), and nothing else is.
func TestMutualTLSAlias(t *testing.T) {
	m := metadata{TokenEndpoint: "https://a/token"}
	m.Alias = "https://mtls.a/token"
	if m.endpointFor(methodTLS) != "https://mtls.a/token" || m.endpointFor(methodBasic) != "https://a/token" {
		t.Error("the alias is taken for the wrong method")
	}
}

// documents answers discovery documents beside tokens, in virtual time.
type documents struct {
	mu     sync.Mutex
	asked  []time.Time
	tokens int
	down   bool
	path   string
	header []string
}

func (d *documents) answer(_ int64, req *http.Request) (*http.Response, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if req.Method == http.MethodGet {
		d.asked = append(d.asked, time.Now())
	}
	switch {
	case d.down:
		return nil, errors.New("connection refused")
	case req.Method == http.MethodGet:
		return response(200, `{"issuer":"https://auth.example.com","token_endpoint":"https://auth.example.com`+d.path+`"}`, d.header...), nil
	case req.URL.Path != d.path:
		return response(404, "gone"), nil
	}
	d.tokens++
	return response(200, fmt.Sprintf(`{"access_token":"t%d","token_type":"bearer","expires_in":600,"scope":"authelia.bearer.authz"}`, d.tokens)), nil
}

func (d *documents) set(change func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	change()
}

// TestDiscoveryOverTime: the document is kept as long as it says, is used while
// the provider is down, and is asked for again when its endpoint has moved.
func TestDiscoveryOverTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &documents{path: "/token", header: []string{"Cache-Control", "public, max-age=7200"}}
		idp := &fakeIDP{}
		idp.set(d.answer)
		r := idp.registry(RegistryOptions{})
		defer r.Close()
		src := sourceOf(t, r, "gate", issuerOptions("https://auth.example.com"))
		h := src.Handle(origin)
		use := func(span time.Duration) (faults int) {
			for end := time.Now().Add(span); time.Now().Before(end); time.Sleep(30 * time.Second) {
				if _, _, f := authorize(t, h, 5*time.Second); f != nil {
					faults++
				}
			}
			return faults
		}
		if n := use(6 * time.Hour); n != 0 || len(d.asked) < 3 || len(d.asked) > 4 {
			t.Errorf("%d faults, the document was asked for %d times in 6 h, want 3", n, len(d.asked))
		}
		d.set(func() { d.down, d.asked = true, nil })
		if n := use(time.Minute); n != 0 {
			t.Errorf("%d faults while the token lives", n)
		}
		use(12 * time.Hour)
		for i := 1; i < len(d.asked); i++ {
			if gap := d.asked[i].Sub(d.asked[i-1]); gap < time.Second {
				t.Fatalf("the document is asked for after %s", gap)
			}
		}
		if n := len(d.asked); n > 200 {
			t.Errorf("asked %d times in 12 h, want one in 5 minutes at most", n)
		}
		d.set(func() { d.down, d.path = false, "/moved" })
		use(10 * time.Minute)
		if n := use(30 * time.Minute); n != 0 || src.TokenURL() != "https://auth.example.com/moved" {
			t.Errorf("%d faults after the endpoint moved to %s", n, src.TokenURL())
		}
	})
}

// TestDiscoveryThatHangs: nobody waits longer than a run has time, and one
// request is under way.
func TestDiscoveryThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		idp := &fakeIDP{}
		idp.set(hangs)
		r := idp.registry(RegistryOptions{})
		defer r.Close()
		h := sourceOf(t, r, "gate", issuerOptions("https://auth.example.com")).Handle(origin)
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				began := time.Now()
				ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
				defer cancel()
				_, _, f := authorizeIn(ctx, t, h)
				if took := time.Since(began); took != 3*time.Second || f == nil || f.Class != check.IDP {
					t.Errorf("%v after %s", f, took)
				}
			})
		}
		wg.Wait()
		if n := idp.alive.Load(); n != 1 {
			t.Errorf("%d requests, want 1", n)
		}
	})
}

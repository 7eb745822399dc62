package traps_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"
)

const good = `{"access_token":"t1-token","token_type":"Bearer","expires_in":3600}`

// TestAnswersOfTheProvider: what Uptime Kuma says "The oauth config is invalid"
// of, or sends on as "undefined", is told as what it is.
func TestAnswersOfTheProvider(t *testing.T) {
	for _, tc := range []struct {
		name   string
		answer http.HandlerFunc
		want   string
		words  string
	}{
		{"500", says(500, "text/plain", "oops"), "idp/token_server_error", "500"},
		{"HTML", says(200, "text/html", "<html>login</html>"), "idp/token_malformed", ""},
		{"no token_type", grants(`{"access_token":"t1-token","expires_in":3600}`), "up", ""},
		{"no access_token", grants(`{"token_type":"Bearer"}`), "idp/token_malformed", ""},
		{"wrong secret", says(401, "application/json", `{"error":"invalid_client"}`), "credential/client_rejected", "invalid_client"},
		{"wrong scope", says(400, "application/json", `{"error":"invalid_scope"}`), "credential/scope_rejected", ""},
		{"no expires_in", grants(`{"access_token":"t1-token","token_type":"Bearer"}`), "up", ""},
		{"expires_in 0", grants(`{"access_token":"t1-token","token_type":"Bearer","expires_in":0}`), "up", ""},
		{"expires_in as text", grants(`{"access_token":"t1-token","token_type":"bearer","expires_in":"3600"}`), "up", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := newProvider(t, tc.answer)
			all := probe(t, 3, behind(p.URL, page(t, gate("t1-token")), "expect: {keyword: ALL-SYSTEMS-GO}"))
			for _, r := range all {
				expect(t, r, tc.want, tc.words)
			}
			if n := p.asked.Load(); n != 1 { // the back-off holds the others
				t.Errorf("%d token requests in three runs, want 1", n)
			}
		})
	}
}

// TestAProviderThatIsNotThere: its outage is its own, not the site's.
func TestAProviderThatIsNotThere(t *testing.T) {
	url := page(t, gate("t1-token"))
	expect(t, probe(t, 1, behind("http://"+free(t)+"/token", url, ""))[0], "idp/token_unreachable", "refused")
	expect(t, probe(t, 1, behind("https://nowhere.invalid/token", url, ""))[0], "idp/token_unreachable", "nowhere.invalid")
	private := httptest.NewTLSServer(grants(good))
	t.Cleanup(private.Close)
	expect(t, probe(t, 1, behind(private.URL, url, "tls: {insecure_skip_verify: true}"))[0], "idp/token_unreachable")
}

// free returns an address at which nobody listens.
func free(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// TestATargetThatRefuses: with OAuth on, Uptime Kuma says "Cannot read
// properties of undefined" of it.
func TestATargetThatRefuses(t *testing.T) {
	p := newProvider(t, grants(good))
	expect(t, probe(t, 1, behind(p.URL, "http://"+free(t), ""))[0], "network/connect", "refused")
}

// TestAProviderThatHangs: the timeout of the monitor holds for the token, too.
func TestAProviderThatHangs(t *testing.T) {
	release := make(chan struct{})
	p := newProvider(t, func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
	})
	defer close(release)
	r := probe(t, 1, behind(p.URL, page(t, gate("t1-token")), "timeout: 500ms"))[0]
	expect(t, r, "idp/token_timeout")
	if r.Took > 5*time.Second {
		t.Errorf("the run took %s with a timeout of 500ms", r.Took)
	}
}

// TestAnAuthorizationHeaderBesideOAuth: in Uptime Kuma it costs a token on every
// run, for the header goes out first and is refused. Here the credential is what
// goes out.
func TestAnAuthorizationHeaderBesideOAuth(t *testing.T) {
	p := newProvider(t, grants(good))
	all := probe(t, 3, behind(p.URL, page(t, gate("t1-token")), `headers: {Authorization: "Bearer mine"}`))
	for _, r := range all {
		expect(t, r, "up")
	}
	if n := p.asked.Load(); n != 1 {
		t.Errorf("%d token requests in three runs, want 1", n)
	}
}

// TestARevokedTokenWhere401IsExpected: Uptime Kuma gets no new one then and says
// that the keyword is missing. Here the gate's own words count.
func TestARevokedTokenWhere401IsExpected(t *testing.T) {
	p := newProvider(t, grants(good))
	r := probe(t, 1, behind(p.URL, page(t, gate("another")), `expect: {status: [200-299, 401], keyword: ALL-SYSTEMS-GO}`))[0]
	expect(t, r, "gateway/token_rejected")
}

// TestARefusalOf403: Uptime Kuma does nothing about one. Here a token that is not
// of this run is replaced once, within the run.
func TestARefusalOf403(t *testing.T) {
	var current atomic.Value
	current.Store("t1")
	p := newProvider(t, func(w http.ResponseWriter, r *http.Request) {
		grants(`{"access_token":"`+current.Load().(string)+`","token_type":"Bearer","expires_in":3600}`)(w, r)
	})
	url := page(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+current.Load().(string) {
			w.WriteHeader(http.StatusForbidden)
		}
		if r.URL.Path == "/revoke" {
			current.Store("t2")
		}
	})
	all := probe(t, 2, behind(p.URL, url+"/revoke", ""))
	expect(t, all[0], "up")
	expect(t, all[1], "up")
	if n := p.asked.Load(); n != 2 {
		t.Errorf("%d token requests, want 2", n)
	}
}

package auth

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/lab"
	"github.com/watchword/watchword/internal/secret"
)

const entraBody = `{"error":%q,"error_description":"AADSTS%d: text of the error.\r\nTrace ID: trace-1\r\nCorrelation ID: corr-1\r\nTimestamp: 2026-11-25 10:00:00Z","error_codes":[%d],"timestamp":"2026-11-25 10:00:00Z","trace_id":"trace-1","correlation_id":"corr-1"}`

// TestSystems: who refuses is told by its answer, and the hint names the setting
// to change there.
func TestSystems(t *testing.T) {
	assertionFile := saved(t, "token", []byte(jwt(fmt.Sprintf(`{"iss":"https://kubernetes.example","sub":"pod","aud":["api"],"exp":%d}`, time.Now().Add(time.Hour).Unix()))))
	byKey := func(o *Options) {
		o.AuthMethod, o.ClientSecret = methodKeyJWT, secret.Text{}
		o.PrivateKeyFile = saved(t, "key.pem", keyText(t, rsaKey(t, 2048), false))
	}
	byCertificate := func(o *Options) {
		c, err := lab.NewCA()
		if err != nil {
			t.Fatal(err)
		}
		one, err := c.Client(lab.CertOptions{})
		if err != nil {
			t.Fatal(err)
		}
		o.AuthMethod, o.ClientSecret = methodKeyJWT, secret.Text{}
		o.PrivateKeyFile, o.CertificateFile = saved(t, "key.pem", one.KeyPEM), saved(t, "cert.pem", one.CertPEM)
	}
	bySecret := func(o *Options) { o.AuthMethod = methodSecretJWT }
	none := func(o *Options) { o.AuthMethod, o.ClientSecret = methodNone, secret.Text{} }
	federated := func(o *Options) {
		o.AuthMethod, o.ClientSecret, o.AssertionFile = methodFederated, secret.Text{}, assertionFile
	}
	entra := func(code string, n int) string { return fmt.Sprintf(entraBody, code, n, n) }
	for _, tc := range []struct {
		name, body string
		status     int
		o          func(*Options)
		verdict    string
		hint       []string
	}{
		{"Entra, secret", entra("invalid_client", 7000215), 401, nil, "credential/client_rejected", []string{"Entra ID: AADSTS7000215: ", "not its Secret ID", "correlation id corr-1", "as trace trace-1"}},
		{"Entra, expired", entra("invalid_client", 7000222), 401, nil, "credential/client_rejected", []string{"AADSTS7000222", "the secret has expired"}},
		{"Entra, tenant", entra("unauthorized_client", 700016), 400, nil, "credential/grant_rejected", []string{"AADSTS700016", "Directory (tenant) ID"}},
		{"Entra, no proof", entra("invalid_client", 7000218), 401, nil, "credential/client_rejected", []string{"client_secret_post, private_key_jwt or federated"}},
		{"Entra, scope", entra("invalid_scope", 70011), 400, nil, "credential/scope_rejected", []string{"/.default", "authelia.bearer.authz"}},
		{"Entra, resource", entra("invalid_resource", 500011), 400, nil, "credential/audience_rejected", []string{"Expose an API"}},
		{"Entra, no thumbprint", entra("invalid_client", 5002723), 401, byKey, "credential/client_rejected", []string{"AADSTS5002723", "set certificate_file, which adds x5t#S256"}},
		{"Entra, signed by secret", entra("invalid_client", 5002723), 401, bySecret, "credential/client_rejected", []string{"AADSTS5002723", "Entra ID takes no assertion that is signed with a secret"}},
		{"Entra, other client", entra("invalid_client", 700021), 401, byKey, "credential/client_rejected", []string{"AADSTS700021", `client_id, now "uptime kuma:1", has to be the Application (client) ID`}},
		{"Entra, whose assertion", entra("invalid_client", 700021), 401, federated, "credential/client_rejected", []string{"AADSTS700021", `that of another application than client_id "uptime kuma:1": it has sub "pod"`}},
		{"Entra, subject", entra("invalid_client", 700030), 401, byCertificate, "credential/client_rejected", []string{"AADSTS700030", "the subject of the certificate in", "another cloud"}},
		{"Entra, no words", entra("invalid_client", 700023), 401, byKey, "credential/client_rejected", []string{"AADSTS700023: compare credential"}},
		{"Entra, key", entra("invalid_client", 700027), 401, byKey, "credential/client_rejected", []string{"AADSTS700027", "set certificate_file"}},
		{"Entra, certificate", entra("invalid_client", 700027), 401, byCertificate, "credential/client_rejected", []string{"AADSTS700027", "Certificates: the certificate in "}},
		{"Entra, time", entra("invalid_client", 700024), 401, byKey, "credential/client_rejected", []string{"AADSTS700024", "compare the clocks"}},
		{"Entra, federated", entra("invalid_request", 70021), 400, federated, "credential/client_rejected", []string{"Federated credentials", `sub "pod" of iss "https://kubernetes.example", aud "api"`}},
		{"Entra, another", entra("invalid_client", 123456), 401, nil, "credential/client_rejected", []string{"AADSTS123456: compare credential"}},
		{"Entra, throttled", entra("temporarily_unavailable", 90055), 429, nil, "idp/token_rate_limited", []string{"Entra ID: AADSTS90055: the tenant is throttled", "trace trace-1"}},
		{"Entra, unwell", entra("temporarily_unavailable", 90033), 503, nil, "idp/token_server_error", []string{"AADSTS90033: the service is unwell"}},
		{"Entra, no federated", entra("invalid_client", 70025), 401, federated, "credential/client_rejected", []string{"Certificates & secrets, Federated credentials: there is none; add one", `sub "pod" of iss "https://kubernetes.example", aud "api"`}},
		{"Entra, principal", entra("unauthorized_client", 7000229), 400, nil, "credential/grant_rejected", []string{"has no service principal in the tenant"}},
		{"Entra, role", entra("invalid_grant", 501051), 400, nil, "credential/grant_rejected", []string{"API permissions", "grant admin consent", "Assignment required"}},
		{"Entra, policy", entra("invalid_grant", 53003), 400, nil, "credential/grant_rejected", []string{"Conditional Access"}},
		{"Entra, permission", entra("invalid_resource", 650057), 400, nil, "credential/audience_rejected", []string{"API permissions: the resource of the scope"}},
		{"Pocket ID, secret", `{"error":"Invalid client secret"}`, 401, nil, "credential/client_rejected", []string{"Pocket ID: make a new secret"}},
		{"Pocket ID, client", `{"error":"Client not found"}`, 404, nil, "credential/client_rejected", []string{"Pocket ID: there is no client"}},
		{"Pocket ID, public", `{"error":"Client id or secret not provided"}`, 400, nil, "credential/client_rejected", []string{"switch off Public Client"}},
		{"Pocket ID, federated", `{"error":"Invalid client assertion"}`, 401, federated, "credential/client_rejected", []string{"Federated Client Credentials", `sub "pod"`}},
		{"Pocket ID, private key", `{"error":"Invalid client assertion"}`, 401, byKey, "credential/client_rejected", []string{"private_key_jwt cannot be used"}},
		{"Keycloak, secret", `{"error":"unauthorized_client","error_description":"Invalid client or Invalid client credentials"}`, 401, nil, "credential/grant_rejected", []string{"Keycloak: Clients", "compare the Client Secret"}},
		{"Keycloak, service account", `{"error":"unauthorized_client","error_description":"Client not enabled to retrieve service account"}`, 401, nil, "credential/grant_rejected", []string{"Service accounts roles"}},
		{"Keycloak, no proof", `{"error":"unauthorized_client","error_description":"Invalid client or Invalid client credentials"}`, 401, none, "credential/grant_rejected", []string{"switch Client authentication on, or set auth_method"}},
		{"Keycloak, realm", `{"error":"Realm does not exist"}`, 404, nil, "credential/client_rejected", []string{"no such realm"}},
		{"Keycloak, signature", `{"error":"invalid_client","error_description":"Client authentication with signed JWT failed: Signature on JWT token failed validation"}`, 400, byKey, "credential/client_rejected", []string{"Signed JWT with algorithm RS256"}},
		{"Keycloak, audience", `{"error":"invalid_client","error_description":"Client authentication with signed JWT failed: Invalid token audience"}`, 400, byKey, "credential/client_rejected", []string{"set assertion_audience"}},
		{"Keycloak, scope", `{"error":"invalid_scope","error_description":"Invalid scopes: foo"}`, 400, nil, "credential/scope_rejected", []string{"Keycloak: Clients", "Client scopes: add"}},
		{"Keycloak, bearer-only", `{"error":"unauthorized_client","error_description":"Bearer-only clients are not allowed to retrieve tokens"}`, 400, nil, "credential/grant_rejected", []string{"switch off Bearer only"}},
		{"Keycloak, disabled", `{"error":"invalid_client","error_description":"Client disabled"}`, 401, nil, "credential/client_rejected", []string{"switch on Enabled"}},
		{"anybody", `{"error":"invalid_client"}`, 401, nil, "credential/client_rejected", []string{"wrong secret, unknown client and an auth_method other than client_secret_basic"}},
		{"anybody, key", `{"error":"invalid_client","error_description":"invalid signature"}`, 401, byKey, "credential/client_rejected", []string{"the public key of ", "under no kid"}},
		{"anybody, replay", `{"error":"invalid_client","error_description":"client assertion replay detected"}`, 401, byKey, "credential/client_rejected", []string{"sent once"}},
		{"anybody, elsewhere", `{"error":"Not Found","status":404,"path":"/token"}`, 404, nil, "credential/client_rejected", []string{"token_url is probably wrong", "change token_url"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := tokenServer(t, answers(tc.status, "application/json", tc.body))
			o := options(s.URL + "/token")
			if tc.o != nil {
				tc.o(&o)
			}
			_, err := newSource(t, o).Explain(t.Context())
			f := faultOf(t, err)
			if verdict(f) != tc.verdict {
				t.Errorf("%v, want %s", f, tc.verdict)
			}
			for _, want := range tc.hint {
				if !strings.Contains(f.Hint, want) {
					t.Errorf("hint %q lacks %q", f.Hint, want)
				}
			}
			if secret.Line(f.Hint, 1000) != f.Hint || len(f.Hint) > 600 {
				t.Errorf("the hint is no line, or too long: %d %q", len(f.Hint), f.Hint)
			}
		})
	}
}

// TestTellsRecordedSystems: the programs whose answers were recorded are known
// by their refusals.
func TestTellsRecordedSystems(t *testing.T) {
	b, err := os.ReadFile("testdata/exchanges.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []recorded
	if err := json.Unmarshal(b, &all); err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for _, e := range all {
		r := reply{status: e.Status, header: http.Header{}, body: []byte(e.Body)}
		m, isJSON := parse(r)
		if e.Status < 400 || !isJSON {
			continue
		}
		got := r.signs(m).system
		system, _, _ := strings.Cut(e.Name, ":")
		want := map[string]string{"authelia": systemAuthelia, "pocket-id": systemPocketID}[system]
		if got != "" && got != want {
			t.Errorf("%s is taken for %s", e.Name, got)
		}
		if got != "" {
			seen[got]++
		}
	}
	if seen[systemAuthelia] < 10 || seen[systemPocketID] < 10 {
		t.Errorf("known were %v", seen)
	}
}

// TestHeadersOfAProxy: what a proxy puts on every answer makes nobody Authelia;
// the words of its library, beside them, do.
func TestHeadersOfAProxy(t *testing.T) {
	headers := http.Header{"Permissions-Policy": {"camera=()"}, "X-Dns-Prefetch-Control": {"off"}}
	for description, want := range map[string]string{
		"wrong secret": "", "": "", "Client authentication failed": "",
		"Client authentication failed (e.g., unknown client, no client authentication included, or unsupported authentication method).": systemAuthelia,
		"The requested scope is invalid, unknown, or malformed. The OAuth 2.0 Client is not allowed to request scope 'openid'.":         systemAuthelia,
		"The jti was already used. Claim 'jti' from 'client_assertion' MUST only be used once.":                                         systemAuthelia,
	} {
		b, err := json.Marshal(map[string]string{"error": "invalid_client", "error_description": description})
		if err != nil {
			t.Fatal(err)
		}
		r := reply{status: 401, header: headers, body: b}
		m, _ := parse(r)
		if got := r.signs(m).system; got != want {
			t.Errorf("%q is taken for %q, want %q", description, got, want)
		}
	}
}

// TestSanity: what a token says of itself against what was asked and when it
// came.
func TestSanity(t *testing.T) {
	now := time.Now()
	at := func(d time.Duration) int64 { return now.Add(d).Unix() }
	for _, tc := range []struct {
		name   string
		claims string
		date   time.Duration // of the answer, against our clock
		want   []string      // "": no warning
	}{
		{"good", fmt.Sprintf(`{"aud":"https://a/","exp":%d,"nbf":%d}`, at(time.Hour), at(0)), 0, nil},
		{"odd audience", fmt.Sprintf(`{"aud":["https://a/",7,null],"exp":%d}`, at(time.Hour)), 0, nil},
		{"expired", fmt.Sprintf(`{"aud":["https://a/"],"exp":%d}`, at(-time.Hour)), 0, []string{"is expired when it arrives: it expired on", "by the provider's own clock too"}},
		{"not yet", fmt.Sprintf(`{"aud":["https://a/"],"exp":%d,"nbf":%d}`, at(time.Hour), at(10*time.Minute)), 0, []string{"is not yet valid when it arrives: it is not valid before", "by the provider's own clock too"}},
		{"their clock is ahead", fmt.Sprintf(`{"aud":["https://a/"],"exp":%d,"nbf":%d}`, at(2*time.Hour), at(time.Hour)), time.Hour, []string{"ahead of this machine's"}},
		{"their clock is behind", fmt.Sprintf(`{"aud":["https://a/"],"exp":%d,"nbf":%d}`, at(-time.Hour), at(-2*time.Hour)), -2 * time.Hour, []string{"is expired when it arrives", "by the clock of this machine", "behind this machine's"}},
		{"other audience", fmt.Sprintf(`{"aud":["https://b/"],"exp":%d}`, at(time.Hour)), 0, []string{"audience lacks https://a/"}},
		{"other life", fmt.Sprintf(`{"aud":["https://a/"],"exp":%d}`, at(10*time.Minute)), 0, []string{"expires_in and the token's own exp differ by 50m"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			body := `{"access_token":"` + jwt(tc.claims) + `","token_type":"Bearer","expires_in":3600,"scope":"authelia.bearer.authz"}`
			s := tokenServer(t, answers(200, "application/json", body, "Date", now.Add(tc.date).UTC().Format(http.TimeFormat)))
			o := options(s.URL + "/token")
			o.Audience = []string{"https://a/"}
			src := newSource(t, o)
			if _, _, f := authorize(t, src.Handle(origin), 5*time.Second); f != nil {
				t.Fatalf("a warning became a fault: %v", f)
			}
			got := src.Status().Warning
			if (got == "") != (len(tc.want) == 0) {
				t.Errorf("warning %q", got)
			}
			for _, want := range tc.want {
				if !strings.Contains(got, want) {
					t.Errorf("warning %q lacks %q", got, want)
				}
			}
		})
	}
}

// TestHeldTokenOutlivesItsFiles: while a key is being replaced the old token
// goes on, and the new key is picked up by itself.
func TestHeldTokenOutlivesItsFiles(t *testing.T) {
	s := tokenServer(t, answers(200, "application/json", `{"access_token":"held","token_type":"Bearer","expires_in":2}`))
	o := methodOptions(s.URL, methodKeyJWT)
	key := keyText(t, rsaKey(t, 2048), false)
	o.Scopes, o.PrivateKeyFile = nil, saved(t, "key.pem", key)
	src := newSource(t, o)
	h := src.Handle(origin)
	if _, _, f := authorize(t, h, 5*time.Second); f != nil {
		t.Fatal(f)
	}
	write(t, o.PrivateKeyFile, key[:len(key)/2])
	src.tokens.mu.Lock()
	src.tokens.token.refresh = time.Now() // it is time for another
	src.tokens.mu.Unlock()
	head, _, f := authorize(t, h, 5*time.Second)
	if f != nil || head.Get("Authorization") != "Bearer held" {
		t.Errorf("%v, %v", head, f)
	}
	src.tokens.wg.Wait()
	if last := src.Status().LastFault; last == nil || last.Reason != check.SecretUnavailable || !strings.Contains(last.Message, "private_key_file") {
		t.Errorf("last fault %+v", last)
	}
	write(t, o.PrivateKeyFile, key)
	if _, _, f := authorize(t, h, 5*time.Second); f != nil {
		t.Error(f)
	}
	src.tokens.wg.Wait()
	if last := src.Status().LastFault; last != nil {
		t.Errorf("last fault %+v", last)
	}
}

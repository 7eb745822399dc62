package peers

import (
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/watchword/watchword/internal/agent"
	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/lab"
)

// keyFiles writes the keys that the provider made for its clients as PEM.
func keyFiles(t *testing.T, dir string) {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "client.*.jwk.json"))
	if err != nil || len(found) == 0 {
		t.Fatalf("%d keys, %v", len(found), err)
	}
	for _, file := range found {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var key jose.JSONWebKey
		if err := json.Unmarshal(text, &key); err != nil {
			t.Fatal(err)
		}
		der, err := x509.MarshalPKCS8PrivateKey(key.Key)
		if err != nil {
			t.Fatal(err)
		}
		alg := strings.ToLower(strings.Split(filepath.Base(file), ".")[1])
		write(t, filepath.Join(dir, alg+".pem"), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})))
	}
}

const allMethods = `  secretjwt: {@AT@, client_id: secretjwt, client_secret: insecure_secret_of_32_bytes_or_more_x, auth_method: client_secret_jwt}
  secretjwt-hs384: {@AT@, client_id: secretjwt-hs384, client_secret: insecure_secret_of_64_bytes_or_more_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx, auth_method: client_secret_jwt, algorithm: HS384}
  secretjwt-hs512: {@AT@, client_id: secretjwt-hs512, client_secret: insecure_secret_of_64_bytes_or_more_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx, auth_method: client_secret_jwt, algorithm: HS512}
  basic: {@AT@, client_id: basic, client_secret: insecure_secret}
  post: {@AT@, client_id: post, client_secret: insecure_secret, auth_method: client_secret_post}
  none: {@AT@, client_id: public, auth_method: none}
`

// wrong variants of private_key_jwt with RS256; the second line is another way to
// write what is right.
const wrongKeys = `  issuer-as-aud: {@AT@, client_id: pkjwt-rs256, auth_method: private_key_jwt, private_key_file: "@KEYS@/rs256.pem", assertion_audience: "@OP@", key_id: client-RS256}
  resource: {@AT@, client_id: pkjwt-rs256, auth_method: private_key_jwt, private_key_file: "@KEYS@/rs256.pem", resource: ["https://app.example.test/"], scopes: ["api:read"]}
  wrong-key: {@AT@, client_id: pkjwt-rs256, auth_method: private_key_jwt, private_key_file: "@KEYS@/rs384.pem"}
  wrong-alg: {@AT@, client_id: pkjwt-rs256, auth_method: private_key_jwt, private_key_file: "@KEYS@/rs256.pem", algorithm: PS256}
  wrong-aud: {@AT@, client_id: pkjwt-rs256, auth_method: private_key_jwt, private_key_file: "@KEYS@/rs256.pem", assertion_audience: "https://elsewhere.example.test/"}
  wrong-secret: {@AT@, client_id: secretjwt, client_secret: not-the-secret, auth_method: client_secret_jwt}
  digest: {@AT@, client_id: secretjwt, client_secret: insecure_secret_of_32_bytes_or_more_x, auth_method: client_secret_jwt, secret_digest: true}
  expired-secret: {@AT@, client_id: expired-secret, client_secret: insecure_secret}
  unknown-resource: {@AT@, client_id: pkjwt-rs256, auth_method: private_key_jwt, private_key_file: "@KEYS@/rs256.pem", resource: ["https://evil.example.test/"]}
`

// certified is the world of mTLS: an authority, and certificates in files.
type certified struct{ dir, keys string }

func certify(t *testing.T) certified {
	t.Helper()
	ca, err := lab.NewCA()
	if err != nil {
		t.Fatal(err)
	}
	c := certified{t.TempDir(), t.TempDir()}
	write(t, filepath.Join(c.dir, "ca.crt"), string(ca.PEM()))
	for name, o := range map[string]lab.CertOptions{"client": {CommonName: "probe-client"}, "nobody": {CommonName: "nobody"}, "self-signed": {CommonName: "self", SelfSigned: true}} {
		cert, err := ca.Client(o)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := cert.Write(c.keys, name); err != nil {
			t.Fatal(err)
		}
	}
	server, err := ca.Server(lab.CertOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := server.Write(c.dir, "server"); err != nil {
		t.Fatal(err)
	}
	return c
}

const mutualTLS = `  mtls: {@AT@, client_id: mtls, auth_method: tls_client_auth, resource: ["https://app.example.test/"], tls: {ca_file: "@CA@", cert_file: "@KEYS@/client.crt", key_file: "@KEYS@/client.key"}}
  mtls-self: {@AT@, client_id: mtls-self, auth_method: self_signed_tls_client_auth, tls: {ca_file: "@CA@", cert_file: "@KEYS@/self-signed.crt", key_file: "@KEYS@/self-signed.key"}}
  wrong-certificate: {@AT@, client_id: mtls, auth_method: tls_client_auth, tls: {ca_file: "@CA@", cert_file: "@KEYS@/nobody.crt", key_file: "@KEYS@/nobody.key"}}
  wrong-self: {@AT@, client_id: mtls-self, auth_method: self_signed_tls_client_auth, tls: {ca_file: "@CA@", cert_file: "@KEYS@/client.crt", key_file: "@KEYS@/client.key"}}
`

// TestPeerOIDCMethods asks a certified provider by every method that it knows,
// over http and https, at the token endpoint and by discovery; and in every wrong
// way, each of which has a hint of its own.
func TestPeerOIDCMethods(t *testing.T) {
	t.Parallel()
	for _, scheme := range []string{"http", "https"} {
		t.Run(scheme, func(t *testing.T) {
			t.Parallel()
			c, env := certify(t), []string{}
			if scheme == "https" {
				env = append(env, "TLS=1", "CERTS="+c.dir)
			}
			op := providerWith(t, scheme, append(env, "CLIENT_KEYS="+c.keys)...)
			keyFiles(t, c.keys)
			at := []string{fmt.Sprintf("token_url: %q", op+"/token"), fmt.Sprintf("issuer: %q", op)}
			ca := ""
			if scheme == "https" {
				ca = fmt.Sprintf(", tls: {ca_file: %q}", filepath.Join(c.dir, "ca.crt"))
			}
			for _, at := range at {
				askAll(t, scheme, fill(allOf(scheme), "AT", at, "CA@", filepath.Join(c.dir, "ca.crt"), "KEYS", c.keys, "OP", op, "CA", filepath.Join(c.dir, "ca.crt"), "TLS", ca))
			}
		})
	}
}

// allOf is the configuration of all credentials.
func allOf(scheme string) string {
	var y strings.Builder
	y.WriteString(allMethods + wrongKeys)
	for _, alg := range []string{"rs256", "rs384", "rs512", "ps256", "ps384", "ps512", "es256", "es384", "es512", "eddsa"} {
		upper := strings.ToUpper(alg)
		if alg == "eddsa" {
			upper = "EdDSA"
		}
		fmt.Fprintf(&y, "  pkjwt-%s: {@AT@, client_id: pkjwt-%s, auth_method: private_key_jwt, private_key_file: \"@KEYS@/%s.pem\", algorithm: %s}\n", alg, alg, alg, upper)
	}
	text := strings.ReplaceAll(y.String(), "}\n", "@TLS@}\n")
	if scheme == "https" {
		text += mutualTLS
	}
	return "credentials:\n" + text
}

// askAll gets a token for each credential, or the right refusal.
func askAll(t *testing.T, scheme, text string) {
	t.Helper()
	cfg, _ := load(t, text)
	o, err := agent.NewOnce(cfg, agent.Options{Version: "test", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	wrong := map[string]string{
		"wrong-key": "the public key of", "wrong-alg": "set algorithm to what the entry says", "wrong-aud": "set assertion_audience", "wrong-secret": "secret_digest (now false",
		"digest": "secret_digest (now true", "expired-secret": "make a new secret", "wrong-certificate": "its subject has to be the one registered", "wrong-self": "in the jwks (x5c)",
		"unknown-resource": "allow credential",
	}
	good, bad := 0, 0
	for name := range cfg.Credentials {
		e, err := o.Token(t.Context(), name)
		hint, isWrong := wrong[name]
		if !isWrong {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			} else if isJWT := name == "resource" || name == "mtls"; (e.Claims != nil) != isJWT || len(e.Warnings) > 1 {
				t.Errorf("%s: claims %+v, warnings %q", name, e.Claims, e.Warnings)
			}
			good++
			continue
		}
		f, ok := errors.AsType[*check.Fault](err)
		if !ok || f.Class != check.Credential || !strings.Contains(f.Hint, hint) {
			t.Errorf("%s: %v, want the hint %q", name, err, hint)
			if ok {
				t.Errorf("hint %q", f.Hint)
			}
		}
		bad++
	}
	if want := map[string]int{"http": 18, "https": 20}[scheme]; good != want || bad < 7 {
		t.Errorf("%d good and %d wrong ones, want %d", good, bad, want)
	}
}

// TestPeerOIDCReplay: the provider refuses an assertion that it has seen, and
// none of ours is one; a proxy that sends requests twice is what makes one.
func TestPeerOIDCReplay(t *testing.T) {
	t.Parallel()
	keys := t.TempDir()
	op := providerWith(t, "http", "CLIENT_KEYS="+keys)
	keyFiles(t, keys)
	var mu sync.Mutex
	twice := false
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		mu.Lock()
		times := 1
		if twice {
			times = 2
		}
		mu.Unlock()
		status, answer := http.StatusBadGateway, ""
		for range times {
			if err == nil {
				status, answer, err = post(r, op+"/token", string(body))
			}
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		io.WriteString(w, answer)
	}))
	defer proxy.Close()
	cfg, _ := load(t, fill(`credentials:
  key: {token_url: "@PROXY@/token", client_id: pkjwt-es256, auth_method: private_key_jwt, private_key_file: "@KEYS@/es256.pem", assertion_audience: "@OP@/token"}
`, "PROXY", proxy.URL, "KEYS", keys, "OP", op))
	o, err := agent.NewOnce(cfg, agent.Options{Version: "test", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	for range 5 {
		if _, err := o.Token(t.Context(), "key"); err != nil {
			t.Fatal(err)
		}
	}
	mu.Lock()
	twice = true
	mu.Unlock()
	_, err = o.Token(t.Context(), "key")
	if f, ok := errors.AsType[*check.Fault](err); !ok || f.Reason != check.ClientRejected {
		t.Errorf("a replayed assertion: %v", err)
	}
}

func post(r *http.Request, to, body string) (int, string, error) {
	req, err := http.NewRequestWithContext(r.Context(), http.MethodPost, to, strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	req.Close = true
	req.Header.Set("Content-Type", r.Header.Get("Content-Type"))
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	return res.StatusCode, string(answer), err
}

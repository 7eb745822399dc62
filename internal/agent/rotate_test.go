package agent_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/watchword/watchword/internal/lab"
)

// A client secret, a private key and a federated token change under load, with
// moments in which a file is half written or the provider has the new secret and
// the agent the old one: no run fails, since the token in use goes on.
func TestRotationLosesNoRun(t *testing.T) {
	t.Parallel()
	const life, each = 6 * time.Second, 25
	w := newWorld(t, lab.Config{}, lab.ChatOptions{})
	dir := t.TempDir()
	file := func(name string) string { return filepath.Join(dir, name) }
	key, kube := newKey(t), newKey(t)
	save(t, file("secret"), "secret number 0")
	save(t, file("key.pem"), keyPEM(t, key))
	save(t, file("token"), federated(t, kube, 0))
	client := func(id, method string, change func(*lab.Client)) {
		c := lab.Client{ID: id, Method: method, Scopes: []string{lab.BearerScope}, Audience: []string{w.GatewayURL() + "/"}, Lifetime: life, Algorithm: "ES256"}
		change(&c)
		w.Provider.SetClient(c)
	}
	client("by-secret", lab.MethodBasic, func(c *lab.Client) { c.Secret = "secret number 0" })
	client("by-key", lab.MethodKeyJWT, func(c *lab.Client) { c.Keys = []crypto.PublicKey{key.Public()} })
	client("by-token", lab.MethodFederated, func(c *lab.Client) {
		c.Keys, c.Trust = []crypto.PublicKey{kube.Public()}, lab.Trust{Issuer: "https://kubernetes.example", Subject: "watchword", Audience: "api"}
	})
	var y strings.Builder
	y.WriteString(head(dir) + "credentials:\n")
	for name, how := range map[string]string{
		"by-secret": "client_secret: \"${file:" + file("secret") + "}\"", "by-key": "auth_method: private_key_jwt, private_key_file: " + file("key.pem"),
		"by-token": "auth_method: federated, assertion_file: " + file("token"),
	} {
		fmt.Fprintf(&y, "  %s: {issuer: %q, client_id: %s, %s, scopes: [%s]}\n", name, w.ProviderURL(), name, how, lab.BearerScope)
	}
	fmt.Fprintf(&y, "defaults: {interval: 4s, timeout: 3800ms, retries: 0, expect: {keyword: %s}}\nmonitors:\n", lab.DefaultKeyword)
	for i := range each {
		for _, name := range []string{"by-secret", "by-key", "by-token"} {
			fmt.Fprintf(&y, "  - {name: %s %d, url: \"%s/m/%d\", credential: %s}\n", name, i, w.GatewayURL(), i, name)
		}
	}
	save(t, file("watch.yaml"), y.String())
	a := start(t, file("watch.yaml"))
	until(t, 10*time.Second, "all up", func() bool { return a.states()["up"] == 3*each })
	allUp := func() bool { return a.states()["up"] == 3*each }
	// meanwhile waits until a token request met the change halfway.
	meanwhile := func(credential, reason string) {
		until(t, 2*life, "a token request of "+credential+" meets the change halfway", func() bool {
			return strings.Contains(a.log.String(), fmt.Sprintf("credential=%s class=credential reason=%s", credential, reason))
		})
		during(t, 300*time.Millisecond, "nothing fails", allUp)
	}
	w.Provider.RotateSecret("by-secret", "secret number 1")
	meanwhile("by-secret", "client_rejected")
	save(t, file("secret"), "secret number 1")

	next := newKey(t)
	w.Provider.SetKeys("by-key", key.Public(), next.Public())
	save(t, file("key.pem"), keyPEM(t, next)[:100])
	meanwhile("by-key", "secret_unavailable")
	save(t, file("key.pem"), keyPEM(t, next))
	during(t, life, "nothing fails", allUp)
	w.Provider.SetKeys("by-key", next.Public())

	if err := os.Remove(file("token")); err != nil {
		t.Fatal(err)
	}
	meanwhile("by-token", "secret_unavailable")
	save(t, file("token"), federated(t, kube, 1))
	during(t, life, "nothing fails with the new ones", allUp)
	if n := a.counted("watchword_faults_total", ""); n > 0 {
		t.Errorf("%g runs failed", n)
	}
	runs := a.counted("watchword_probe_runs_total", `result="success"`)
	for _, id := range []string{"by-secret", "by-key", "by-token"} {
		if n := w.Provider.TokenCount(id, "ok"); n < 4 {
			t.Errorf("%d tokens of %s: nothing was rotated", n, id)
		}
	}
	t.Logf("%g runs passed; token requests: %v", runs, w.Provider.TokenCounts())
	if strings.Contains(a.log.String(), "secret number") {
		t.Error("a secret is in the log")
	}
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func keyPEM(t *testing.T, k *ecdsa.PrivateKey) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// federated is a token of another provider.
func federated(t *testing.T, k *ecdsa.PrivateKey, n int) string {
	t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: k}, nil)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := signer.Sign(fmt.Appendf(nil, `{"iss":"https://kubernetes.example","sub":"watchword","aud":"api","jti":"%d","exp":%d}`, n, time.Now().Add(time.Hour).Unix()))
	if err != nil {
		t.Fatal(err)
	}
	text, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

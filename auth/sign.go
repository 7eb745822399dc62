package auth

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // the thumbprint that older servers know a certificate by (RFC 7515, section 4.1.7)
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"hash"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

const (
	thumbprintSHA256 = "sha256"
	thumbprintSHA1   = "sha1"

	assertionLife   = 5 * time.Minute
	assertionLeeway = 10 * time.Second // before now, for providers that allow for no difference of clocks
	shortestRSA     = 2048             // bits (RFC 7518, section 3.3)

	assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
)

// secretAlgorithms sign with a secret, keyAlgorithms with a private key (RFC
// 7518, section 3.1; RFC 8037).
func secretAlgorithms() []string { return []string{"HS256", "HS384", "HS512"} }

func keyAlgorithms() []string {
	return []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
}

// algorithmsFor returns what a key can sign with, the usual one first; nil for a
// key that is of no use.
func algorithmsFor(public crypto.PublicKey) []string {
	switch k := public.(type) {
	case *rsa.PublicKey:
		return keyAlgorithms()[:6]
	case ed25519.PublicKey:
		return []string{"EdDSA"}
	case *ecdsa.PublicKey:
		switch k.Curve {
		case elliptic.P256():
			return []string{"ES256"}
		case elliptic.P384():
			return []string{"ES384"}
		case elliptic.P521():
			return []string{"ES512"}
		}
	}
	return nil
}

// describeKey names the kind of a key, for people.
func describeKey(key any) string {
	if s, ok := key.(crypto.Signer); ok {
		key = s.Public()
	}
	switch k := key.(type) {
	case *rsa.PublicKey:
		return fmt.Sprintf("an RSA key of %d bits", k.N.BitLen())
	case *ecdsa.PublicKey:
		return "an EC key of curve " + k.Curve.Params().Name
	case ed25519.PublicKey:
		return "an Ed25519 key"
	}
	return fmt.Sprintf("a key of another kind (%s)", strings.TrimPrefix(fmt.Sprintf("%T", key), "*"))
}

// algorithm returns how the key signs assertions for o.
func algorithm(o Options, key crypto.Signer) (string, error) {
	bad := func(path, format string, args ...any) error {
		return &fileError{key: path, text: o.PrivateKeyFile + " holds " + describeKey(key), todo: fmt.Sprintf(format, args...)}
	}
	if k, ok := key.Public().(*rsa.PublicKey); ok && k.N.BitLen() < shortestRSA {
		return "", bad("private_key_file", "at least %d bits are wanted (RFC 7518, section 3.3)", shortestRSA)
	}
	fit := algorithmsFor(key.Public())
	switch {
	case o.Algorithm != "" && !slices.Contains(fit, o.Algorithm):
		return "", bad("algorithm", "it signs with %s, not with %s", strings.Join(fit, ", "), o.Algorithm)
	case o.Algorithm != "":
		return o.Algorithm, nil
	case fit[0] == "RS256" && o.CertificateFile != "" && o.Thumbprint != thumbprintSHA1:
		return "PS256", nil // Entra ID
	}
	return fit[0], nil
}

// assertion is a client assertion (RFC 7523, section 3) and what may be told of
// it.
type assertion struct {
	text      string
	algorithm string
	chosen    bool // the algorithm is another than the usual one of the key
	audience  string
	issued    time.Time
	expires   time.Time
}

// signKey makes an assertion with the private key, and the certificate if there
// is one. Each has a jti of its own.
func signKey(o Options, key crypto.Signer, cert *x509.Certificate, audience string) (assertion, error) {
	alg, err := algorithm(o, key)
	if err != nil {
		return assertion{}, err
	}
	head := (&jose.SignerOptions{}).WithType("JWT")
	if o.KeyID != "" {
		head = head.WithHeader("kid", o.KeyID)
	}
	if cert != nil {
		sum := sha256.Sum256(cert.Raw)
		head = head.WithHeader("x5t#S256", base64.RawURLEncoding.EncodeToString(sum[:]))
		if o.Thumbprint == thumbprintSHA1 {
			old := sha1.Sum(cert.Raw) //nolint:gosec // see above
			head = head.WithHeader("x5t", base64.RawURLEncoding.EncodeToString(old[:]))
		}
	}
	a, err := sign(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(alg), Key: key}, head, o.ClientID, audience)
	a.chosen = alg != algorithmsFor(key.Public())[0]
	return a, err
}

// signSecret makes an assertion with the secret (OpenID Connect Core, section 9),
// or with its digest, which is Authelia's reading.
func signSecret(o Options, secret, audience string) (assertion, error) {
	alg := o.Algorithm
	if alg == "" {
		alg = "HS256"
	}
	key := []byte(secret)
	if o.SecretDigest {
		h := hashOf(alg)()
		h.Write(key)
		key = h.Sum(nil)
	}
	return sign(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(alg), Key: macSigner(key)}, (&jose.SignerOptions{}).WithType("JWT"), o.ClientID, audience)
}

func hashOf(alg string) func() hash.Hash {
	switch alg {
	case "HS384":
		return sha512.New384
	case "HS512":
		return sha512.New
	}
	return sha256.New
}

// macSigner signs with secrets of any length: go-jose holds them to RFC 7518,
// section 3.2, and providers do not.
type macSigner []byte

func (macSigner) Public() *jose.JSONWebKey { return nil } // it has none

func (macSigner) Algs() []jose.SignatureAlgorithm {
	return []jose.SignatureAlgorithm{jose.HS256, jose.HS384, jose.HS512}
}

func (k macSigner) SignPayload(payload []byte, alg jose.SignatureAlgorithm) ([]byte, error) {
	mac := hmac.New(hashOf(string(alg)), k)
	mac.Write(payload)
	return mac.Sum(nil), nil
}

func sign(key jose.SigningKey, head *jose.SignerOptions, client, audience string) (assertion, error) {
	signer, err := jose.NewSigner(key, head)
	if err != nil {
		return assertion{}, fmt.Errorf("sign an assertion with %s: %w", key.Algorithm, err)
	}
	now := time.Now()
	a := assertion{algorithm: string(key.Algorithm), audience: audience, issued: now.Add(-assertionLeeway), expires: now.Add(assertionLife)}
	claims, err := json.Marshal(map[string]any{
		"iss": client, "sub": client, "aud": audience, "jti": rand.Text(),
		"iat": a.issued.Unix(), "nbf": a.issued.Unix(), "exp": a.expires.Unix(),
	})
	if err != nil {
		return assertion{}, fmt.Errorf("write the claims of an assertion: %w", err)
	}
	signed, err := signer.Sign(claims)
	if err != nil {
		return assertion{}, fmt.Errorf("sign an assertion with %s: %w", key.Algorithm, err)
	}
	a.text, err = signed.CompactSerialize()
	return a, err
}

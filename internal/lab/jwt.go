package lab

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"sync"
	"time"
)

// Claims are the claims of an access token that is a JWT (RFC 9068), as
// Authelia writes them: no sub, scopes as an array.
type Claims struct {
	Audience []string `json:"aud"`
	ClientID string   `json:"client_id"`
	Expires  int64    `json:"exp"`
	Issued   int64    `json:"iat"`
	Issuer   string   `json:"iss"`
	ID       string   `json:"jti"`
	Before   int64    `json:"nbf"`
	Scope    []string `json:"scp"`
}

func claimsOf(g *Grant, issuer string) Claims {
	var id [16]byte
	rand.Read(id[:]) //nolint:errcheck // never fails since Go 1.24
	return Claims{
		Audience: append([]string{}, g.Audience...), ClientID: g.Client, Expires: g.Expires.Unix(), Issued: g.Issued.Unix(),
		Issuer: issuer, ID: hex.EncodeToString(id[:]), Before: g.Issued.Unix(), Scope: append([]string{}, g.Scope...),
	}
}

const (
	kidRSA = "lab-rs256"
	kidEC  = "lab-es256"
)

type jwtHeader struct {
	Algorithm string `json:"alg"`
	Key       string `json:"kid"`
	Type      string `json:"typ"`
}

// keyring makes its keys when first asked: an RSA key takes a while.
type keyring struct {
	rsa func() (*rsa.PrivateKey, error)
	ec  func() (*ecdsa.PrivateKey, error)
}

func newKeyring() *keyring {
	return &keyring{
		rsa: sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) }),
		ec:  sync.OnceValues(func() (*ecdsa.PrivateKey, error) { return ecdsa.GenerateKey(elliptic.P256(), rand.Reader) }),
	}
}

func (k *keyring) sign(f Format, c Claims) (string, error) {
	head := jwtHeader{Algorithm: "RS256", Key: kidRSA, Type: "at+jwt"}
	if f == JWTES256 {
		head.Algorithm, head.Key = "ES256", kidEC
	}
	first, err := json.Marshal(head)
	if err != nil {
		return "", fmt.Errorf("write the header of a JWT: %w", err)
	}
	second, err := json.Marshal(c)
	if err != nil {
		return "", fmt.Errorf("write the claims of a JWT: %w", err)
	}
	enc := base64.RawURLEncoding
	text := enc.EncodeToString(first) + "." + enc.EncodeToString(second)
	sum := sha256.Sum256([]byte(text))
	sig, err := k.signature(f, sum[:])
	if err != nil {
		return "", fmt.Errorf("sign a JWT: %w", err)
	}
	return text + "." + enc.EncodeToString(sig), nil
}

func (k *keyring) signature(f Format, sum []byte) ([]byte, error) {
	if f == JWTRS256 {
		key, err := k.rsa()
		if err != nil {
			return nil, err
		}
		return rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum)
	}
	key, err := k.ec()
	if err != nil {
		return nil, err
	}
	r, s, err := ecdsa.Sign(rand.Reader, key, sum)
	if err != nil {
		return nil, err
	}
	sig := make([]byte, 64) // RFC 7518 section 3.4: R and S, 32 octets each
	r.FillBytes(sig[:32])
	s.FillBytes(sig[32:])
	return sig, nil
}

// verify checks the signature alone and returns the claims.
func (k *keyring) verify(token string) (*Claims, error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil, errors.New("read a JWT: it has not three parts")
	}
	var head jwtHeader
	var claims Claims
	if err := errors.Join(decodePart(parts[0], &head), decodePart(parts[1], &claims)); err != nil {
		return nil, err
	}
	sig, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil {
		return nil, fmt.Errorf("read the signature of a JWT: %w", err)
	}
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if err := k.check(head, sum[:], sig); err != nil {
		return nil, err
	}
	return &claims, nil
}

func (k *keyring) check(head jwtHeader, sum, sig []byte) error {
	switch {
	case head.Algorithm == "RS256" && head.Key == kidRSA:
		key, err := k.rsa()
		if err != nil {
			return err
		}
		return rsa.VerifyPKCS1v15(&key.PublicKey, crypto.SHA256, sum, sig)
	case head.Algorithm == "ES256" && head.Key == kidEC && len(sig) == 64:
		key, err := k.ec()
		if err != nil {
			return err
		}
		r, s := new(big.Int).SetBytes(sig[:32]), new(big.Int).SetBytes(sig[32:])
		if ecdsa.Verify(&key.PublicKey, sum, r, s) {
			return nil
		}
	}
	return errors.New("check a JWT: unknown key or wrong signature")
}

func decodePart(part string, into any) error {
	raw, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		return fmt.Errorf("decode a JWT: %w", err)
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return fmt.Errorf("decode a JWT: %w", err)
	}
	return nil
}

// peekClaims reads the claims of what looks like a JWT without trusting them.
func peekClaims(token string) (*Claims, bool) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil, false
	}
	var c Claims
	if decodePart(parts[1], &c) != nil {
		return nil, false
	}
	return &c, true
}

// valid says whether the claims hold at this time.
func (c *Claims) valid(now time.Time) bool {
	return now.Unix() < c.Expires && now.Unix() >= c.Before
}

// VerifyJWT checks signature and times (by the real clock, as a gate elsewhere
// would) of a token the provider signed. The claims are returned with the error
// when only the times are wrong.
func (p *Provider) VerifyJWT(token string) (*Claims, error) {
	c, err := p.keys.verify(token)
	if err != nil {
		return nil, err
	}
	if !c.valid(time.Now()) {
		return c, fmt.Errorf("check a JWT: %w", ErrToken)
	}
	return c, nil
}

package probes

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"time"
)

// forged is a token that nobody issued.
type forged struct{ what, token string }

// forge makes the tokens of a way, new ones each time. They are right to look
// at, with the issuer and audience that the gate may ask for, so that what
// refuses them is what should: that nobody who is trusted signed them.
func forge(way, issuer, audience string, turn uint64) ([]forged, error) {
	c, age, life := claims{Issuer: issuer, Subject: "watchword-guard", Client: "watchword-guard", Audience: []string{audience}, ID: random(16)}, time.Minute, time.Hour
	what := "that an unknown key signed"
	if way == wayExpired {
		what, age, life = "that has expired", 25*time.Hour, -24*time.Hour
	}
	now := time.Now()
	c.Issued, c.Before, c.Expires = now.Add(-age).Unix(), now.Add(-age).Unix(), now.Add(life).Unix()
	none := forged{"a JWT (alg: none) that nobody signed", signNone(c)}
	if way == wayGarbage {
		return garbage(none, turn), nil
	}
	es, err := signES256(c)
	all := []forged{{"a JWT (RS256) " + what, signRS256(c)}, {"a JWT (ES256) " + what, es}}
	if way == wayForeign {
		all = append(all, none)
	}
	return all, err
}

// garbage is what no gate can take for a token of its provider: one shaped like
// anybody's, one like Authelia's, and by turns a JWT that cannot be read and one
// without a signature; in eight runs both have come in four manners.
func garbage(none forged, turn uint64) []forged {
	last := forged{"a malformed JWT", part(jwtHeader{Algorithm: "RS256", Type: "JWT"}) + "." + random(24) + "." + random(32)}
	if (turn+turn/4)%2 == 1 {
		last = none
	}
	return []forged{
		{"a token that nobody issued", random(32)},
		{"a token that looks like Authelia's", "authelia_at_" + random(32) + "." + random(32)},
		last,
	}
}

// claims are those of a JWT access token (RFC 9068, 2.2).
type claims struct {
	Issuer   string   `json:"iss"`
	Subject  string   `json:"sub"`
	Client   string   `json:"client_id"`
	Audience []string `json:"aud"`
	Issued   int64    `json:"iat"`
	Before   int64    `json:"nbf"`
	Expires  int64    `json:"exp"`
	ID       string   `json:"jti"`
}

type jwtHeader struct {
	Algorithm string   `json:"alg"`
	Type      string   `json:"typ"`
	Key       *jsonKey `json:"jwk,omitempty"`
}

// jsonKey is a public key that a JWT brings along (RFC 7515, 4.1.3). A gate that
// believes it takes everybody's tokens.
type jsonKey struct {
	Kind  string `json:"kty"`
	Curve string `json:"crv"`
	X     string `json:"x"`
	Y     string `json:"y"`
}

// signES256 signs with a key that is made for it, forgotten afterwards, and
// named in the token.
func signES256(c claims) (string, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return "", err
	}
	point, err := key.PublicKey.Bytes() // 4, X, Y
	if err != nil {
		return "", err
	}
	text := part(jwtHeader{"ES256", "at+jwt", &jsonKey{"EC", "P-256", encode(point[1:33]), encode(point[33:])}}) + "." + part(c)
	sum := sha256.Sum256([]byte(text))
	r, s, err := ecdsa.Sign(rand.Reader, key, sum[:])
	if err != nil {
		return "", err
	}
	sig := make([]byte, 64) // RFC 7518, 3.4
	r.FillBytes(sig[:32])
	s.FillBytes(sig[32:])
	return text + "." + encode(sig), nil
}

// signRS256 puts a number in the place of the signature: without the key nobody
// can tell it from one, and to make an RSA key takes long.
func signRS256(c claims) string {
	return part(jwtHeader{Algorithm: "RS256", Type: "at+jwt"}) + "." + part(c) + "." + random(256)
}

// signNone leaves the token without a signature, as its header says (RFC 7519, 6):
// who lets the token choose how it is verified takes it.
func signNone(c claims) string {
	return part(jwtHeader{Algorithm: "none", Type: "at+jwt"}) + "." + part(c) + "."
}

func part(v any) string {
	b, err := json.Marshal(v)
	if err != nil { // plain data always marshals
		return ""
	}
	return encode(b)
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// random returns n random bytes as text of the characters of a token.
func random(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails: crypto/rand ends the program instead
	return encode(b)
}

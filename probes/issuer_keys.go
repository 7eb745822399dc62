package probes

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/secret"
)

const (
	weakestRSA = 2048 // bits (RFC 7518, section 3.3)
	mostKeys   = 100  // of a set that is looked at
)

// publicKey is one key of a JWK Set (RFC 7517, section 4), as far as verifying
// a signature needs it.
type publicKey struct {
	Kind       word     `json:"kty"`
	Use        word     `json:"use"`
	Operations wordList `json:"key_ops"`
	Algorithm  word     `json:"alg"`
	ID         word     `json:"kid"`
	Curve      word     `json:"crv"`
	N          word     `json:"n"`
	E          word     `json:"e"`
	X          word     `json:"x"`
	Y          word     `json:"y"`
	Private    word     `json:"d"`
	Symmetric  word     `json:"k"`
}

// keys sees that the provider shows a key that its signatures can be verified
// with, and notes which came and went since the last run.
func (v *visit) keys(ctx context.Context, m metadata) *check.Fault {
	if m.Keys == "" {
		return nil
	}
	a, f := v.get(ctx, string(m.Keys), "the key set")
	if f != nil {
		return f
	}
	var set struct {
		Keys []publicKey `json:"keys"`
	}
	if wrong := v.document(a, "the key set", &set); wrong != nil {
		v.note("keys: " + wrong.message)
		return v.fault(wrong)
	}
	usable, wrong := v.usable(set.Keys[:min(len(set.Keys), mostKeys)], "the key set "+v.scene.shown(a.url))
	if wrong != nil {
		v.note("keys: " + wrong.message)
		return v.fault(wrong)
	}
	v.note("keys: " + list(usable))
	v.rotated(usable)
	return nil
}

// usable returns the keys that signatures can be verified with: what they are,
// by thumbprint.
func (v *visit) usable(keys []publicKey, at string) (map[string]string, *finding) {
	good := map[string]string{}
	why := "it is empty"
	for i := range keys {
		k := &keys[i]
		if k.Private != "" || k.Symmetric != "" {
			return nil, failed(fmt.Sprintf("%s shows the private part of key %s", at, k.shown()),
				"whoever reads it can make tokens of this provider: take the key out of use at once, and publish public keys only")
		}
		if wrong := k.wrong(); wrong != "" {
			why = fmt.Sprintf("of key %s: %s", k.shown(), wrong)
			continue
		}
		good[k.thumbprint()] = k.shown()
	}
	if len(good) == 0 {
		return nil, failed(fmt.Sprintf("%s has no key that a signature could be verified with: %s", at, why),
			"gates that take JWTs refuse every token of this provider: give it a signing key (RSA of 2048 bits, EC or Ed25519), and look at its log")
	}
	return good, nil
}

// shown names a key for people; what the provider wrote is made one line.
func (k *publicKey) shown() string {
	id := secret.Line(string(k.ID), 40)
	if id == "" {
		id = "without kid"
	}
	kind := k.Algorithm
	if kind == "" {
		kind = k.Kind
	}
	return id + " (" + secret.Line(string(kind), 10) + ")"
}

// wrong says why no signature can be verified with the key, "" if one can.
func (k *publicKey) wrong() string {
	switch {
	case k.Use != "" && k.Use != "sig":
		return "it is not for signatures"
	case len(k.Operations) > 0 && !k.Operations.has("verify"):
		return "it is not for verifying"
	}
	switch k.Kind {
	case "RSA":
		return k.wrongModulus()
	case "EC":
		return k.wrongPoint()
	case "OKP":
		return k.wrongEdwards()
	}
	return "its kind is not known"
}

func (k *publicKey) wrongEdwards() string {
	if x, err := base64.RawURLEncoding.DecodeString(string(k.X)); k.Curve != "Ed25519" && k.Curve != "Ed448" || err != nil || len(x) == 0 {
		return "it is no Edwards curve that signs"
	}
	return ""
}

func (k *publicKey) wrongModulus() string {
	n, err := base64.RawURLEncoding.DecodeString(string(k.N))
	if e, err2 := base64.RawURLEncoding.DecodeString(string(k.E)); err != nil || err2 != nil || len(e) == 0 {
		return "n or e cannot be read"
	}
	if bits := new(big.Int).SetBytes(n).BitLen(); bits < weakestRSA {
		return fmt.Sprintf("RSA of %d bits, less than %d", bits, weakestRSA)
	}
	return ""
}

func (k *publicKey) wrongPoint() string {
	curve := map[string]elliptic.Curve{"P-256": elliptic.P256(), "P-384": elliptic.P384(), "P-521": elliptic.P521()}[string(k.Curve)]
	x, err := base64.RawURLEncoding.DecodeString(string(k.X))
	y, err2 := base64.RawURLEncoding.DecodeString(string(k.Y))
	switch {
	case curve == nil && k.Curve == "secp256k1":
		return "" // ES256K (RFC 8812), which Go does not know
	case curve == nil:
		return "its curve is not known"
	case err != nil || err2 != nil:
		return "x or y cannot be read"
	}
	if _, err := ecdsa.ParseUncompressedPublicKey(curve, slices.Concat([]byte{4}, x, y)); err != nil {
		return "it is no point of its curve"
	}
	return ""
}

// thumbprint tells keys apart: kid and what RFC 7638 hashes.
func (k *publicKey) thumbprint() string {
	sum := sha256.Sum256([]byte(fmt.Sprintf("%s\n%s\n%s\n%s\n%s\n%s\n%s", k.ID, k.Kind, k.Curve, k.N, k.E, k.X, k.Y)))
	return hex.EncodeToString(sum[:8])
}

// rotated notes which keys came and went. To rotate them is right and no fault;
// a gate with keys of its own in a file does not notice.
func (v *visit) rotated(now map[string]string) {
	old := v.p.seen.Swap(&now)
	if old == nil {
		return
	}
	came, went := without(now, *old), without(*old, now)
	var parts []string
	if len(came) > 0 {
		parts = append(parts, "new: "+list(came))
	}
	if len(went) > 0 {
		parts = append(parts, "gone: "+list(went))
	}
	if len(parts) > 0 {
		v.notes = append(v.notes, secret.Line("the signing keys changed; "+strings.Join(parts, "; "), hintRunes))
	}
}

func without(a, b map[string]string) map[string]string {
	left := maps.Clone(a)
	maps.DeleteFunc(left, func(print, _ string) bool { return b[print] != "" })
	return left
}

// list names a few keys.
func list(keys map[string]string) string {
	const most = 6
	names := slices.Sorted(maps.Values(keys))
	if len(names) > most {
		names = append(names[:most], fmt.Sprintf("and %d more", len(names)-most))
	}
	return strings.Join(names, ", ")
}

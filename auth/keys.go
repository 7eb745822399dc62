package auth

import (
	"slices"

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/transport"
)

func types() []string {
	return []string{TypeClientCredentials, TypeBasic, TypeBearer, TypeHeader}
}

// The values of auth_method (RFC 6749 section 2.3, RFC 7523, RFC 8705). federated
// is an assertion that another provider signed (RFC 7521, section 4.2).
const (
	methodBasic      = "client_secret_basic"
	methodPost       = "client_secret_post"
	methodSecretJWT  = "client_secret_jwt"
	methodKeyJWT     = "private_key_jwt"
	methodTLS        = "tls_client_auth"
	methodSelfSigned = "self_signed_tls_client_auth"
	methodFederated  = "federated"
	methodNone       = "none"
)

func methods() []string {
	return []string{methodBasic, methodPost, methodSecretJWT, methodKeyJWT, methodTLS, methodSelfSigned, methodFederated, methodNone}
}

// bySecret are the methods that need a client_secret, byCertificate those that
// need a TLS client certificate, signing those that make assertions.
func bySecret() []string { return []string{methodBasic, methodPost, methodSecretJWT} }

func byCertificate() []string { return []string{methodTLS, methodSelfSigned} }

func signing() []string { return []string{methodSecretJWT, methodKeyJWT} }

func encodings() []string { return []string{encodingForm, encodingRaw} }

func thumbprints() []string { return []string{thumbprintSHA256, thumbprintSHA1} }

// headers are the values of send_as.
func headers() []string { return []string{sendAuthorization, sendProxy} }

// Keys says what the Go types of Options do not.
func Keys() []check.Key {
	keys := []check.Key{{Path: "type", Enum: types()}}
	enums := map[string][]string{
		"auth_method": methods(), "basic_encoding": encodings(), "send_as": headers(),
		"algorithm": slices.Concat(secretAlgorithms(), keyAlgorithms()), "thumbprint": thumbprints(),
	}
	patterns := map[string]string{"token_url": check.WebURL, "issuer": check.WebURL + `[^?#]*$`, "proxy_url": transport.ProxyURL, "no_proxy": transport.NoProxy}
	for _, f := range fieldsOf(Options{}) {
		k := check.Key{Path: f.path, Types: f.types, Required: f.required, Enum: enums[f.path], Pattern: patterns[f.path], Instead: f.instead}
		if f.methods != nil {
			k.With = check.With{Key: "auth_method", Values: f.methods}
		}
		keys = append(keys, k)
	}
	return keys
}

// field is one key of Options: where it stands, whether it was given, to which
// types and methods it belongs (nil: all methods), whether these need it, and
// the key that may stand in its place.
type field struct {
	path     string
	set      bool
	types    []string
	methods  []string
	required bool
	instead  string
}

func fieldsOf(o Options) []field {
	basic, bearer, header := []string{TypeBasic}, []string{TypeBearer}, []string{TypeHeader}
	return append(grantFields(o),
		field{path: "send_as", set: given(o.SendAs, DefaultOptions().SendAs), types: []string{TypeClientCredentials, TypeBasic, TypeBearer}},
		field{path: "username", set: o.Username != "", types: basic, required: true},
		field{path: "password", set: !o.Password.IsZero(), types: basic, required: true},
		field{path: "token", set: !o.Token.IsZero(), types: bearer, required: true},
		field{path: "name", set: o.Name != "", types: header, required: true},
		field{path: "value", set: !o.Value.IsZero(), types: header, required: true},
	)
}

func grantFields(o Options) []field {
	d, key := DefaultOptions(), []string{methodKeyJWT}
	fs := []field{
		{path: "token_url", set: o.TokenURL != "", required: true, instead: "issuer"},
		{path: "issuer", set: o.Issuer != ""},
		{path: "client_id", set: o.ClientID != "", required: true},
		{path: "client_secret", set: !o.ClientSecret.IsZero(), required: true, methods: bySecret()},
		{path: "auth_method", set: given(o.AuthMethod, d.AuthMethod)},
		{path: "basic_encoding", set: given(o.BasicEncoding, d.BasicEncoding), methods: []string{methodBasic}},
		{path: "secret_digest", set: o.SecretDigest, methods: []string{methodSecretJWT}},
		{path: "private_key_file", set: o.PrivateKeyFile != "", required: true, methods: key},
		{path: "key_id", set: o.KeyID != "", methods: key},
		{path: "algorithm", set: o.Algorithm != "", methods: signing()},
		{path: "certificate_file", set: o.CertificateFile != "", methods: key},
		{path: "thumbprint", set: given(o.Thumbprint, d.Thumbprint), methods: key},
		{path: "assertion_audience", set: o.AssertionAudience != "", methods: signing()},
		{path: "assertion_file", set: o.AssertionFile != "", required: true, methods: []string{methodFederated}},
		{path: "scopes", set: len(o.Scopes) > 0},
		{path: "audience", set: len(o.Audience) > 0},
		{path: "resource", set: len(o.Resource) > 0},
		{path: "params", set: len(o.Params) > 0},
		{path: "timeout", set: o.Timeout != d.Timeout && o.Timeout != 0},
		{path: "tls", set: o.TLS != (transport.TLS{})},
		{path: "proxy_url", set: !o.ProxyURL.IsZero()},
		{path: "no_proxy", set: len(o.NoProxy) > 0},
	}
	for i := range fs {
		fs[i].types = []string{TypeClientCredentials}
	}
	return fs
}

// given says whether a value was configured: what equals the default was not.
func given(value, standard string) bool { return value != "" && value != standard }

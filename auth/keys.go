package auth

import (
	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/transport"
)

func types() []string {
	return []string{TypeClientCredentials, TypeBasic, TypeBearer, TypeHeader}
}

func methods() []string { return []string{methodBasic, methodPost} }

func encodings() []string { return []string{encodingForm, encodingRaw} }

// headers are the values of send_as.
func headers() []string { return []string{sendAuthorization, sendProxy} }

// Keys says what the Go types of Options do not.
func Keys() []check.Key {
	keys := []check.Key{{Path: "type", Enum: types()}}
	enums := map[string][]string{"auth_method": methods(), "basic_encoding": encodings(), "send_as": headers()}
	patterns := map[string]string{"token_url": check.WebURL}
	for _, f := range fieldsOf(Options{}) {
		keys = append(keys, check.Key{Path: f.path, Types: f.types, Required: f.required, Enum: enums[f.path], Pattern: patterns[f.path]})
	}
	return keys
}

// field is one key of Options: where it stands, whether it was given, to which
// types it belongs, and whether these need it.
type field struct {
	path     string
	set      bool
	types    []string
	required bool
}

func fieldsOf(o Options) []field {
	d := DefaultOptions()
	grant, basic, bearer, header := []string{TypeClientCredentials}, []string{TypeBasic}, []string{TypeBearer}, []string{TypeHeader}
	return []field{
		{"token_url", o.TokenURL != "", grant, true},
		{"client_id", o.ClientID != "", grant, true},
		{"client_secret", !o.ClientSecret.IsZero(), grant, true},
		{"auth_method", o.AuthMethod != d.AuthMethod && o.AuthMethod != "", grant, false},
		{"basic_encoding", o.BasicEncoding != d.BasicEncoding && o.BasicEncoding != "", grant, false},
		{"scopes", len(o.Scopes) > 0, grant, false},
		{"audience", len(o.Audience) > 0, grant, false},
		{"resource", len(o.Resource) > 0, grant, false},
		{"params", len(o.Params) > 0, grant, false},
		{"timeout", o.Timeout != d.Timeout && o.Timeout != 0, grant, false},
		{"tls", o.TLS != (transport.TLS{}), grant, false},
		{"send_as", o.SendAs != d.SendAs && o.SendAs != "", []string{TypeClientCredentials, TypeBasic, TypeBearer}, false},
		{"username", o.Username != "", basic, true},
		{"password", !o.Password.IsZero(), basic, true},
		{"token", !o.Token.IsZero(), bearer, true},
		{"name", o.Name != "", header, true},
		{"value", !o.Value.IsZero(), header, true},
	}
}

package auth

import (
	"strings"
	"testing"
	"time"

	"github.com/watchword/watchword/internal/secret"
	"github.com/watchword/watchword/internal/transport"
)

func TestCheck(t *testing.T) {
	type change func(*Options)
	cc := func(f change) Options { o := options(tokenURL); f(&o); return o }
	kind := func(k string, f change) Options { o := DefaultOptions(); o.Type = k; f(&o); return o }
	lit := secret.Literal
	for _, tc := range []struct {
		name string
		o    Options
		want string // "path: part of the message" of the only problem, "" for none
	}{
		{"good", cc(func(*Options) {}), ""},
		{"post", cc(func(o *Options) { o.AuthMethod = methodPost }), ""},
		{"type unset", cc(func(o *Options) { o.Type = "" }), ""},
		{"loopback http", cc(func(o *Options) { o.TokenURL = "http://127.0.0.1:9091/t" }), ""},
		{"localhost http", cc(func(o *Options) { o.TokenURL = "http://localhost:9091/t" }), ""},
		{"http below localhost", cc(func(o *Options) { o.TokenURL = "http://auth.localhost:9091/t" }), "warning token_url: is http"},
		{"issuer below localhost", cc(func(o *Options) { o.TokenURL, o.Issuer = "", "http://auth.localhost:9091" }), "issuer: is http"},
		{"basic", kind(TypeBasic, func(o *Options) { o.Username, o.Password = "u", lit("p") }), ""},
		{"bearer", kind(TypeBearer, func(o *Options) { o.Token = lit("p") }), ""},
		{"header", kind(TypeHeader, func(o *Options) { o.Name, o.Value = "X-Key", lit("p") }), ""},
		{"unknown type", kind("digest", func(*Options) {}), `type: "digest" is none of`},
		{"no URL", cc(func(o *Options) { o.TokenURL = "" }), "token_url: is missing"},
		{"no scheme", cc(func(o *Options) { o.TokenURL = "auth.example.com/token" }), "token_url: is not a URL"},
		{"other scheme", cc(func(o *Options) { o.TokenURL = "ftp://auth.example.com/token" }), "token_url: is not a URL"},
		{"userinfo", cc(func(o *Options) { o.TokenURL = "https://u:p@auth.example.com/token" }), "token_url: holds a user name"},
		{"fragment", cc(func(o *Options) { o.TokenURL = tokenURL + "#x" }), "token_url: must not have a fragment"},
		{"http", cc(func(o *Options) { o.TokenURL = "http://auth.example.com/token" }), "warning token_url: is http"},
		{"no client", cc(func(o *Options) { o.ClientID = "" }), "client_id: is missing"},
		{"no secret", cc(func(o *Options) { o.ClientSecret = secret.Text{} }), "client_secret: is missing"},
		{"no key", cc(func(o *Options) { o.AuthMethod, o.ClientSecret = methodKeyJWT, secret.Text{} }), "private_key_file: is missing"},
		{"unknown method", cc(func(o *Options) { o.AuthMethod = "basic" }), `auth_method: "basic" is none of client_secret_basic, client_secret_post`},
		{"unknown encoding", cc(func(o *Options) { o.BasicEncoding = "url" }), `basic_encoding: "url" is none of`},
		{"raw post", cc(func(o *Options) { o.AuthMethod, o.BasicEncoding = methodPost, encodingRaw }), "basic_encoding: has no effect"},
		{"no timeout", cc(func(o *Options) { o.Timeout = 0 }), "timeout: must be"},
		{"two scopes in one", cc(func(o *Options) { o.Scopes = []string{"a", "b c"} }), "scopes[1]: \"b c\" is not one scope"},
		{"empty audience", cc(func(o *Options) { o.Audience = []string{""} }), "audience[0]: is empty"},
		{"relative resource", cc(func(o *Options) { o.Resource = []string{"/x"} }), "resource[0]:"},
		{"parameter of ours", cc(func(o *Options) { o.Params = map[string]secret.Text{"scope": lit("x")} }), "params.scope: use scopes"},
		{"grant", cc(func(o *Options) { o.Params = map[string]secret.Text{"grant_type": lit("x")} }), "params.grant_type: is always"},
		{"send_as", cc(func(o *Options) { o.SendAs = "cookie" }), `send_as: "cookie" is none of`},
		{"CA", cc(func(o *Options) { o.TLS.CAFile = "/nonexistent.pem" }), "tls.ca_file: there is no file"},
		{"basic without a user", kind(TypeBasic, func(o *Options) { o.Password = lit("p") }), "username: is missing"},
		{"basic with a colon", kind(TypeBasic, func(o *Options) { o.Username, o.Password = "u:x", lit("p") }), "username: must not hold a colon"},
		{"basic without a password", kind(TypeBasic, func(o *Options) { o.Username = "u" }), "password: is missing"},
		{"bearer without", kind(TypeBearer, func(*Options) {}), "token: is missing"},
		{"bearer of two lines", kind(TypeBearer, func(o *Options) { o.Token = lit("a\nb") }), "token: holds a line break"},
		{"header without a name", kind(TypeHeader, func(o *Options) { o.Value = lit("p") }), "name: is missing"},
		{"header of a bad name", kind(TypeHeader, func(o *Options) { o.Name, o.Value = "X Key", lit("p") }), "name: \"X Key\" is not the name"},
		{"header of the connection", kind(TypeHeader, func(o *Options) { o.Name, o.Value = "Host", lit("p") }), "name: Host is set by"},
		{"header without a value", kind(TypeHeader, func(o *Options) { o.Name = "X-Key" }), "value: is missing"},
		{"unused token_url", kind(TypeBearer, func(o *Options) { o.Token, o.TokenURL = lit("p"), tokenURL }), "token_url: has no effect with type bearer"},
		{"unused password", cc(func(o *Options) { o.Password = lit("p") }), "password: has no effect with type client_credentials; it belongs to type basic"},
		{"unused tls", kind(TypeBearer, func(o *Options) { o.Token, o.TLS = lit("p"), transport.TLS{ServerName: "x"} }), "tls: has no effect"},
		{"unused timeout", kind(TypeBearer, func(o *Options) { o.Token, o.Timeout = lit("p"), time.Second }), "timeout: has no effect"},
		{"unused send_as", kind(TypeHeader, func(o *Options) { o.Name, o.Value, o.SendAs = "X-Key", lit("p"), sendProxy }), "send_as: has no effect"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			ps := Check("gate", tc.o)
			if tc.want == "" {
				if len(ps) != 0 {
					t.Errorf("problems %v, want none", ps)
				}
				return
			}
			if len(ps) != 1 {
				t.Fatalf("problems %v, want one", ps)
			}
			got := ps[0].Path + ": " + ps[0].Message
			if ps[0].Warning {
				got = "warning " + got
			}
			if !strings.HasPrefix(got, strings.SplitAfter(tc.want, ": ")[0]) || !strings.Contains(got, tc.want) {
				t.Errorf("%q, want %q", got, tc.want)
			}
			if _, err := newTestRegistry(t).New("gate", tc.o); (err != nil) == (ps[0].Warning || strings.HasPrefix(ps[0].Path, "tls.")) {
				t.Errorf("New: %v", err)
			}
		})
	}
}

package auth

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/secret"
)

func jwt(payload string) string {
	enc := base64.RawURLEncoding.EncodeToString
	return enc([]byte(`{"alg":"RS256","typ":"at+jwt"}`)) + "." + enc([]byte(payload)) + "." + enc([]byte("signature"))
}

func TestExplain(t *testing.T) {
	now := time.Now()
	token := jwt(fmt.Sprintf(`{"iss":"https://auth.example.com","sub":"s","client_id":"c","aud":["https://a/"],"scp":["one","two"],"exp":%d,"nbf":%d}`,
		now.Add(2*time.Hour).Unix(), now.Add(time.Hour).Unix()))
	s := tokenServer(t, answers(200, "application/json", `{"access_token":"`+token+`","expires_in":3600,"scope":"one"}`))
	o := options(s.URL + "/token")
	o.Scopes, o.Audience, o.Resource = []string{"one", "two"}, []string{"https://a/"}, []string{"https://b/"}
	src := newSource(t, o)
	e, err := src.Explain(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if e.Life != time.Hour || !e.LifeTold || e.Scope != "one" || !e.ScopeTold || e.TokenLength != len(token) || e.ClientID != testID {
		t.Errorf("explained as %+v", e)
	}
	c := e.Claims
	if c == nil || c.Issuer != "https://auth.example.com" || c.Subject != "s" || c.Scope != "one two" || !slices.Equal(c.Audience, []string{"https://a/"}) {
		t.Fatalf("claims %+v", c)
	}
	for _, want := range []string{"did not tell token_type", "scope lacks two", "not valid before", "own exp differ by", "audience lacks https://b/"} {
		if !strings.Contains(strings.Join(e.Warnings, "\n"), want) {
			t.Errorf("warnings %q lack %q", e.Warnings, want)
		}
	}
	if out := fmt.Sprintf("%v %+v %#v", e, e, e); strings.Contains(out, token) {
		t.Error("the token was printed")
	}
	if got, err := e.Token.Reveal(); err != nil || got != token {
		t.Error("the token cannot be shown")
	}
	if src.Status().Held {
		t.Error("Explain touched the cache")
	}
}

func TestExplainFault(t *testing.T) {
	s := tokenServer(t, answers(401, "application/json", `{"error":"invalid_client"}`))
	_, err := newSource(t, options(s.URL)).Explain(t.Context())
	if f, ok := errors.AsType[*check.Fault](err); !ok || f.Reason != check.ClientRejected {
		t.Errorf("%v, want client_rejected", err)
	}
}

func TestExplainFixed(t *testing.T) {
	r := newTestRegistry(t)
	expired := jwt(`{"exp":1000,"aud":"one"}`)
	e, err := sourceOf(t, r, "key", Options{Type: TypeBearer, SendAs: "authorization", Token: secret.Literal(expired)}).Explain(t.Context())
	if err != nil || e.Claims == nil || len(e.Warnings) != 1 || !strings.Contains(e.Warnings[0], "expired on 1970") {
		t.Errorf("%+v, %v", e, err)
	}
	for _, token := range []string{"", "a.b", "a.b.c", "a.!.c", jwt("[]"), jwt("null"), "authelia_at_x.y"} {
		if c := claimsOf(token); c != nil {
			t.Errorf("%q has claims %+v", token, c)
		}
	}
}

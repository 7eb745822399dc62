package secret_test

import (
	"strings"
	"testing"

	"github.com/watchword/watchword/internal/secret"
)

// TestScrubGiven has tokens taken out that are none of ours, and leaves what helps
// to understand an answer.
func TestScrubGiven(t *testing.T) {
	const jwt = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJwcm9iZSJ9.c2lnbmF0dXJl"
	for in, want := range map[string]string{
		`{"access_token":"opaque-4711-x","token_type":"bearer"}`: `{"access_token":"[secret]","token_type":"bearer"}`,
		`{"refresh_token" : "a\/b+c=\"4711"}`:                    `{"refresh_token" : "[secret]"}`,
		`{"apiKey":"0123456789", "n":1}`:                         `{"apiKey":"[secret]", "n":1}`,
		`{"inner":"{\"password\":\"hunter2hunter2\"}"}`:          `{"inner":"{\"password\":\"[secret]\"}"}`,
		`<pre>{&#34;id_token&#34;:&#34;opaque-4711&#34;}</pre>`:  `<pre>{&#34;id_token&#34;:&#34;[secret]&#34;}</pre>`,
		`access_token=opaque-4711&expires_in=3600`:               `access_token=[secret]&expires_in=3600`,
		`you are ` + jwt + `.`:                                   `you are [secret]`,
		`{"token":"cut-off-471`:                                  `{"token":"[secret]`,
	} {
		if got := secret.Scrub(in); got != want {
			t.Errorf("Scrub(%s)\n is %s\nnot %s", in, got, want)
		}
	}
	for _, plain := range []string{
		`{"error":"invalid_token","error_description":"the token has expired"}`,
		`{"token":"expired"}`, `{"token":"it has expired, ask for another"}`, `{"token":null,"secrets":12}`,
		`{"token_endpoint":"https://auth.example.com/token"}`, `Bearer error="invalid_token", error_description="The access token expired"`,
		`grant_type=client_credentials`, `forgot your password? token: none`, strings.Repeat("x", 100),
	} {
		if got := secret.Scrub(plain); got != plain {
			t.Errorf("Scrub(%s) is %s", plain, got)
		}
	}
}

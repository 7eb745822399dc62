package auth

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/secret"
	"github.com/watchword/watchword/internal/transport"
)

// leaks returns the forms of the secret that s holds.
func leaks(s string) []string {
	var out []string
	j, _ := json.Marshal(testSecret)
	for _, form := range []string{
		testSecret, url.QueryEscape(testSecret), url.PathEscape(testSecret), html.EscapeString(testSecret), string(j[1 : len(j)-1]),
		base64.StdEncoding.EncodeToString([]byte(testSecret)),
		base64.StdEncoding.EncodeToString([]byte(testID + ":" + testSecret)),
		base64.StdEncoding.EncodeToString([]byte(url.QueryEscape(testID) + ":" + url.QueryEscape(testSecret))),
	} {
		if strings.Contains(s, form) {
			out = append(out, form)
		}
	}
	return out
}

// TestAnEchoingEndpointLeaksNothing has endpoints that repeat all they were
// sent, and searches everything that comes out.
func TestAnEchoingEndpointLeaksNothing(t *testing.T) {
	echo := func(r *http.Request) string {
		body, _ := io.ReadAll(r.Body)
		form, _ := url.ParseQuery(string(body))
		id, pass, _ := r.BasicAuth()
		return fmt.Sprintf("%s | %s | %s:%s | %s | %s | %s", r.Header.Get("Authorization"), body, id, pass, form.Get("client_secret"), testSecret, html.EscapeString(testSecret))
	}
	object := func(status int, make func(echo string) map[string]any) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			e := echo(r)
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Location", "/"+url.PathEscape(e)+"?"+url.QueryEscape(e))
			w.WriteHeader(status)
			json.NewEncoder(w).Encode(make(e))
		}
	}
	for name, answer := range map[string]http.HandlerFunc{
		"description": object(401, func(e string) map[string]any {
			return map[string]any{"error": "invalid_client", "error_description": e}
		}),
		"error":     object(400, func(e string) map[string]any { return map[string]any{"error": e} }),
		"invalid":   object(400, func(e string) map[string]any { return map[string]any{"error": "invalid_scope", "error_description": e} }),
		"object":    object(403, func(e string) map[string]any { return map[string]any{"error": map[string]any{"message": e}} }),
		"trace":     object(401, func(e string) map[string]any { return map[string]any{"error": "x", "trace_id": e} }),
		"busy":      object(503, func(e string) map[string]any { return map[string]any{"error": e, "error_description": e} }),
		"redirect":  object(302, func(e string) map[string]any { return nil }),
		"type":      object(200, func(e string) map[string]any { return map[string]any{"access_token": "t0ken-t0ken", "token_type": e} }),
		"scope":     object(200, func(e string) map[string]any { return map[string]any{"access_token": "t0ken-t0ken", "scope": e} }),
		"bad token": object(200, func(e string) map[string]any { return map[string]any{"access_token": e} }),
		"own token": object(400, func(e string) map[string]any {
			return map[string]any{"error": "no t0ken-t0ken", "access_token": "t0ken-t0ken"}
		}),
		"html":        func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "<html>"+echo(r)) },
		"status line": func(w http.ResponseWriter, r *http.Request) { rawAnswer(w, "HTTP/1.1 "+echo(r)+"\r\n\r\n") },
		"no HTTP":     func(w http.ResponseWriter, r *http.Request) { rawAnswer(w, echo(r)+"\r\n\r\n") },
		"bad header":  func(w http.ResponseWriter, r *http.Request) { rawAnswer(w, "HTTP/1.1 200 OK\r\n"+echo(r)+"\r\n\r\n") },
	} {
		for _, method := range []string{methodBasic, methodPost} {
			t.Run(name+" "+method, func(t *testing.T) {
				s := httptest.NewServer(answer)
				defer s.Close()
				var log bytes.Buffer
				pool := transport.NewPool()
				r := NewRegistry(pool, RegistryOptions{Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
				defer func() { r.Close(); pool.Close() }()
				o := options(s.URL + "/token")
				o.AuthMethod = method
				src := sourceOf(t, r, "gate", o)
				h := src.Handle(origin)
				_, _, f := authorize(t, h, 5*time.Second)
				e, err := src.Explain(t.Context())
				out := everyText(t, f) + fmt.Sprintf("%+v %#v %v", h.Token(), e, err) + log.String() + fmt.Sprintf("%+v", src.Status())
				if b, err := json.Marshal(e); err == nil {
					out += string(b)
				}
				if found := leaks(out); len(found) > 0 || strings.Contains(out, "t0ken-t0ken") {
					t.Errorf("%v came out: %s", found, out)
				}
			})
		}
	}
}

func rawAnswer(w http.ResponseWriter, s string) {
	conn, buf, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	buf.WriteString(s)
	buf.Flush()
	conn.Close()
}

func TestSentSecrets(t *testing.T) {
	s := tokenServer(t, answers(200, "application/json", good))
	o := options(s.URL)
	t.Setenv("WW_PARAM", "param-value")
	param, err := secret.Parse("${WW_PARAM}", "")
	if err != nil {
		t.Fatal(err)
	}
	o.Params = map[string]secret.Text{"hidden": param, "plain": secret.Literal("true")}
	src := newSource(t, o)
	authorize(t, src.Handle(origin), 5*time.Second)
	echoed := "TOKEN-1 param-value " + testSecret + " " + base64.StdEncoding.EncodeToString([]byte(testID+":"+testSecret))
	if got := secret.Scrub("true "+echoed, src.SentSecrets()...); got != "true [secret] [secret] [secret] [secret]" {
		t.Errorf("scrubbed to %q", got)
	}
	r := newTestRegistry(t)
	for _, tc := range []struct {
		o    Options
		sent string
	}{
		{Options{Type: TypeBasic, SendAs: "authorization", Username: "user", Password: secret.Literal("password1")}, "Basic dXNlcjpwYXNzd29yZDE= password1"},
		{Options{Type: TypeBearer, SendAs: "authorization", Token: secret.Literal("password1")}, "password1"},
		{Options{Type: TypeHeader, Name: "X-Key", Value: secret.Literal("password1")}, "password1"},
	} {
		got := secret.Scrub(tc.sent, sourceOf(t, r, "key", tc.o).SentSecrets()...)
		if strings.Contains(got, "password1") || strings.Contains(got, "dXNlcj") {
			t.Errorf("%s: %q", tc.o.Type, got)
		}
	}
}

// FuzzTokenAnswer throws answers at the whole way from the wire to the fault.
func FuzzTokenAnswer(f *testing.F) {
	f.Add(200, "application/json", "", good)
	f.Add(200, "text/plain", "", "access_token=x&expires_in=5")
	f.Add(401, "application/json", "", `{"error":"invalid_client","error_description":"`+testSecret+`"}`)
	f.Add(400, "", "", `{"error":{"message":"x"},"trace_id":"\u0000"}`)
	f.Add(200, "application/json", "", `{"access_token":"a","expires_in":"1e9","scope":["a"],"token_type":"bearer"}`)
	f.Add(429, "", "Wed, 21 Oct 2099 07:28:00 GMT", "")
	f.Add(503, "text/html", "1e99", "<html>")
	f.Add(307, "", "NaN", "\xff\xfe")
	reasons := map[check.Reason]check.Class{}
	check.EachReason(func(c check.Class, r check.Reason) { reasons[r] = c })
	f.Fuzz(func(t *testing.T, status int, contentType, retryAfter, body string) {
		if status < 200 || status > 599 {
			return
		}
		p := &fakeIDP{answer: func(int64, *http.Request) (*http.Response, error) {
			return response(status, body, "Content-Type", contentType, "Retry-After", retryAfter, "Location", body), nil
		}}
		r := p.registry(RegistryOptions{})
		defer r.Close()
		s, err := r.New("gate", options(tokenURL))
		if err != nil {
			t.Fatal(err)
		}
		req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, origin, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		generation, err := s.Handle(origin).Authorize(req.Context(), req)
		if err == nil {
			v := req.Header.Get("Authorization")
			token, ok := strings.CutPrefix(v, "Bearer ")
			if generation != 1 || !ok || token == "" || strings.ContainsFunc(token, func(c rune) bool { return c <= ' ' || c > '~' }) {
				t.Errorf("generation %d, Authorization %q", generation, v)
			}
			return
		}
		fault, ok := errors.AsType[*check.Fault](err)
		if !ok || reasons[fault.Reason] != fault.Class || fault.Class != check.IDP && fault.Class != check.Credential {
			t.Fatalf("%#v is no fault of a token answer", err)
		}
		if fault.Message == "" || fault.Hint == "" || fault.Cause.Key == "" || secret.Line(fault.Message+fault.Hint, 4000) != fault.Message+fault.Hint {
			t.Errorf("fault %+v is not fit to be told", fault)
		}
		if found := leaks(everyText(t, fault)); len(found) > 0 {
			t.Errorf("%v leaked: %v, hint %q", found, fault, fault.Hint)
		}
	})
}

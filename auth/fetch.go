package auth

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/secret"
)

const (
	methodBasic       = "client_secret_basic"
	methodPost        = "client_secret_post"
	encodingForm      = "form"
	encodingRaw       = "raw"
	sendAuthorization = "authorization"
	sendProxy         = "proxy-authorization"
)

// fetch sends one token request with the secrets as they are now.
func (s *Source) fetch(ctx context.Context) outcome {
	r, err := s.reveal()
	if err != nil {
		f := &finding{reason: check.SecretUnavailable, message: secret.Line(err.Error(), quoted), err: err}
		s.tell(f, 0)
		return outcome{finding: f}
	}
	asked := time.Now()
	a, f := s.request(ctx, r)
	s.tell(f, time.Since(asked))
	o := outcome{finding: f, print: r.print()}
	if f == nil {
		o.token = newToken(a, asked)
	}
	return o
}

// request is one request and what its answer means. x/oauth2 makes the request
// and reads the answer after it was normalised on the way.
func (s *Source) request(ctx context.Context, r revealed) (answer, *finding) {
	x := &exchange{
		wire: s.wire, userAgent: s.registry.o.UserAgent, secrets: s.texts(r), timeout: s.o.Timeout,
		padded: strings.TrimSpace(r.secret) != r.secret, clocks: s.registry.o.Clocks,
	}
	if s.o.AuthMethod != methodPost && s.o.BasicEncoding == encodingRaw {
		x.basic = &[2]string{s.o.ClientID, r.secret}
	}
	client := &http.Client{
		Transport:     x,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	t, err := s.config(r).Token(context.WithValue(ctx, oauth2.HTTPClient, client))
	s.heedClock(x.ahead)
	switch {
	case x.finding != nil:
		return answer{}, x.finding
	case err != nil:
		return answer{}, x.because(&finding{reason: check.TokenMalformed, text: "answered what is no token answer", err: err})
	}
	a := x.answer
	a.token = t.AccessToken
	a.warning = s.warning(a) // before the scope is cut to what can be shown
	a.scope = shownScope(a.scope, append(x.secrets, a.token))
	return a, nil
}

// config is made anew for each request.
func (s *Source) config(r revealed) *clientcredentials.Config {
	params := url.Values{}
	for k, v := range r.params {
		params.Set(k, v)
	}
	if len(s.o.Audience) > 0 {
		params["audience"] = s.o.Audience
	}
	if len(s.o.Resource) > 0 {
		params["resource"] = s.o.Resource
	}
	c := &clientcredentials.Config{
		ClientID: s.o.ClientID, ClientSecret: r.secret, TokenURL: s.o.TokenURL,
		Scopes: s.o.Scopes, EndpointParams: params, AuthStyle: oauth2.AuthStyleInHeader,
	}
	if s.o.AuthMethod == methodPost {
		c.AuthStyle = oauth2.AuthStyleInParams
	}
	return c
}

// tell reports a request to the log and to who counts.
func (s *Source) tell(f *finding, took time.Duration) {
	if f == nil {
		level := slog.LevelDebug
		if s.news("") {
			level = slog.LevelInfo
		}
		s.registry.o.Log.Log(context.Background(), level, "token fetched", "credential", s.name, "took", took)
		s.registry.o.Observe(TokenRequest{Credential: s.name, Result: "ok", Took: took})
		return
	}
	fault := s.fault(f)
	level := slog.LevelDebug
	if s.news(fault.Error()) {
		level = slog.LevelWarn
	}
	s.registry.o.Log.Log(context.Background(), level, "token request failed", "credential", s.name,
		"class", string(fault.Class), "reason", string(fault.Reason), "message", fault.Message)
	if f.tried {
		s.registry.o.Observe(TokenRequest{Credential: s.name, Result: string(fault.Reason), Took: took})
	}
}

// news says whether what is to be logged differs from what was logged last: a
// fault that lasts is told once.
func (s *Source) news(what string) bool {
	old := s.logged.Swap(&what)
	return old == nil && what != "" || old != nil && *old != what
}

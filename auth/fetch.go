package auth

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/watchword/watchword/internal/check"
)

const (
	encodingForm      = "form"
	encodingRaw       = "raw"
	sendAuthorization = "authorization"
	sendProxy         = "proxy-authorization"
)

// fetch sends one token request with the secrets as they are now.
func (s *Source) fetch(ctx context.Context) outcome {
	to, m, f := s.target(ctx)
	if f != nil {
		return s.give(f, fingerprint{})
	}
	r, err := s.reveal()
	if err != nil {
		return s.give(s.unavailable(err), fingerprint{})
	}
	p, err := s.prove(r, to)
	if err != nil {
		return s.give(s.unavailable(err), r.print())
	}
	asked := time.Now()
	a, f := s.request(ctx, r, p)
	s.tell(f, time.Since(asked))
	o := outcome{finding: f, print: r.print(), sent: p.sent}
	if f != nil {
		s.heed(f)
		return o
	}
	a.warnings = s.warnings(a, m, p.sent.algorithm) // before the scope is cut to what can be shown
	a.warning = strings.Join(a.warnings, "; ")
	a.scope = shownScope(a.scope, append(s.texts(r), a.token))
	o.token = newToken(a, asked)
	return o
}

// give is an outcome for which nothing was sent. The print is that of the secrets
// as far as they were read: a key that is no good is not another one each time.
func (s *Source) give(f *finding, print fingerprint) outcome {
	s.tell(f, 0)
	return outcome{finding: f, print: print}
}

// heed has the provider's metadata read again where the endpoint that it named
// does not answer as one.
func (s *Source) heed(f *finding) {
	if s.found != nil && (f.reason == check.TokenMalformed || f.reason == check.TokenUnreachable) {
		s.found.doubt()
	}
}

// request is one request and what its answer means. x/oauth2 makes the request
// and reads the answer after it was normalised on the way.
func (s *Source) request(ctx context.Context, r revealed, p proof) (answer, *finding) {
	x := &exchange{
		wire: s.wire, route: s.route, userAgent: s.registry.o.UserAgent, secrets: slices.Concat(s.texts(r), jwtTexts(p.assertion), s.route.Secrets()), timeout: s.o.Timeout,
		padded: strings.TrimSpace(r.secret) != r.secret, ours: slices.Contains(byCertificate(), s.o.AuthMethod), clocks: s.registry.o.Clocks,
	}
	if s.o.AuthMethod == methodBasic && s.o.BasicEncoding == encodingRaw {
		x.basic = &[2]string{s.o.ClientID, r.secret}
	}
	client := &http.Client{
		Transport:     x,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	t, err := s.config(r, p).Token(context.WithValue(ctx, oauth2.HTTPClient, client))
	s.heedClock(x.ahead)
	f := x.finding
	if f == nil && err != nil {
		f = x.because(&finding{reason: check.TokenMalformed, text: "answered what is no token answer", err: err})
	}
	if f != nil {
		f.sent = p.sent
		return answer{}, f
	}
	a := x.answer
	a.token = t.AccessToken
	return a, nil
}

// config is made anew for each request.
func (s *Source) config(r revealed, p proof) *clientcredentials.Config {
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
		ClientID: s.o.ClientID, TokenURL: p.sent.to,
		Scopes: s.o.Scopes, EndpointParams: params, AuthStyle: oauth2.AuthStyleInParams,
	}
	switch s.o.AuthMethod {
	case methodBasic:
		c.ClientSecret, c.AuthStyle = r.secret, oauth2.AuthStyleInHeader
	case methodPost:
		c.ClientSecret = r.secret
	}
	if p.assertion != "" {
		params.Set("client_assertion_type", assertionType)
		params.Set("client_assertion", p.assertion)
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
	if f.tried && f.reason != check.DiscoveryFailed {
		s.registry.o.Observe(TokenRequest{Credential: s.name, Result: string(fault.Reason), Took: took})
	}
}

// news says whether what is to be logged differs from what was logged last: a
// fault that lasts is told once.
func (s *Source) news(what string) bool {
	old := s.logged.Swap(&what)
	return old == nil && what != "" || old != nil && *old != what
}

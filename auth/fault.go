package auth

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/secret"
	"github.com/watchword/watchword/internal/transport"
)

// finding is what was wrong with a token request. It is told as a fault for one
// credential by Source.fault; one of the endpoint as a whole for several.
type finding struct {
	reason     check.Reason
	message    string         // the whole message, or
	text       string         // what "the token endpoint at HOST" did
	code       string         // the OAuth error, fit to be shown
	location   string         // where a redirect points to, fit to be shown
	trace      string         // name of the request in the provider's log
	signs      signs          // by which the provider can be told
	sent       sent           // what may be told of the request
	ahead      *time.Duration // of the provider's clock, nil where it told nothing
	todo       string         // the whole hint, "" where it follows from the rest
	retryAfter time.Duration  // what the endpoint asked for
	tried      bool           // a request was sent, or at least a connection tried
	nowhere    bool           // 404, with an error that OAuth does not know
	shared     bool           // it concerns all credentials of the endpoint
	ours       bool           // it is about the way of this credential, its proxy
	waited     bool           // the time of the caller was over, not that of the request
	padded     bool           // the secret begins or ends with white space
	tls        bool           // the connection failed for its certificate or handshake
	err        error
}

// fault tells a finding for this credential.
func (s *Source) fault(f *finding) *check.Fault {
	out := &check.Fault{Class: check.ClassOf(f.reason), Reason: f.reason, Message: f.message, Hint: s.hint(f), Err: f.err}
	if out.Message == "" {
		out.Message = s.message(f)
	}
	switch out.Class {
	case check.IDP:
		out.Cause = check.Cause{Kind: check.CauseProvider, Key: s.provider}
	case check.Credential:
		out.Cause = check.Cause{Kind: check.CauseCredential, Key: s.name}
	default:
		out.Cause = check.Cause{Kind: check.CauseAgent, Key: "agent"}
	}
	return out
}

// message tells what has no message of its own.
func (s *Source) message(f *finding) string {
	switch {
	case f.waited && s.tokenURL() == "":
		return fmt.Sprintf("the discovery document of %s did not come in the time that this run had left", s.shownPlace())
	case f.waited:
		return fmt.Sprintf("the token endpoint at %s did not answer in the time that this run had left", s.asked(f))
	}
	return fmt.Sprintf("the token endpoint at %s %s", s.asked(f), f.text)
}

// asked is the host that a token request goes to: with issuer it may be another
// than that of the issuer.
func (s *Source) asked(f *finding) string {
	for _, raw := range []string{f.sent.to, s.tokenURL()} {
		if u, err := url.Parse(raw); err == nil && u.Host != "" {
			return u.Host
		}
	}
	return s.host
}

// askedURL is where a request went, fit to be shown.
func (s *Source) askedURL(f *finding) string {
	if f.sent.to != "" {
		return secret.URL(f.sent.to)
	}
	return s.shownPlace()
}

// hint says what to look at next, with the names of the configuration.
func (s *Source) hint(f *finding) string {
	h := s.hintOf(f)
	if f.padded && f.reason == check.ClientRejected {
		h += "; the secret begins or ends with white space, which may be the reason"
	}
	if f.trace != "" {
		h += "; the provider's log has it as trace " + f.trace
	}
	return h
}

func (s *Source) hintOf(f *finding) string {
	if f.todo != "" {
		return f.todo
	}
	switch f.reason {
	case check.TokenUnreachable:
		return s.unreachable(f)
	case check.TokenMalformed:
		return s.malformed(f)
	case check.ClientRejected:
		if f.nowhere && s.system(f) == "" {
			return s.lost(f)
		}
		return s.rejected(f)
	case check.SecretUnavailable:
		return fmt.Sprintf("look at the variable or file that credential %q takes its secret from, and whether this process may read it; it is read again at every use", s.name)
	case check.ScopeRejected, check.AudienceRejected, check.GrantRejected, check.TokenUnusable:
		return s.refusedHint(f)
	case check.TokenTimeout, check.TokenServerError, check.TokenRateLimited:
		return s.strained(f)
	}
	return "nothing to mend at the target; if it stays, look at the log of the agent"
}

// shownPlace is what the configuration says of where the provider is, fit to be
// shown.
func (s *Source) shownPlace() string {
	if s.o.Issuer != "" {
		return secret.URL(s.o.Issuer)
	}
	return secret.URL(s.o.TokenURL)
}

func (s *Source) who() string {
	return fmt.Sprintf("credential %q (client_id %q)", s.name, s.o.ClientID)
}

// refusedHint is about what the provider does not give to this client.
func (s *Source) refusedHint(f *finding) string {
	if h := s.system(f); h != "" && isRefusal(f.reason) {
		return h
	}
	switch f.reason {
	case check.ScopeRejected:
		return fmt.Sprintf("allow %s the scopes %q at %s, or take out of `scopes` what it may not have", s.who(), strings.Join(s.o.Scopes, " "), s.host)
	case check.AudienceRejected:
		asked := s.audienceAsked()
		return fmt.Sprintf("allow %s the audience %q at %s, to the letter (trailing slash, port), or change `audience` or `resource`", s.who(), strings.Join(asked, " "), s.host)
	case check.GrantRejected:
		return fmt.Sprintf("allow %s the grant client_credentials at %s; it must be a confidential client", s.who(), s.host)
	}
	return fmt.Sprintf("look at the token settings of %s at %s: only bearer tokens with a life ahead of them can be sent", s.who(), s.host)
}

// strained is about a provider that is there and does not give its answer.
func (s *Source) strained(f *finding) string {
	if f.signs.system == systemEntra && entraStrained(f) != "" {
		return s.system(f)
	}
	switch f.reason {
	case check.TokenTimeout:
		return fmt.Sprintf("look at the load and the log of the identity provider at %s; %s waits %s (timeout), and within a run not longer than the run", s.asked(f), s.who(), s.o.Timeout)
	case check.TokenServerError:
		return fmt.Sprintf("look at the log of the identity provider at %s and of the proxy before it; %s is not the reason", s.asked(f), s.who())
	}
	return fmt.Sprintf("%s counts requests, often only refused ones: look for a client with a wrong secret at this address, beginning with %s; nothing is asked until the wait is over", s.asked(f), s.who())
}

func (s *Source) unreachable(f *finding) string {
	if clock := s.oddClock(f.err); clock != "" {
		return clock
	}
	if f.tls {
		return fmt.Sprintf("TLS: look at the certificate of %s (and `tls.ca_file` of credential %q, if an authority of your own signed it)", s.asked(f), s.name)
	}
	if names := transport.NameHint(f.err); names != "" {
		return fmt.Sprintf("credential %q asks %s, whose name did not resolve: %s", s.name, s.askedURL(f), names)
	}
	return fmt.Sprintf("is the identity provider at %s running, and does this machine reach it (name, port, firewall)? credential %q asks %s", s.asked(f), s.name, s.askedURL(f))
}

// lost is about an error of a place where there is no token endpoint.
func (s *Source) lost(f *finding) string {
	if s.found != nil {
		return s.malformed(f)
	}
	return "404: token_url is probably wrong: " + s.malformed(f)
}

func (s *Source) malformed(f *finding) string {
	if f.location != "" {
		return fmt.Sprintf("it points to %s: if that is the token endpoint, set it as token_url of credential %q", f.location, s.name)
	}
	if s.found != nil {
		return fmt.Sprintf("the discovery document of the issuer names %s as token_endpoint: what answers there? mend it at the provider, or set token_url of credential %q in place of issuer", s.TokenURL(), s.name)
	}
	return fmt.Sprintf("is %s the token endpoint? %s names it as token_endpoint; change token_url of credential %q", s.TokenURL(), s.provider+discoveryPath, s.name)
}

package probes

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/secret"
)

// The messages and hints of what a gate says. A message names who did what, a
// hint what to look at next at three in the morning; both use the names of the
// configuration and quote strangers only through scene.quote.

const (
	quoteRunes  = 160      // of a stranger's text; the contract allows 200
	quoteWindow = 64 << 10 // bytes of a body that a quote is taken from
	autheliaAsk = "Authelia: scope authelia.bearer.authz, and an audience that covers the URL"
)

// quote returns a stranger's text fit to be shown: scrubbed before it is cut,
// before and after it is made one line, because both can join what was apart.
func (s *scene) quote(text string) string {
	window := text[:min(len(text), quoteWindow)]
	var secrets []string
	if s.secrets != nil && text != "" {
		secrets = s.secrets()
	}
	clean := secret.Scrub(window, secrets...)
	if len(window) < len(text) {
		clean = clean[:len(clean)/2] // a secret may have been cut at the window's end
	}
	clean = secret.Scrub(secret.Line(clean, quoteWindow), secrets...)
	return secret.Line(clean, quoteRunes)
}

// shown returns a URL without userinfo, query and fragment.
func (s *scene) shown(u *url.URL) string {
	if u.Host == "" {
		return s.quote(u.Scheme + ":…")
	}
	shown := secret.URL(u.String())
	if decoded, err := url.PathUnescape(shown); err == nil && s.quote(decoded) != secret.Line(decoded, quoteRunes) {
		shown = decoded // an echo that is encoded once more is found in this form only
	}
	return s.quote(shown)
}

func (s *scene) gate() string { return fmt.Sprintf("the gate %q", s.way.Gate) }

// key is what was sent to get in.
func (s *scene) key() string {
	what := "the token"
	switch s.way.Kind {
	case kindBasic:
		what = "the user name and password"
	case kindHeader:
		what = "the header"
	}
	return fmt.Sprintf("%s of credential %q", what, s.way.Credential)
}

// fetched says whether the token was fetched within this run.
func (s *scene) fetched() bool {
	if s.way.Token == nil {
		return false
	}
	info := s.way.Token()
	return info != nil && info.Fetched
}

// look is where to look when a token is refused.
func (s *scene) look() string {
	switch s.way.Kind {
	case kindClientCredentials:
	case kindBearer:
		return fmt.Sprintf("credential %q is a fixed token: has it expired, was it revoked, is it meant for this gate?", s.way.Credential)
	default:
		return fmt.Sprintf("compare credential %q with what the gate expects", s.way.Credential)
	}
	ask := fmt.Sprintf("compare the token's scope and audience with what the gate asks for %s: watchword token %s shows them (%s)",
		s.shown(s.url), s.way.Credential, autheliaAsk)
	if s.fetched() {
		return "the token is new, so its age is not the reason: " + ask
	}
	return ask
}

func (s *scene) invalidToken(a *answer, c *challenge) *finding {
	return &finding{check.TokenRejected,
		fmt.Sprintf("%s did not take %s: %d with WWW-Authenticate invalid_token%s", s.gate(), s.key(), a.status, s.because(c)),
		s.look()}
}

func (s *scene) insufficientScope(a *answer, c *challenge) *finding {
	needed := ""
	if scope := c.get("scope"); scope != "" {
		needed = fmt.Sprintf(" (it asks for %q)", s.quote(scope))
	}
	return &finding{check.TokenUnusable,
		fmt.Sprintf("%s knows %s, and its scope is not enough: %d with WWW-Authenticate insufficient_scope%s", s.gate(), s.key(), a.status, needed),
		fmt.Sprintf("add the scope to scopes of credential %q, and allow it for its client at the provider", s.way.Credential)}
}

func (s *scene) because(c *challenge) string {
	if d := c.get("error_description"); d != "" {
		return fmt.Sprintf(" (%q)", s.quote(d))
	}
	return ""
}

// The answers of Authelia for the three are the same to the byte.
func (s *scene) secondFactor(a *answer) *finding {
	return &finding{check.SecondFactorRequired,
		fmt.Sprintf("%s asks for more than %s: %d with a Basic challenge, which Authelia sends where its policy is two_factor", s.gate(), s.key(), a.status),
		fmt.Sprintf("client credentials are always one factor: give the client of credential %q a rule with policy one_factor for %s; the same answer comes to a token with a character that none may hold, and to an unknown scheme",
			s.way.Credential, s.shown(s.url))}
}

func (s *scene) wrongPassword(a *answer) *finding {
	return &finding{check.ClientRejected,
		fmt.Sprintf("%s did not take %s: %d with a Basic challenge", s.gate(), s.key(), a.status),
		fmt.Sprintf("check username and password of credential %q; a client id with its secret is no user: that needs type client_credentials; a policy of two_factor answers alike", s.way.Credential)}
}

func (s *scene) askedForBasic(a *answer) *finding {
	return &finding{check.TokenRejected,
		fmt.Sprintf("%s did not take %s and asks for a user name and password: %d with a Basic challenge", s.gate(), s.key(), a.status),
		"the gate saw nothing it knows: an empty or malformed token, a scheme other than Bearer, or another issuer's token; Authelia answers alike where its policy is two_factor"}
}

// nowhere is a redirect without a target: caddy-security with a redirect by
// script, Authelia's 302 where the challenge was lost on the way.
func (s *scene) nowhere(a *answer) *finding {
	if s.way == nil {
		return &finding{check.LoginPage,
			fmt.Sprintf("the answer is %d without a Location: a gate that asks a browser to sign in", a.status),
			"the monitor has no credential: give it one that the gate takes"}
	}
	return &finding{check.LoginRedirect,
		fmt.Sprintf("%s did not take %s: %d without a Location", s.gate(), s.key(), a.status),
		"Authelia behind nginx refuses a token in this way, caddy-security sends a browser to sign in; " + s.unknownToken()}
}

func (s *scene) badLocation(a *answer) *finding {
	return &finding{check.Protocol, fmt.Sprintf("answered %d with a Location that cannot be followed", a.status),
		fmt.Sprintf("look at the Location that %s sends", s.shown(a.url))}
}

func (s *scene) loginRedirect(a *answer, target *url.URL, sign string) *finding {
	return &finding{check.LoginRedirect,
		fmt.Sprintf("%s did not take %s and sent us to sign in: %d to %s, %s", s.gate(), s.key(), a.status, s.shown(target), sign),
		s.unknownToken()}
}

// unknownToken is the hint where a gate treats a token as none at all.
func (s *scene) unknownToken() string {
	if s.way.Kind == kindBasic || s.way.Kind == kindHeader {
		return fmt.Sprintf("the gate treats it as nothing at all: does it take credentials of type %s?", s.way.Kind)
	}
	return "the gate treats it as no token at all: is Bearer switched on for it? does it read Proxy-Authorization (send_as)? Authelia takes its opaque tokens only, no JWT; others want a JWT whose issuer and audience they know"
}

func (s *scene) elsewhere(a *answer, target *url.URL) *finding {
	to := s.shown(target)
	hint := fmt.Sprintf("a credential goes to %s only: if that is the service, configure url: %s", s.origin, to)
	if s.way == nil {
		hint = fmt.Sprintf("a body and a client certificate go to %s only: if that is the service, configure url: %s", s.origin, to)
	}
	if s.leads != nil && !s.leads(target) {
		hint = "redirects are followed to what allowed_targets of the module allows: add it there if it is right"
	}
	if target.Host == "" {
		hint = fmt.Sprintf("that is no page of the web: look at the Location that %s sends", s.shown(a.url))
	}
	if target.Scheme == "http" && s.url.Scheme == "https" {
		what := "a credential"
		if s.way == nil {
			what = "what the monitor sends"
		}
		hint = fmt.Sprintf("%s is not sent on over plain http: the service or its proxy builds redirects with the wrong scheme (%s)", what, to)
	}
	return &finding{check.Redirected, fmt.Sprintf("answered %d to another origin: %s", a.status, to), hint}
}

func (s *scene) signInPage(a *answer, sign string) *finding {
	if s.way == nil {
		return &finding{check.LoginPage,
			fmt.Sprintf("the answer (%d) is a sign-in page %s", a.status, sign),
			"the monitor has no credential: give it one that the gate takes; to watch the sign-in page itself, configure its own URL and a keyword that stands on it"}
	}
	hint := s.unknownToken()
	if a.status == http.StatusForbidden {
		hint = "oauth2-proxy shows this page for every token that it does not take: it wants skip_jwt_bearer_tokens: true and a JWT whose audience is its client_id or in oidc_extra_audiences"
	}
	return &finding{check.LoginPage,
		fmt.Sprintf("%s did not take %s: the answer (%d) is a sign-in page %s", s.gate(), s.key(), a.status, sign), hint}
}

// signInAhead is a redirect to sign in where nobody answered.
func (s *scene) signInAhead(a *answer, sign string) *finding {
	f := s.signInPage(a, sign)
	f.message = fmt.Sprintf("sent to sign in: %d to %s, %s", a.status, s.target(a), sign)
	return f
}

func (s *scene) unauthorized(a *answer) *finding {
	hint := "it is the gate's answer, or the application's own: " + s.look()
	if asksWithoutError(a.header) {
		hint = "the challenge names no error, so no token was seen or the 401 is the application's own: does the gate pass Authorization on?"
	}
	if location(a) != "" {
		hint = "the gate names a page to sign in, so it took the request for one without a token: " + s.unknownToken()
	}
	return &finding{check.TokenRejected,
		fmt.Sprintf("%s or the application did not take %s: 401%s", s.gate(), s.key(), s.says(a)), hint}
}

func (s *scene) forbidden(a *answer) *finding {
	hint := fmt.Sprintf("the gate knows us and says no, or the application does: look at their rules for credential %q (oauth2-proxy with bearer_token_login_fallback: false says so too of an expired token, a wrong audience or an e-mail domain)",
		s.way.Credential)
	return &finding{check.Forbidden,
		fmt.Sprintf("%s, or the application behind it, refused credential %q: 403%s", s.gate(), s.way.Credential, s.says(a)), hint}
}

// says quotes a body where it is short and not a page.
func (s *scene) says(a *answer) string {
	mediaType, _ := splitType(a.header.Get("Content-Type"))
	text := ""
	switch {
	case isHTML(mediaType, a.body):
		text = pageTitle(a.body)
	case strings.HasPrefix(mediaType, "text/"), strings.HasSuffix(mediaType, "json"), strings.HasSuffix(mediaType, "xml"):
		text = string(a.body[:min(len(a.body), 2*quoteWindow)])
	}
	if text = s.quote(text); text == "" || strings.Contains(text, http.StatusText(a.status)) {
		return ""
	}
	return fmt.Sprintf(" (%q)", text)
}

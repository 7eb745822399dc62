package lab

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// Policy is what an access rule asks for, as Authelia names it.
type Policy int

// The policies.
const (
	OneFactor Policy = iota // a token is enough
	TwoFactor               // a token is never enough
	Bypass                  // open to everyone
	Deny                    // closed to everyone
)

// Rule sets the [Policy] of a part of the world behind the gate; the first
// rule that fits decides.
type Rule struct {
	Host    string   // "" fits every host
	Path    string   // a prefix; "" fits every path
	Clients []string // the clients the rule is for; empty: all, and nobody
	Policy  Policy
}

// Strategy is where a gate looks for the token, and what it tells somebody
// who brings none.
type Strategy int

// The strategies that were observed at Authelia.
const (
	HeaderAndCookie    Strategy = iota // Authorization, else to the portal
	HeaderOnly                         // Authorization, else a Basic challenge
	ProxyAuthorization                 // Proxy-Authorization, else to the portal
	BearerDisabled                     // Authelia's default: the token is not looked at
)

// AccessOptions configure an [Access].
type AccessOptions struct {
	Provider *Provider
	// Portal is the sign-in page's URL; it ends in a slash.
	Portal string
	// Rules are tried in order; Default decides when none fits.
	Rules    []Rule
	Default  Policy
	Strategy Strategy
	// Users may pass by HTTP Basic, name to password.
	Users map[string]string
}

// Access decides who may pass a gate, as Authelia does: by rules, and by
// asking the provider in process.
type Access struct {
	o      AccessOptions
	mu     sync.Mutex
	rules  atomic.Pointer[[]Rule]
	open   atomic.Bool
	closed atomic.Bool
	refuse atomic.Bool
	counts [verdicts]atomic.Int64
}

// NewAccess returns an access control.
func NewAccess(o AccessOptions) *Access {
	a := &Access{o: o}
	a.SetRules(o.Rules)
	return a
}

// SetRules replaces all rules.
func (a *Access) SetRules(rules []Rule) {
	rules = slices.Clone(rules)
	a.rules.Store(&rules)
}

// SetPolicy sets the policy of a path prefix on every host, before all other
// rules. Setting it again replaces it.
func (a *Access) SetPolicy(path string, p Policy) {
	a.mu.Lock()
	defer a.mu.Unlock()
	rules := slices.DeleteFunc(slices.Clone(*a.rules.Load()), func(r Rule) bool {
		return r.Host == "" && r.Path == path && len(r.Clients) == 0
	})
	a.SetRules(slices.Insert(rules, 0, Rule{Path: path, Policy: p}))
}

// ResetPolicies goes back to the rules the access was made with.
func (a *Access) ResetPolicies() { a.SetRules(a.o.Rules) }

// SetOpenToEveryone lets everybody in: the gate that forgot to ask.
func (a *Access) SetOpenToEveryone(on bool) { a.open.Store(on) }

// SetDenyAll forbids everything to everybody.
func (a *Access) SetDenyAll(on bool) { a.closed.Store(on) }

// SetRefuseTokens calls every token invalid, as after a lost database.
func (a *Access) SetRefuseTokens(on bool) { a.refuse.Store(on) }

// mend takes back all switches.
func (a *Access) mend() {
	a.SetOpenToEveryone(false)
	a.SetDenyAll(false)
	a.SetRefuseTokens(false)
	a.ResetPolicies()
}

// verdict is the outcome of a decision.
type verdict int

const (
	allowed    verdict = iota
	anonymous          // nobody we know: sign in
	refused            // a token that is no good: invalid_token
	challenged         // Authelia's Basic challenge
	forbidden
	unavailable // the provider cannot be asked
	verdicts    // how many there are
)

func (v verdict) String() string {
	return [...]string{"allowed", "anonymous", "refused", "challenged", "forbidden", "unavailable", ""}[v]
}

// Counts returns the decisions so far by their name: allowed, anonymous,
// refused, challenged, forbidden, unavailable.
func (a *Access) Counts() map[string]int {
	out := map[string]int{}
	for v := range verdicts {
		out[v.String()] = int(a.counts[v].Load())
	}
	return out
}

// question is one request as the gate sees it.
type question struct {
	header             http.Header
	scheme, host, path string
	// issuer is what the provider calls itself in this request: only a JWT
	// with that issuer is looked at.
	issuer string
}

func (a *Access) decide(q question) verdict {
	v := a.judge(q)
	a.counts[v].Add(1)
	return v
}

func (a *Access) judge(q question) verdict {
	if v, decided := a.before(q); decided {
		return v
	}
	client, v := a.identify(q)
	if v != allowed {
		return v
	}
	switch policy, _ := a.policy(q.host, q.path, client); policy {
	case TwoFactor:
		return challenged
	case Deny:
		return forbidden
	}
	return allowed
}

// before decides what does not depend on who asks.
func (a *Access) before(q question) (verdict, bool) {
	if a.open.Load() {
		return allowed, true
	}
	if a.closed.Load() {
		return forbidden, true
	}
	if t := a.o.Provider.now.Load(); t != nil && t.Down {
		return unavailable, true
	}
	policy, known := a.policy(q.host, q.path, "")
	switch {
	case known && policy == Bypass:
		return allowed, true
	case known && policy == Deny:
		return forbidden, true
	}
	return 0, false
}

// policy finds the rule for a client. For nobody ("") a rule for certain
// clients may fit or not: the answer is then not known.
func (a *Access) policy(host, path, client string) (p Policy, known bool) {
	for i := range *a.rules.Load() {
		r := &(*a.rules.Load())[i]
		if (r.Host != "" && r.Host != host) || !strings.HasPrefix(path, r.Path) {
			continue
		}
		switch {
		case len(r.Clients) == 0 || slices.Contains(r.Clients, client):
			return r.Policy, true
		case client == "":
			return r.Policy, false
		}
	}
	return a.o.Default, true
}

// identify reads the credentials and returns the client they belong to.
func (a *Access) identify(q question) (string, verdict) {
	nobody := anonymous
	value := q.header.Get("Authorization")
	switch a.o.Strategy {
	case HeaderOnly:
		nobody = challenged
	case ProxyAuthorization:
		value = q.header.Get("Proxy-Authorization")
	case BearerDisabled:
		return "", anonymous
	}
	if value == "" {
		return "", nobody
	}
	scheme, token, _ := strings.Cut(value, " ")
	switch {
	case strings.EqualFold(scheme, "Basic"):
		return a.basic(q.header)
	case !strings.EqualFold(scheme, "Bearer"), !isToken68(token):
		return "", challenged
	case strings.HasPrefix(token, "authelia_at_"):
		return a.bearer(token, q)
	}
	return a.jwt(token, q, nobody)
}

// jwt looks only at a JWT of the provider as it is called in this request; any
// other token is none.
func (a *Access) jwt(token string, q question, nobody verdict) (string, verdict) {
	c, ok := peekClaims(token)
	if !ok || q.issuer == "" || c.Issuer != q.issuer {
		return "", nobody
	}
	if _, err := a.o.Provider.VerifyJWT(token); err != nil {
		return "", refused
	}
	return a.bearer(token, q)
}

// isToken68 says whether a token has the characters of RFC 6750 section 2.1.
func isToken68(s string) bool {
	for i := range len(s) {
		c := s[i]
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		if !letter && strings.IndexByte("-._~+/=", c) < 0 {
			return false
		}
	}
	return s != ""
}

func (a *Access) bearer(token string, q question) (string, verdict) {
	g, err := a.o.Provider.Inspect(token)
	switch {
	case err == ErrDown: //nolint:errorlint // Inspect returns it as it is, and this is the hot path
		return "", unavailable
	case err != nil || a.refuse.Load(), !g.Has(BearerScope), !g.CoversURL(q.scheme, q.host, q.path):
		return "", refused
	}
	return g.Client, allowed
}

func (a *Access) basic(h http.Header) (string, verdict) {
	name, password, _ := (&http.Request{Header: h}).BasicAuth()
	if want, ok := a.o.Users[name]; ok && want == password {
		return name, allowed
	}
	return "", challenged
}

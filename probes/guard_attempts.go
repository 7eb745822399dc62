package probes

import (
	"fmt"
	"net/http"
	"slices"

	"github.com/watchword/watchword/internal/check"
)

// attempt is one request of a guard: what it brings and how it comes.
type attempt struct {
	what   string // for people: "without a credential"
	way    string
	token  string // "": none
	key    *Way   // the credential that must be refused; nil: none
	claim  *claim // nil: none
	how    manner
	reason check.Reason // what it is if it gets in
}

// secrets returns what is never to be shown.
func (a *attempt) secrets() []string {
	var all []string
	if a.token != "" {
		all = append(all, a.token)
	}
	if a.key != nil && a.key.Secrets != nil {
		all = append(all, a.key.Secrets()...)
	}
	return all
}

// manner is how a request comes: gates answer differently by what they take the
// client for.
type manner struct {
	name   string // for people: "GET as a browser"
	method string
	accept string // "": no such header
}

func browser(method string) manner {
	return manner{method + " as a browser", method, "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
}

// manners returns how a guard comes, with the method of its monitor.
func manners(method string) []manner {
	ms := []manner{
		browser(method),
		{method + " asking for JSON", method, "application/json"},
		{method + " without Accept", method, ""},
	}
	if method == http.MethodGet {
		ms = append(ms, browser(http.MethodHead))
	}
	return ms
}

// credentialTries is how many manners a credential that must be refused is tried in, in
// each run.
const credentialTries = 2

// strangers returns how a stranger comes: in every manner, and then with claims
// that a browser never makes.
func (p *Guard) strangers(ms []manner, turn uint64) []attempt {
	const what = "without a credential"
	var all []attempt
	for _, m := range ms {
		all = append(all, attempt{what: what, way: wayAnonymous, how: m, reason: check.AnonymousAccess})
	}
	for _, c := range p.claims(turn) {
		all = append(all, attempt{what: what + ", " + c.what, way: wayAnonymous, claim: &c, how: ms[0], reason: check.AnonymousAccess})
	}
	return all
}

// attempts returns what is tried at the gate in the run with this number. A
// stranger comes in every manner each time. Each token comes in one, which goes
// round from run to run: all of them in all manners each time would be a flood.
func (p *Guard) attempts(turn uint64) ([]attempt, error) {
	ms := manners(p.door.method)
	manner := func(i int) manner { return ms[(turn+uint64(i))%uint64(len(ms))] }
	var all []attempt
	for _, w := range p.ways {
		switch {
		case w == wayAnonymous:
			all = append(all, p.strangers(ms, turn)...)
		case slices.Contains(GuardWays(), w):
			fs, err := forge(w, p.keys.Issuer, originOf(p.door.url)+"/", turn)
			if err != nil {
				return nil, fmt.Errorf("forge a token: %w", err)
			}
			for i, f := range fs {
				all = append(all, attempt{what: "with " + f.what, way: w, token: f.token, how: manner(i), reason: check.GarbageAccepted})
			}
		default:
			for i := range credentialTries {
				all = append(all, attempt{what: fmt.Sprintf("with credential %q", w), way: w, key: p.keys.Named[w], how: manner(i), reason: check.WrongCredentialAccepted})
			}
		}
	}
	return all, nil
}

package auth

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/watchword/watchword/internal/secret"
)

// warning says what is doubtful about a usable answer to this credential's
// request, and where the options and what the provider tells of itself (nil:
// nothing) differ.
func (s *Source) warnings(a answer, m *metadata, algorithm string) []string {
	ws := []string{a.warning}
	if missing := lacking(s.o.Scopes, strings.Fields(a.scope)); len(missing) > 0 {
		if a.scopeTold {
			ws = append(ws, fmt.Sprintf("the granted scope lacks %s", strings.Join(missing, " ")))
		} else {
			ws = append(ws, "the provider did not tell which scope it granted")
		}
	}
	ws = append(ws, a.claims.warnings(s.audienceAsked(), a, time.Now())...)
	ws = append(ws, s.apart(a.ahead))
	if m != nil {
		ws = append(ws, m.differs(s.o, algorithm)...)
	}
	return slices.DeleteFunc(ws, func(w string) bool { return w == "" })
}

func (s *Source) audienceAsked() []string {
	return append(slices.Clone(s.o.Audience), s.o.Resource...)
}

// lacking returns what of asked is not in granted.
func lacking(asked, granted []string) []string {
	var out []string
	for _, a := range asked {
		if !slices.Contains(granted, a) {
			out = append(out, a)
		}
	}
	return out
}

// shownScope makes the granted scope fit to be shown.
func shownScope(scope string, secrets []string) string {
	return secret.Line(secret.Scrub(scope, secrets...), quoted)
}

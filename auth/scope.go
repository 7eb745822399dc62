package auth

import (
	"fmt"
	"slices"
	"strings"

	"github.com/watchword/watchword/internal/secret"
)

// warning says what is doubtful about a usable answer to this credential's
// request, "" for nothing.
func (s *Source) warning(a answer) string {
	ws := []string{a.warning}
	if missing := lacking(s.o.Scopes, strings.Fields(a.scope)); len(missing) > 0 {
		if a.scopeTold {
			ws = append(ws, fmt.Sprintf("the granted scope lacks %s", strings.Join(missing, " ")))
		} else {
			ws = append(ws, "the provider did not tell which scope it granted")
		}
	}
	ws = slices.DeleteFunc(ws, func(w string) bool { return w == "" })
	return strings.Join(ws, "; ")
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

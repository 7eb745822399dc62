package config

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/watchword/watchword/internal/secret"
	"github.com/watchword/watchword/probes"
)

// monitorTypes are the types of monitors that there are.
func monitorTypes() []string { return []string{probes.TypeHTTP, probes.TypeGuard} }

// guardInterval is how often a guard runs where nobody says: each of its runs is
// seven requests or more.
const guardInterval = 5 * time.Minute

func (m *monitors) checkType(t string, v view) bool {
	near := nearest(t, slices.Concat(monitorTypes(), laterMonitorTypes()))
	switch {
	case slices.Contains(monitorTypes(), t):
		return true
	case slices.Contains(laterMonitorTypes(), t):
		m.object(v, "type: "+t+" is not supported yet", "type")
	case near != "":
		m.object(v, fmt.Sprintf("type: unknown type %q, did you mean %q?", t, near), "type")
	default:
		m.object(v, fmt.Sprintf("type: unknown type %q; it is %s", t, strings.Join(monitorTypes(), ", ")), "type")
	}
	return false
}

// notFor returns the keys that a type of monitor does not take, with the reason.
// The monitor's own are errors; those of the defaults are for the others.
func notFor(t string) map[string]string {
	if t == probes.TypeGuard {
		return map[string]string{
			"credential":     "a guard comes as a stranger: credentials that must be refused stand in try",
			"body":           "a guard sends no body",
			"max_redirects":  "a guard follows redirects on its own origin only, 5 at most",
			"connection":     "a guard makes a fresh connection for each request",
			"expect.status":  "a guard knows itself which status is shut: 401, 403, 407, and redirects elsewhere",
			"expect.keyword": "a guard does not look for what is behind the gate; a word that stands there goes into expect.absent",
		}
	}
	const forGuard = "this is for monitors of type guard"
	return map[string]string{"try": forGuard, "bypass_urls": forGuard}
}

// settle makes of the keys what the type of the monitor takes.
func (m *monitors) settle(k *monitorKeys, v view) {
	if v.own.node != nil { // defaults are for every type
		keys := notFor(k.Type)
		for _, key := range slices.Sorted(maps.Keys(keys)) {
			if at, given := v.own.place(key); given {
				m.judge(at, key+": "+keys[key])
			}
		}
	}
	if k.Type != probes.TypeGuard {
		k.Guard = probes.GuardOptions{}
		return
	}
	d := probes.DefaultHTTPOptions()
	k.Credential, k.HTTP.Body, k.HTTP.MaxRedirects, k.HTTP.Connection = "", secret.Text{}, d.MaxRedirects, d.Connection
	k.HTTP.Expect.Status, k.HTTP.Expect.Keyword = d.Expect.Status, nil
	if _, own := v.own.place("expect.absent"); !own { // that of the defaults is what a sign-in page holds
		k.HTTP.Expect.Absent = nil
	}
	if !v.has("interval") {
		k.Interval = guardInterval
	}
	maps.DeleteFunc(k.HTTP.Headers, func(name string, _ secret.Text) bool { // those of the defaults are for who is let in
		_, own := v.own.place("headers." + name)
		return probes.GuardsOwnHeader(name) && !own
	})
}

// checkTry refuses what is neither a way of ours nor a credential.
func (m *monitors) checkTry(k *monitorKeys, v view) {
	known := append(probes.GuardWays(), m.creds...)
	for i, name := range k.Guard.Try {
		if slices.Contains(known, name) {
			continue
		}
		msg := fmt.Sprintf("try: %q is neither %s nor a credential", name, strings.Join(probes.GuardWays(), ", "))
		if near := nearest(name, known); near != "" {
			msg += fmt.Sprintf(", did you mean %q?", near)
		}
		m.object(v, msg, "try["+strconv.Itoa(i)+"]")
	}
}

// credentialsOf returns the names of the credentials that a monitor sends.
func credentialsOf(own string, g probes.GuardOptions) []string {
	var names []string
	for _, name := range append([]string{own}, g.Try...) {
		if name != "" && !slices.Contains(probes.GuardWays(), name) && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

package config

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/watchword/watchword/auth"
	"github.com/watchword/watchword/internal/machine"
	"github.com/watchword/watchword/internal/secret"
	"github.com/watchword/watchword/probes"
)

// monitorTypes are the types of monitors that there are.
func monitorTypes() []string { return probes.Types() }

// guardInterval is how often a guard runs where nobody says: each of its runs is
// 12 requests or more, 13 with https (docs/guard.md).
const guardInterval = 5 * time.Minute

func (m *monitors) checkType(t string, v view) bool {
	near := nearest(t, monitorTypes())
	switch {
	case slices.Contains(monitorTypes(), t):
		return true
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
	keys := map[string]string{}
	for _, other := range []struct {
		kind string
		keys []string
	}{{probes.TypeAuthz, []string{"implementation", "resource"}}, {probes.TypeGuard, []string{"try", "bypass_urls"}}, {probes.TypeIssuer, []string{"fresh_token"}}} {
		for _, key := range other.keys {
			if t != other.kind {
				keys[key] = "this is for monitors of type " + other.kind
			}
		}
	}
	switch t {
	case probes.TypeAuthz:
		maps.Copy(keys, notForAuthz())
	case probes.TypeGuard:
		maps.Copy(keys, notForGuard())
	case probes.TypeIssuer:
		for _, key := range []string{"method", "headers", "body", "body_type", "form", "cache_bust", "max_redirects", "max_body", "expect"} {
			keys[key] = "a monitor of type issuer knows itself what to ask for, and what the answers have to be"
		}
		keys["upside_down"] = "what fails at an identity provider is no fault of the kind that is turned round; to see that one is gone, take type: http"
	}
	return keys
}

func notForAuthz() map[string]string {
	const nobodyReads = "a proxy does not read the body of a decision; the page behind the gate is for a monitor of type http"
	const passedOn = "a proxy takes the decision however it comes"
	return map[string]string{
		"body":                "a proxy sends no body with its question",
		"max_redirects":       "a proxy follows no redirect of its gate",
		"expect.keyword":      nobodyReads,
		"expect.absent":       nobodyReads,
		"expect.regex":        nobodyReads,
		"expect.absent_regex": nobodyReads,
		"expect.json":         nobodyReads,
		"expect.http_version": passedOn,
		"expect.tls_version":  passedOn,
		"body_type":           "a proxy sends no body with its question",
		"form":                "a proxy sends no body with its question",
		"cache_bust":          "a proxy asks for what it was asked for, as it is",
	}
}

func notForGuard() map[string]string {
	keys := map[string]string{
		"credential":     "a guard comes as a stranger: credentials that must be refused stand in try",
		"body":           "a guard sends no body",
		"body_type":      "a guard sends no body",
		"form":           "a guard sends no body",
		"cache_bust":     "a guard asks for the URL as it is: what a cache gives to strangers is open too",
		"max_redirects":  "a guard follows redirects on its own origin only, 5 at most",
		"connection":     "a guard makes a fresh connection for each request",
		"expect.status":  "a guard knows itself which status is shut: 401, 403, 407, and redirects elsewhere",
		"expect.keyword": "a guard does not look for what is behind the gate; a word that stands there goes into expect.absent",
		"upside_down":    "a guard is up where it is shut; turned round it would be up where everybody gets in. To see that anybody is let in, take type: http without a credential",
	}
	for _, key := range []string{"regex", "absent_regex", "json", "headers", "absent_headers", "max_duration", "warn", "http_version", "tls_version"} {
		keys["expect."+key] = "a guard looks at nothing but whether it is shut; a word that stands behind the gate goes into expect.absent"
	}
	return keys
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
	d := probes.DefaultHTTPOptions()
	if k.Type != probes.TypeHTTP {
		k.HTTP.Body, k.HTTP.MaxRedirects = secret.Text{}, d.MaxRedirects
		k.HTTP.BodyType, k.HTTP.Form, k.HTTP.CacheBust = "", nil, false
	}
	switch k.Type {
	case probes.TypeAuthz:
		m.settleAuthz(k, v)
	case probes.TypeGuard:
		m.settleGuard(k, v)
	case probes.TypeIssuer:
		k.HTTP.Method, k.HTTP.Headers, k.HTTP.MaxBody, k.HTTP.Expect = d.Method, nil, d.MaxBody, d.Expect
	}
	if k.Type != probes.TypeHTTP && k.Type != probes.TypeAuthz {
		k.HTTP.UpsideDown = false
	}
	m.settleOthers(k)
}

// settleAuthz drops what the defaults expect of pages.
func (m *monitors) settleAuthz(k *monitorKeys, v view) {
	e := k.HTTP.Expect
	k.HTTP.Expect = probes.Expect{Status: e.Status, Headers: e.Headers, AbsentHeaders: e.AbsentHeaders, MaxDuration: e.MaxDuration, Warn: e.Warn}
	if _, own := v.own.place("expect.status"); !own {
		k.HTTP.Expect.Status = probes.DefaultHTTPOptions().Expect.Status
	}
	for at, headers := range map[string]map[string]string{"expect.headers.": e.Headers, "expect.absent_headers.": e.AbsentHeaders} {
		maps.DeleteFunc(headers, func(name, _ string) bool {
			_, own := v.own.place(at + name)
			return !own
		})
	}
	m.sift(k, v, k.Authz.SetsItself)
}

// settleOthers drops what the defaults say for other types.
func (m *monitors) settleOthers(k *monitorKeys) {
	if k.Type != probes.TypeAuthz {
		k.Authz = probes.AuthzOptions{}
	}
	if k.Type != probes.TypeGuard {
		k.Guard = probes.GuardOptions{}
	}
	if k.Type != probes.TypeIssuer {
		k.Issuer = probes.IssuerOptions{}
	}
}

func (m *monitors) settleGuard(k *monitorKeys, v view) {
	d := probes.DefaultHTTPOptions()
	k.Credential, k.HTTP.Connection = "", d.Connection
	k.HTTP.Expect = probes.Expect{Status: d.Expect.Status, Absent: k.HTTP.Expect.Absent}
	if _, own := v.own.place("expect.absent"); !own { // that of the defaults is what a sign-in page holds
		k.HTTP.Expect.Absent = nil
	}
	if !v.has("interval") {
		k.Interval = guardInterval
	}
	m.sift(k, v, probes.GuardsOwnHeader)
}

// sift drops headers of the defaults that a monitor sets itself: they are for
// other types.
func (m *monitors) sift(k *monitorKeys, v view, itself func(name string) bool) {
	maps.DeleteFunc(k.HTTP.Headers, func(name string, _ secret.Text) bool {
		_, own := v.own.place("headers." + name)
		return itself(name) && !own
	})
}

// checkKind checks what is between a monitor of its type and the rest of the
// configuration.
func (m *monitors) checkKind(k *monitorKeys, v view) {
	m.checkTry(k, v)
	if k.Type == probes.TypeAuthz {
		m.checkResource(k, v)
		return
	}
	if k.Type != probes.TypeIssuer {
		return
	}
	c, known := m.config.Credentials[k.Credential]
	switch {
	case k.Credential == "" && k.Issuer.FreshToken:
		m.object(v, "fresh_token: it needs a credential to fetch the token with", "fresh_token")
	case known && c.Type != auth.TypeClientCredentials:
		m.object(v, fmt.Sprintf("credential: %q is of type %s, which fetches no token", k.Credential, c.Type), "credential")
	}
}

// checkResource warns of a resource of which Authelia says that it does not
// understand the question.
func (m *monitors) checkResource(k *monitorKeys, v view) {
	if u, err := url.Parse(k.Authz.Resource); err == nil && u.Scheme == "http" && !machine.IsLoopback(u.Hostname()) {
		m.objectAs(v, true, "resource: it is http; Authelia decides about https alone", "resource")
	}
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

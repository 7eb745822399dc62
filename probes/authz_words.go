package probes

import (
	"fmt"
	"net/http"
	"net/url"

	"github.com/watchword/watchword/internal/check"
)

// The messages and hints of a monitor of type authz: it is the gate alone that
// speaks, about a method and a resource.

func (z *authzReader) about() string { return z.authz.method + " " + z.scene.quote(z.authz.shown) }

func (z *authzReader) endpoint() string { return z.authz.door.shown }

func (z *authzReader) unauthorized(a *answer) *finding {
	hint := z.scene.look()
	switch {
	case location(a) != "":
		hint = "the gate names a page to sign in, so it took the request for one without a token: " + z.scene.unknownToken()
	case asksWithoutError(a.header):
		hint = "the challenge names no error, so no token was seen: does something before the endpoint take Authorization away?"
	}
	return &finding{check.TokenRejected,
		fmt.Sprintf("%s did not take %s for %s: 401%s", z.scene.gate(), z.scene.key(), z.about(), z.scene.says(a)), hint}
}

func (z *authzReader) forbidden(a *answer) *finding {
	return &finding{check.Forbidden,
		fmt.Sprintf("%s refused credential %q for %s: 403%s", z.scene.gate(), z.scene.way.Credential, z.about(), z.scene.says(a)),
		fmt.Sprintf("it is the gate that says so: look at its rules for credential %q, this host, path and method (Authelia: access_control, subject oauth2:client:ID)", z.scene.way.Credential)}
}

// failed is the hint where what stands before the endpoint answered in its place.
func (z *authzReader) failed() string {
	return fmt.Sprintf("the gate itself does not work, or what stands before %s does not reach it: look at its log; no service behind it is the reason", z.endpoint())
}

// status is the hint of a status that is not expected.
func (z *authzReader) status(a *answer, hint string) string {
	switch {
	case succeeds(a.status):
		return z.letIn()
	case a.status == http.StatusUnauthorized, a.status == http.StatusForbidden: // without a credential
		return "the gate turns strangers away: give the monitor a credential, or expect this status"
	case a.status == http.StatusBadRequest:
		return z.badRequest()
	case a.status == http.StatusNotFound:
		return fmt.Sprintf("no decision is made at %s: is it the path of %s, and is that switched on at the gate (Authelia: server.endpoints.authz)?", z.endpoint(), z.authz.o.Implementation)
	case a.status == http.StatusMethodNotAllowed:
		return fmt.Sprintf("%s does not take %s: do url and implementation (%s) belong together?", z.endpoint(), z.authz.door.method, z.authz.o.Implementation)
	case a.status >= 500:
		return fmt.Sprintf("the gate failed while it decided: look at its log (%s)", z.endpoint())
	}
	return hint
}

func (z *authzReader) letIn() string {
	who := "a stranger"
	if z.scene.way != nil {
		who = fmt.Sprintf("credential %q", z.scene.way.Credential)
	}
	return fmt.Sprintf("the gate lets %s in to %s, and the monitor expects otherwise: look at the gate's rules, then at expect.status", who, z.about())
}

// badRequest is what Authelia answers to a question that it cannot read.
func (z *authzReader) badRequest() string {
	why := "Authelia answers so about a resource under none of its cookie domains, and where implementation and url do not belong together"
	if z.authz.resource.Scheme != "https" {
		why = "Authelia answers so about a resource that is not https, as this one"
	}
	if z.authz.o.Implementation == implExtAuthz {
		why += "; it must be reached without a proxy, which would change Host"
	}
	return fmt.Sprintf("the gate does not understand what it was asked (%s): %s", z.authz.o.Implementation, why)
}

func (z *authzReader) moved(a *answer, target *url.URL) *finding {
	to := z.scene.shown(target)
	return &finding{check.Redirected, fmt.Sprintf("the authz endpoint answered %d, a redirect to itself: %s", a.status, to),
		fmt.Sprintf("a proxy follows no redirect there: configure url: %s", to)}
}

func (z *authzReader) sentOn(a *answer) *finding {
	return &finding{check.Status, fmt.Sprintf("the gate sent us elsewhere: %d to %s", a.status, z.scene.target(a)),
		"the gate turns strangers away: give the monitor a credential, or expect this status"}
}

// page is an answer that no proxy would take for a decision, though its status is
// one.
func (z *authzReader) page(a *answer) *finding {
	return &finding{check.Protocol, fmt.Sprintf("answered %d with a page%s, which is no decision", a.status, z.scene.titled(a, quoteRunes)),
		fmt.Sprintf("is url the authz endpoint, with its whole path? %s answers as a site does (Authelia: /api/authz/%s; oauth2-proxy: /oauth2/auth)", z.endpoint(), z.authz.o.Implementation)}
}

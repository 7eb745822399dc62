package lab

import (
	"net/http"
	"slices"
	"time"
)

// The places where something can be broken, in the order of a request's way.
const (
	PlaceProvider    = "provider"
	PlaceGate        = "gate"
	PlaceApplication = "application"
	PlaceFar         = "far"  // public sites beyond our own line
	PlaceLine        = "line" // our own line
)

// control is one switch of the control API.
type control struct {
	name, place, title, help string
	expect                   string // what a monitor says: class/reason
	set                      func(on bool) error
	group                    string // of a group one can be on at a time
	once                     bool   // it does something once, and is off again
	on                       bool
}

// RotatedSecret is what secret-rotated makes of [ClientSecret].
const RotatedSecret = "rotated-" + ClientSecret

// controls are the failures that can be switched on, in the order of a
// request's way.
func (w *World) controls() []control {
	all := slices.Concat(w.providerControls(), w.clientControls(), w.gateControls(), w.applicationControls())
	if w.far != nil {
		all = append(all, w.far.controls()...)
	}
	return all
}

func (w *World) providerControls() []control {
	return inPlace(PlaceProvider, []control{
		{name: "provider-down", title: "Provider down", expect: "idp/token_unreachable", help: "the provider refuses connections, and the gate cannot ask it", set: w.RefuseProvider},
		{name: "provider-slow", title: "Provider slow", expect: "idp/token_timeout", help: "the provider takes 5 s for every answer, and tokens are revoked", set: plain(func(on bool) {
			w.Provider.SetSlow(choose(on, w.delay, 0))
			w.revokeIf(on)
		})},
		{name: "provider-hang", title: "Provider hangs", expect: "idp/token_timeout", help: "the provider never answers, and tokens are revoked", set: plain(func(on bool) {
			w.Provider.SetHang(on)
			w.revokeIf(on)
		})},
		{name: "provider-502", title: "Provider answers 502", expect: "idp/token_server_error", help: "the proxy before the provider answers 502, and tokens are revoked", set: plain(func(on bool) {
			w.revokeIf(on)
			w.Provider.SetStatus(choose(on, http.StatusBadGateway, 0), choose(on, nginxText(http.StatusBadGateway), ""))
		})},
		{name: "token-malformed", title: "Half a token answer", expect: "idp/token_malformed", help: "the token endpoint answers half a JSON object, and tokens are revoked", set: plain(func(on bool) {
			w.Provider.SetQuirks(Quirks{Malformed: on})
			w.revokeIf(on)
		})},
		{name: "rate-limited", title: "Rate limited", expect: "idp/token_rate_limited", help: "the token endpoint answers 429 for 10 min, and tokens are revoked", set: plain(func(on bool) {
			w.Provider.SetRateLimited(choose(on, 10*time.Minute, 0))
			w.revokeIf(on)
		})},
	})
}

func (w *World) clientControls() []control {
	return inPlace(PlaceProvider, []control{
		{name: "secret-rotated", title: "Secret rotated", expect: "credential/client_rejected", help: "the client has another secret, and its tokens are revoked", set: plain(func(on bool) {
			w.Provider.RotateSecret(ClientID, choose(on, RotatedSecret, ClientSecret))
			w.Provider.Revoke(ClientID)
		})},
		{name: "scope-withdrawn", title: "Scope withdrawn", expect: "credential/scope_rejected", help: "the client may not ask for its scope any more, and its tokens are revoked", set: plain(func(on bool) {
			w.Provider.edit(ClientID, func(c *Client) { c.Scopes = choose(on, nil, []string{BearerScope}) })
			w.Provider.Revoke(ClientID)
		})},
		{name: "audience-wrong", title: "Audience wrong", expect: "credential/audience_rejected", help: "the client is registered for another audience, and its tokens are revoked", set: plain(func(on bool) {
			w.Provider.SetAudience(ClientID, choose(on, "https://elsewhere.example.test/", w.GatewayURL()+"/"))
			w.Provider.Revoke(ClientID)
		})},
		{name: "tokens-revoked", title: "Tokens revoked", expect: "gateway/token_rejected", help: "all tokens are revoked, and each new one as soon as it is issued", set: plain(func(on bool) {
			w.Provider.SetForgetful(on)
			w.revokeIf(on)
		})},
		{name: "revoke-once", once: true, title: "Tokens revoked, once", expect: "nothing fails", help: "all tokens are revoked once: a refused token is replaced within the same run, and nobody is paged", set: plain(w.revokeIf)},
	})
}

func (w *World) revokeIf(on bool) {
	if on {
		w.Provider.RevokeAll()
	}
}

func (w *World) gateControls() []control {
	return inPlace(PlaceGate, []control{
		{name: "gateway-down", title: "Gateway down", expect: "network/connect", help: "the gate refuses connections", set: w.RefuseGateway},
		{name: "gateway-open", title: "Gateway lets everyone in", expect: "exposed/anonymous_access", help: "the gate asks nobody for anything", set: plain(w.Access.SetOpenToEveryone)},
		{name: "tokens-refused", title: "Gateway takes no token", expect: "gateway/token_rejected", help: "the gate calls every token invalid", set: plain(w.Access.SetRefuseTokens)},
		{name: "policy-deny", title: "Policy denies", expect: "policy/forbidden", help: "the gate forbids everything", set: plain(w.Access.SetDenyAll)},
		{name: "second-factor", title: "Second factor", expect: "policy/second_factor_required", help: "the gate wants a second factor for everything", set: plain(func(on bool) {
			w.Access.ResetPolicies()
			if on {
				w.Access.SetPolicy("", TwoFactor)
			}
		})},
	})
}

func (w *World) applicationControls() []control {
	return inPlace(PlaceApplication, []control{
		{name: "app-500", title: "Application answers 500", expect: "target/status", help: "every page answers 500", set: plain(func(on bool) {
			w.Application.SetStatus(choose(on, http.StatusInternalServerError, 0), choose(on, errorPage("500 Internal Server Error"), ""))
		})},
		{name: "keyword-gone", group: "page", title: "Keyword gone", expect: "content/keyword_missing", help: "pages have lost the keyword", set: w.pageSwitch(Page{KeywordGone: true})},
		{name: "app-slow", title: "Application slow", expect: "network/timeout", help: "every page takes 5 s", set: plain(func(on bool) { w.Application.SetSlow(choose(on, w.delay, 0)) })},
		{name: "app-down", title: "Application down", expect: "target/gateway_error", help: "nobody answers behind the gate", set: plain(w.Application.SetDown)},
		{name: "app-hang", title: "Application hangs", expect: "network/timeout", help: "no page ever answers", set: plain(w.Application.SetHang)},
		{name: "app-reset", group: "page", title: "Connections break", expect: "network/reset", help: "connections break in the middle of every page", set: w.pageSwitch(Page{Cut: 1000})},
		{name: "login-page", group: "page", title: "Application's own login", expect: "gateway/login_page", help: "the application shows a sign-in form of its own", set: w.pageSwitch(Page{Login: true})},
	})
}

func inPlace(place string, cs []control) []control {
	for i := range cs {
		cs[i].place = place
	}
	return cs
}

func (w *World) pageSwitch(p Page) func(bool) error {
	return func(on bool) error {
		if !on {
			w.Application.ResetPage()
			return nil
		}
		return w.Application.SetPage(p)
	}
}

package lab

import (
	"fmt"
	"net/http"
	"runtime"
	"strconv"
	"time"
)

// control is one switch of the control API.
type control struct {
	name, help string
	set        func(on bool) error
	on         bool
}

// RotatedSecret is what secret-rotated makes of [ClientSecret].
const RotatedSecret = "rotated-" + ClientSecret

// controls are the failures the demo shows, in the order of a request's way.
func (w *World) controls() []control {
	return append(w.providerControls(), w.gateControls()...)
}

func (w *World) providerControls() []control {
	return []control{
		{name: "provider-down", help: "the provider refuses connections, and the gate cannot ask it", set: w.RefuseProvider},
		{name: "provider-502", help: "the proxy before the provider answers 502", set: plain(func(on bool) {
			w.Provider.SetStatus(choose(on, http.StatusBadGateway, 0), choose(on, nginxText(http.StatusBadGateway), ""))
		})},
		{name: "provider-slow", help: "the provider takes 5 s, or delay=, for every answer", set: plain(func(on bool) { w.Provider.SetSlow(choose(on, w.delay, 0)) })},
		{name: "provider-hang", help: "the provider never answers", set: plain(w.Provider.SetHang)},
		{name: "token-malformed", help: "the token endpoint answers half a JSON object", set: plain(func(on bool) { w.Provider.SetQuirks(Quirks{Malformed: on}) })},
		{name: "secret-rotated", help: "the client has another secret, and its tokens are revoked", set: plain(func(on bool) {
			w.Provider.RotateSecret(ClientID, choose(on, RotatedSecret, ClientSecret))
			w.Provider.Revoke(ClientID)
		})},
		{name: "scope-withdrawn", help: "the client may not ask for its scope any more, and its tokens are revoked", set: plain(func(on bool) {
			w.Provider.edit(ClientID, func(c *Client) { c.Scopes = choose(on, nil, []string{BearerScope}) })
			w.Provider.Revoke(ClientID)
		})},
		{name: "audience-wrong", help: "the client is registered for another audience, and its tokens are revoked", set: plain(func(on bool) {
			w.Provider.SetAudience(ClientID, choose(on, "https://elsewhere.example.test/", w.GatewayURL()+"/"))
			w.Provider.Revoke(ClientID)
		})},
		{name: "tokens-revoked", help: "all tokens issued so far are revoked, once for each on", set: plain(func(on bool) {
			if on {
				w.Provider.RevokeAll()
			}
		})},
		{name: "rate-limited", help: "the token endpoint answers 429 for 10 min, and tokens are revoked", set: plain(func(on bool) {
			w.Provider.SetRateLimited(choose(on, 10*time.Minute, 0))
			if on {
				w.Provider.RevokeAll()
			}
		})},
	}
}

func (w *World) gateControls() []control {
	return []control{
		{name: "gateway-down", help: "the gate refuses connections", set: w.RefuseGateway},
		{name: "gateway-open", help: "the gate lets everybody in", set: plain(w.Access.SetOpenToEveryone)},
		{name: "tokens-refused", help: "the gate calls every token invalid", set: plain(w.Access.SetRefuseTokens)},
		{name: "policy-deny", help: "the gate forbids everything", set: plain(w.Access.SetDenyAll)},
		{name: "second-factor", help: "the gate wants a second factor for everything", set: plain(func(on bool) {
			w.Access.ResetPolicies()
			if on {
				w.Access.SetPolicy("", TwoFactor)
			}
		})},
		{name: "app-down", help: "nobody answers behind the gate", set: plain(w.Application.SetDown)},
		{name: "app-500", help: "every page answers 500", set: plain(func(on bool) {
			w.Application.SetStatus(choose(on, http.StatusInternalServerError, 0), choose(on, errorPage("500 Internal Server Error"), ""))
		})},
		{name: "app-slow", help: "every page takes 5 s, or delay=", set: plain(func(on bool) { w.Application.SetSlow(choose(on, w.delay, 0)) })},
		{name: "app-hang", help: "no page ever answers", set: plain(w.Application.SetHang)},
		{name: "app-reset", help: "connections break in the middle of every page", set: w.pageSwitch(Page{Cut: 1000})},
		{name: "keyword-gone", help: "pages have lost the keyword", set: w.pageSwitch(Page{KeywordGone: true})},
		{name: "login-page", help: "the application shows a sign-in form of its own", set: w.pageSwitch(Page{Login: true})},
	}
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

func plain(set func(bool)) func(bool) error {
	return func(on bool) error {
		set(on)
		return nil
	}
}

func choose[T any](on bool, yes, no T) T {
	if on {
		return yes
	}
	return no
}

// Switch breaks or mends one thing by the name the control API knows it by.
func (w *World) Switch(name string, on bool) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range w.switches {
		if c := &w.switches[i]; c.name == name {
			c.on = on
			return c.set(on)
		}
	}
	return fmt.Errorf("switch %q: there is no such switch", name)
}

// SetDelay changes what the slow switches wait when switched on next; it is 5 s
// at first.
func (w *World) SetDelay(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.delay = d
}

// Reset mends everything, whether broken by name or by hand; the Access goes
// back to the rules it was made with. Counters, tokens and further clients
// stay.
func (w *World) Reset() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.delay = defaultDelay
	for i := range w.switches {
		c := &w.switches[i]
		if !c.on {
			continue
		}
		c.on = false
		if err := c.set(false); err != nil {
			return fmt.Errorf("mend %q: %w", c.name, err)
		}
	}
	w.Application.MendAll()
	w.Gateway.Mend()
	w.Access.mend()
	w.Provider.mend()
	w.register()
	return nil
}

const defaultDelay = 5 * time.Second

func (w *World) controlHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /control/{$}", w.serveControl)
	mux.HandleFunc("POST /control/reset", func(rw http.ResponseWriter, _ *http.Request) { w.answer(rw, w.Reset()) })
	mux.HandleFunc("POST /control/reset-counters", func(rw http.ResponseWriter, _ *http.Request) {
		w.Provider.ResetCounts()
		w.Application.ResetVisits()
		w.answer(rw, nil)
	})
	mux.HandleFunc("POST /control/failing", func(rw http.ResponseWriter, r *http.Request) {
		on, err := isOn(r)
		if err == nil {
			w.Application.SetFailing(r.FormValue("path"), on)
		}
		w.answer(rw, err)
	})
	mux.HandleFunc("GET /control/visits", func(rw http.ResponseWriter, r *http.Request) {
		writeJSON(rw, http.StatusOK, w.Application.Visits(r.FormValue("prefix")))
	})
	mux.HandleFunc("POST /control/{switch}", w.serveSwitch)
	if w.Chat != nil {
		mux.Handle("/", w.Chat)
	}
	return http.NewCrossOriginProtection().Handler(mux)
}

func (w *World) serveSwitch(rw http.ResponseWriter, r *http.Request) {
	on, err := isOn(r)
	if text := r.FormValue("delay"); err == nil && text != "" {
		var d time.Duration
		if d, err = time.ParseDuration(text); err == nil {
			w.SetDelay(d)
		}
	}
	if err == nil {
		err = w.Switch(r.PathValue("switch"), on)
	}
	w.answer(rw, err)
}

func isOn(r *http.Request) (bool, error) {
	on, err := strconv.ParseBool(cmpOr(r.FormValue("on"), "true"))
	if err != nil {
		return false, fmt.Errorf("read on=%q: want true or false", r.FormValue("on"))
	}
	return on, nil
}

func (w *World) answer(rw http.ResponseWriter, err error) {
	if err != nil {
		writeJSON(rw, http.StatusBadRequest, map[string]string{"error": err.Error()})
		return
	}
	writeJSON(rw, http.StatusOK, w.state())
}

func (w *World) serveControl(rw http.ResponseWriter, _ *http.Request) {
	writeJSON(rw, http.StatusOK, w.state())
}

// SwitchState is one switch as GET /control/ tells it.
type SwitchState struct {
	Name string `json:"name"`
	On   bool   `json:"on"`
	Help string `json:"help"`
}

// State is what GET /control/ answers.
type State struct {
	URLs     map[string]string `json:"urls"`
	Switches []SwitchState     `json:"switches"`
	Counters struct {
		TokenRequests int                       `json:"token_requests"`
		Tokens        map[string]map[string]int `json:"tokens"` // client → result → count
		Gateway       map[string]int            `json:"gateway"`
		Runs          int                       `json:"runs"` // requests at the application
	} `json:"counters"`
	Goroutines int `json:"goroutines"`
}

func (w *World) state() State {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := State{URLs: map[string]string{
		"provider": w.ProviderURL(), "token": w.TokenURL(), "gateway": w.GatewayURL(),
		"application": w.ApplicationURL(), "control": w.ControlURL(),
	}, Goroutines: runtime.NumGoroutine()}
	for _, c := range w.switches {
		s.Switches = append(s.Switches, SwitchState{c.name, c.on, c.help})
	}
	s.Counters.TokenRequests, s.Counters.Tokens = w.Provider.TokenRequests(), w.Provider.TokenCounts()
	s.Counters.Gateway, s.Counters.Runs = w.Access.Counts(), w.Application.Runs("")
	return s
}

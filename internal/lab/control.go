package lab

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"runtime"
	"strconv"
	"time"
)

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

// Switches returns all switches, in the order of a request's way.
func (w *World) Switches() []SwitchState { return w.state().Switches }

// SwitchOf returns a switch by its name; one without a name if there is none.
func (w *World) SwitchOf(name string) SwitchState {
	for _, s := range w.state().Switches {
		if s.Name == name {
			return s
		}
	}
	return SwitchState{}
}

// Switch breaks or mends one thing by the name the control API knows it by.
func (w *World) Switch(name string, on bool) error {
	title, told, err := w.flip(name, on)
	if err == nil && told != nil {
		told(name, title, on)
	}
	return err
}

func (w *World) flip(name string, on bool) (title string, told func(name, title string, on bool), err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range w.switches {
		if c := &w.switches[i]; c.name == name {
			if err := c.set(on); err != nil {
				return "", nil, err
			}
			w.leaveGroup(c, on)
			c.on = on && !c.once
			return c.title, w.onSwitch, nil
		}
	}
	return "", nil, fmt.Errorf("switch %q: there is no such switch", name)
}

// leaveGroup switches off, on paper, what the control takes the place of.
func (w *World) leaveGroup(c *control, on bool) {
	for i := range w.switches {
		if other := &w.switches[i]; on && c.group != "" && other.group == c.group {
			other.on = false
		}
	}
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
	told := w.onSwitch
	err := w.mend()
	w.mu.Unlock()
	if err == nil && told != nil {
		told("reset", "Everything", false)
	}
	return err
}

func (w *World) mend() error {
	w.delay = defaultDelay
	var errs []error
	for i := range w.switches {
		c := &w.switches[i]
		if !c.on {
			continue
		}
		if err := c.set(false); err != nil {
			errs = append(errs, fmt.Errorf("mend %q: %w", c.name, err))
			continue
		}
		c.on = false
	}
	w.Application.MendAll()
	w.Gateway.Mend()
	w.Access.mend()
	w.Provider.mend()
	w.register()
	return errors.Join(errs...)
}

const defaultDelay = 5 * time.Second

func (w *World) controlHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /control/{$}", w.serveControl)
	mux.HandleFunc("POST /control/reset", func(rw http.ResponseWriter, r *http.Request) { w.answer(rw, r, w.Reset()) })
	mux.HandleFunc("POST /control/reset-counters", func(rw http.ResponseWriter, r *http.Request) {
		w.Provider.ResetCounts()
		w.Application.ResetVisits()
		w.answer(rw, r, nil)
	})
	mux.HandleFunc("POST /control/failing", func(rw http.ResponseWriter, r *http.Request) {
		on, err := isOn(r)
		if err == nil {
			w.Application.SetFailing(r.FormValue("path"), on)
		}
		w.answer(rw, r, err)
	})
	mux.HandleFunc("GET /control/live", w.serveLive)
	mux.HandleFunc("GET /control/assets/{file}", w.serveAsset)
	mux.HandleFunc("GET /{$}", func(rw http.ResponseWriter, r *http.Request) { http.Redirect(rw, r, "/control/", http.StatusFound) })
	mux.HandleFunc("GET /control/visits", func(rw http.ResponseWriter, r *http.Request) {
		writeJSON(rw, http.StatusOK, w.Application.Visits(r.FormValue("prefix")))
	})
	mux.HandleFunc("POST /control/{switch}", w.serveSwitch)
	if w.Chat != nil {
		mux.Handle("/", w.Chat)
	}
	return onLoopback(http.NewCrossOriginProtection().Handler(mux))
}

// onLoopback takes requests for this machine by a name of loopback alone: the
// DNS of a stranger may have a browser ask us under the stranger's name.
func onLoopback(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := (&url.URL{Host: r.Host}).Hostname()
		if ip, err := netip.ParseAddr(host); host != "localhost" && (err != nil || !ip.IsLoopback()) {
			http.Error(w, "this is the small world of this machine: ask localhost or 127.0.0.1", http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (w *World) serveSwitch(rw http.ResponseWriter, r *http.Request) {
	on, err := isOn(r)
	name := r.PathValue("switch")
	if text := r.FormValue("delay"); err == nil && text != "" && w.SwitchOf(name).Name != "" {
		var d time.Duration
		if d, err = time.ParseDuration(text); err == nil && d <= 0 {
			err = fmt.Errorf("read delay=%q: want more than nothing", text)
		}
		if err == nil {
			w.SetDelay(d)
		}
	}
	if err == nil {
		err = w.Switch(name, on)
	}
	w.answer(rw, r, err)
}

func isOn(r *http.Request) (bool, error) {
	on, err := strconv.ParseBool(cmpOr(r.FormValue("on"), "true"))
	if err != nil {
		return false, fmt.Errorf("read on=%q: want true or false", r.FormValue("on"))
	}
	return on, nil
}

func (w *World) answer(rw http.ResponseWriter, r *http.Request, err error) {
	if err != nil {
		writeJSON(rw, http.StatusBadRequest, map[string]string{"error": err.Error()})
		return
	}
	if asksForPage(r) {
		http.Redirect(rw, r, "/control/", http.StatusSeeOther)
		return
	}
	writeJSON(rw, http.StatusOK, w.state())
}

// serveControl answers with the page for people and with JSON for programs.
func (w *World) serveControl(rw http.ResponseWriter, r *http.Request) {
	rw.Header().Set("Vary", "Accept")
	if asksForPage(r) {
		w.servePage(rw)
		return
	}
	writeJSON(rw, http.StatusOK, w.state())
}

// SwitchState is one switch as GET /control/ tells it.
type SwitchState struct {
	Name   string `json:"name"`
	On     bool   `json:"on"`
	Title  string `json:"title"`
	Place  string `json:"place"` // see PlaceProvider and the others
	Help   string `json:"help"`
	Expect string `json:"expect"`         // class/reason that a monitor finds
	Once   bool   `json:"once,omitempty"` // it does something once, and is off again
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
		s.Switches = append(s.Switches, SwitchState{c.name, c.on, c.title, c.place, c.help, c.expect, c.once})
	}
	s.Counters.TokenRequests, s.Counters.Tokens = w.Provider.TokenRequests(), w.Provider.TokenCounts()
	s.Counters.Gateway, s.Counters.Runs = w.Access.Counts(), w.Application.Runs("")
	return s
}

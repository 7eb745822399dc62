package server

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/watchword/watchword/internal/check"
)

// acting notes what is done to it.
type acting struct {
	did     []string
	orders  []MaintenanceOrder
	refuse  error
	windows []Maintenance
}

func (a *acting) note(what ...string) error {
	a.did = append(a.did, strings.Join(what, " "))
	return a.refuse
}

func (a *acting) actions() Actions {
	return Actions{
		Run:         func(id string) error { return a.note("run", id) },
		Pause:       func(_ context.Context, id string) error { return a.note("pause", id) },
		Resume:      func(_ context.Context, id string) error { return a.note("resume", id) },
		PauseGroup:  func(_ context.Context, g string) (Group, error) { return Group{Group: g}, a.note("pause group", g) },
		ResumeGroup: func(_ context.Context, g string) (Group, error) { return Group{Group: g}, a.note("resume group", g) },
		Maintenance: func() []Maintenance { return slices.Clone(a.windows) },
		Begin: func(_ context.Context, o MaintenanceOrder) (Maintenance, error) {
			a.orders = append(a.orders, o)
			return Maintenance{ID: "m-1"}, a.refuse
		},
		End: func(_ context.Context, id string) error { return a.note("end", id) },
	}
}

func post(t *testing.T, s *Server, path string, form url.Values) reply {
	t.Helper()
	return ask(t, s, http.MethodPost, path, func(r *http.Request) {
		if form != nil {
			body := form.Encode()
			r.Body, r.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	})
}

func TestFormsDoAndLeadBack(t *testing.T) {
	a := &acting{}
	o := sample().options()
	o.Actions = a.actions()
	s := start(t, o)
	for path, want := range map[string]struct{ did, back string }{
		"/monitors/wiki/run":                      {"run wiki", "../../#m-wiki"},
		"/monitors/wiki/pause":                    {"pause wiki", "../../#m-wiki"},
		"/monitors/wiki/resume":                   {"resume wiki", "../../#m-wiki"},
		"/groups/Parent%20%2F%20Ch%C3%A4ld/pause": {"pause group Parent / Chäld", "../../#mon-h"},
		"/groups/Lab/resume":                      {"resume group Lab", "../../#mon-h"},
		"/maintenance/m-1/end":                    {"end m-1", "../../maintenance"},
	} {
		a.did = nil
		r := post(t, s, path, nil)
		if r.status != http.StatusSeeOther || r.header.Get("Location") != want.back || !slices.Equal(a.did, []string{want.did}) {
			t.Errorf("%s: %d to %q, did %q; want %+v", path, r.status, r.header.Get("Location"), a.did, want)
		}
		if r := ask(t, s, http.MethodGet, path, nil); r.status != http.StatusMethodNotAllowed {
			t.Errorf("GET %s: %d", path, r.status)
		}
		if r := ask(t, s, http.MethodPost, path, func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }); r.status != http.StatusForbidden {
			t.Errorf("%s from a foreign page: %d", path, r.status)
		}
	}
	a.refuse = &Refusal{Status: http.StatusNotFound, Detail: "no monitor has this id"}
	if r := post(t, s, "/monitors/nobody/pause", nil); r.status != http.StatusNotFound || !strings.Contains(r.body, "no monitor has this id") {
		t.Errorf("refused: %d %s", r.status, r.body)
	}
}

func TestMaintenanceByForm(t *testing.T) {
	a := &acting{}
	w := sample()
	w.views[0].Monitor.Group, w.views[0].Monitor.Labels = "Parent / Child", []check.Label{{Name: "team", Value: "a=b"}}
	o := w.options()
	o.Actions = a.actions()
	s := start(t, o)
	page := ask(t, s, http.MethodGet, "/maintenance", nil).body
	for _, want := range []string{`value="group:Parent"`, `value="group:Parent / Child"`, `value="label:team=a=b"`, `value="monitor:wiki"`, "Git &lt;script&gt;", "No maintenance is in force or to come."} {
		if !strings.Contains(page, want) {
			t.Errorf("the form lacks %s", want)
		}
	}
	if strings.Contains(page, `http-equiv="refresh"`) {
		t.Error("it reloads itself under what is being typed")
	}
	for who, want := range map[string]MaintenanceOrder{
		"all:": {All: true}, "group:Parent / Child": {Groups: []string{"Parent / Child"}}, "monitor:wiki": {Monitors: []string{"wiki"}},
		"label:team=a=b": {Labels: map[string]string{"team": "a=b"}},
	} {
		a.orders = nil
		r := post(t, s, "/maintenance", url.Values{"who": {who}, "for": {" 2h "}, "reason": {"Patches"}})
		want.For, want.Reason = "2h", "Patches"
		if r.status != http.StatusSeeOther || r.header.Get("Location") != "maintenance" || len(a.orders) != 1 {
			t.Fatalf("%s: %d to %q, ordered %+v", who, r.status, r.header.Get("Location"), a.orders)
		}
		if got := a.orders[0]; got.All != want.All || !slices.Equal(got.Groups, want.Groups) || !slices.Equal(got.Monitors, want.Monitors) ||
			got.Labels["team"] != want.Labels["team"] || got.For != want.For || got.Reason != want.Reason {
			t.Errorf("%s: ordered %+v, want %+v", who, got, want)
		}
	}
	a.refuse = &Refusal{Status: http.StatusUnprocessableEntity, Errors: []string{"for: <b>no</b> duration"}}
	r := post(t, s, "/maintenance", url.Values{"who": {"monitor:wiki"}, "for": {"soon"}, "reason": {`"quoted"`}})
	for _, want := range []string{"for: &lt;b&gt;no&lt;/b&gt; duration", `value="soon"`, `value="&#34;quoted&#34;"`, `value="monitor:wiki" selected`} {
		if r.status != http.StatusUnprocessableEntity || !strings.Contains(r.body, want) {
			t.Errorf("what was typed is lost: %d, no %s", r.status, want)
		}
	}
}

func TestWhoSeesWhatCanBeDone(t *testing.T) {
	a := &acting{}
	for name, c := range map[string]struct {
		listen string
		rules  *Rules
		login  func(*http.Request)
		acts   bool
	}{
		"on loopback": {"127.0.0.1:0", nil, nil, true}, "off loopback": {"0.0.0.0:0", nil, nil, false},
		"admin":  {"0.0.0.0:0", rulesOf(t, basic()), as("alice", adminPassword), true},
		"viewer": {"0.0.0.0:0", rulesOf(t, basic()), as("reader", readerPassword), false},
	} {
		o := sample().options()
		o.Actions, o.Listen, o.Rules = a.actions(), c.listen, c.rules
		s := start(t, o)
		for _, path := range []string{"/", "/maintenance"} {
			r := ask(t, s, http.MethodGet, path, c.login)
			if got := strings.Contains(r.body, "<form"); r.status != http.StatusOK || got != c.acts {
				t.Errorf("%s, %s: %d, forms %t, want %t", name, path, r.status, got, c.acts)
			}
		}
	}
}

func TestWindowsOnThePage(t *testing.T) {
	when := func(hours int) *time.Time { return new(at("08:41:20").Add(time.Duration(hours) * time.Hour)) }
	a := &acting{windows: []Maintenance{
		{ID: "night", Name: "Patch night", Description: "Updates", Source: FromConfiguration, From: when(30), To: when(32), Next: when(30), Monitors: []string{"wiki"}, Groups: []string{"Core"}},
		{ID: "past", Name: "Of the past", Source: FromConfiguration},
		{ID: "m-1", Name: "Move", Reason: "Move", Source: FromAPI, Active: true, From: when(-1), To: when(1), Next: when(1), Monitors: []string{"wiki", "git"}, Labels: map[string]string{"team": "web", "a": "b"}},
	}}
	w := sample()
	w.views = append(w.views, failing(view("Held <b>", "held", "Lab", check.Maintenance), &check.FaultText{Class: check.Target, Reason: check.Status, Message: "answered 500"}, "08:00:00"))
	o := w.options()
	o.Actions = a.actions()
	page := ask(t, start(t, o), http.MethodGet, "/", nil).body
	got := words(t, page)
	for _, want := range []string{
		"In force Move 2 monitors (label a=b and team=web), since 08:41:20 until 10:41:20, by hand End now",
		"To come Patch night Updates 1 monitor (group Core), from 25 Nov 15:41:20 until 25 Nov 17:41:20",
		"Maintenance Held <b> https://held.example.com/ 61 ms 99.14 09:41:02 Run now Pause at the application target/status answered 500",
		"Paused Old wiki https://old-wiki.example.com/ 61 ms 100 61 d 09:41:02 Resume", "Pause group Resume group",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("missing: %s\nin: %s", want, got)
		}
	}
	if strings.Contains(got, "Of the past") || strings.Contains(page, `action="maintenance/night/end"`) {
		t.Error("there is a window that is over, or one to end that is not in force")
	}
}

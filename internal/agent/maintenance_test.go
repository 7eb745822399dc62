package agent_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/watchword/watchword/internal/lab"
	"github.com/watchword/watchword/internal/server"
)

// post sends JSON to the agent, and returns what it answered.
func (w *watch) post(path, body string) (int, string) {
	w.t.Helper()
	resp, err := w.client.Post(w.url+path, "application/json", strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

// order begins a maintenance.
func (w *watch) order(body string) server.Maintenance {
	w.t.Helper()
	code, text := w.post("/api/v1/maintenance", body)
	var m server.Maintenance
	if err := json.Unmarshal([]byte(text), &m); err != nil || code != http.StatusCreated {
		w.t.Fatalf("POST maintenance: %d %s (%v)", code, text, err)
	}
	return m
}

func (w *watch) maintenance() []server.Maintenance {
	w.t.Helper()
	var list struct{ Maintenance []server.Maintenance }
	w.get("/api/v1/maintenance", &list)
	return list.Maintenance
}

func (w *watch) status(id string) string { return string(w.monitors()[id].Status) }

func (w *watch) do(method, path string, want int) string {
	w.t.Helper()
	code, body := w.ask(method, path)
	if code != want {
		w.t.Fatalf("%s %s: %d %s, want %d", method, path, code, body, want)
	}
	return body
}

// A maintenance that is ordered holds what it is about, answers what was told
// before, survives a restart, and what fails when it ends is told then.
func TestMaintenanceThatIsOrdered(t *testing.T) {
	t.Parallel()
	w := newWorld(t, lab.Config{}, lab.ChatOptions{})
	dir := t.TempDir()
	file := filepath.Join(dir, "watch.yaml")
	save(t, file, w.pages(dir, "", "told", "late", "free"))
	a := start(t, file)
	until(t, 10*time.Second, "all up", func() bool { return a.all("up") })
	w.Application.SetFailing("/m/told", true)
	until(t, 10*time.Second, "one is told", func() bool { return w.said("[Down] told") == 1 })

	m := a.order(`{"monitors": ["told", "late"], "for": "2h", "reason": "moving house"}`)
	if !m.Active || m.Source != "api" || m.Reason != "moving house" || !slices.Equal(m.Monitors, []string{"told", "late"}) || m.To.Sub(*m.From) != 2*time.Hour || !m.Next.Equal(*m.To) {
		t.Errorf("the answer is %+v", m)
	}
	if s := a.states(); s["maintenance"] != 2 || s["up"] != 1 {
		t.Errorf("states %v at once, want two in maintenance", s)
	}
	if v, _ := a.metric(`watchword_monitor_status{monitor="told"}`); v != 3 {
		t.Errorf("watchword_monitor_status is %v, want 3", v)
	}
	w.Application.SetFailing("/m/late", true)
	until(t, 10*time.Second, "its fault is recorded", func() bool { f := a.monitors()["late"].Fault; return f != nil && f.Reason == "status" })
	w.Application.SetFailing("/m/told", false)
	until(t, 10*time.Second, "the recovery is told", func() bool { return w.said("[Up] told") == 1 })
	if err := a.stop(); err != nil {
		t.Fatal(err)
	}

	a = start(t, file)
	if list := a.maintenance(); len(list) != 1 || list[0].ID != m.ID || !list[0].Active || a.states()["maintenance"] != 2 {
		t.Errorf("after the restart: %+v, states %v", list, a.states())
	}
	during(t, 3*time.Second, "nothing more is told", func() bool { return len(w.texts()) == 2 })
	a.do(http.MethodDelete, "/api/v1/maintenance/"+m.ID, http.StatusNoContent)
	until(t, 10*time.Second, "what fails is told", func() bool { return w.said("[Down] late") == 1 })
	if list := a.maintenance(); len(list) != 0 || a.status("told") != "up" || a.status("late") != "down" {
		t.Errorf("in the end: %+v, states %v", list, a.states())
	}
	a.do(http.MethodDelete, "/api/v1/maintenance/"+m.ID, http.StatusNotFound)
	if n := len(w.texts()); n != 3 {
		t.Errorf("%d messages, want Down, Up, Down: %s", n, w.texts())
	}
}

// A window of the configuration comes with a reload, ends by itself, and can be
// ended by hand.
func TestMaintenanceOfTheConfiguration(t *testing.T) {
	t.Parallel()
	w := newWorld(t, lab.Config{}, lab.ChatOptions{})
	dir := t.TempDir()
	file := filepath.Join(dir, "watch.yaml")
	save(t, file, w.pages(dir, "", "one"))
	a := start(t, file)
	until(t, 10*time.Second, "up", func() bool { return a.all("up") })
	end := time.Now().Add(5 * time.Second)
	window := func(name string, end time.Time) string {
		return fmt.Sprintf("maintenance:\n  - {name: %s, from: %q, to: %q, all: true}\n", name, time.Now().Add(-time.Hour).UTC().Format(time.RFC3339), end.UTC().Format(time.RFC3339Nano))
	}
	a.reload(file, w.pages(dir, window("Short one", end), "one"), "")
	w.Application.SetFailing("/m/one", true)
	if list := a.maintenance(); a.status("one") != "maintenance" || len(list) != 1 || list[0].ID != "short-one" || list[0].Source != "configuration" || !list[0].All || !list[0].Active {
		t.Errorf("state %s, windows %+v", a.status("one"), list)
	}
	until(t, 20*time.Second, "it is told when the window is over", func() bool { return w.said("[Down] one") == 1 })
	if time.Now().Before(end) {
		t.Error("it was told inside")
	}
	if list := a.maintenance(); len(list) != 1 || list[0].Active || list[0].Next != nil {
		t.Errorf("a window of the past: %+v", list)
	}
	a.do(http.MethodDelete, "/api/v1/maintenance/short-one", http.StatusConflict)

	a.reload(file, w.pages(dir, window("Long one", end.Add(time.Hour)), "one"), "")
	if a.status("one") != "maintenance" {
		t.Error("the second window holds nobody")
	}
	a.do(http.MethodDelete, "/api/v1/maintenance/long-one", http.StatusNoContent)
	if a.status("one") != "down" {
		t.Errorf("ended by hand, and it is %s", a.status("one"))
	}
	if err := a.stop(); err != nil {
		t.Fatal(err)
	}
	a = start(t, file)
	if a.status("one") != "down" || a.maintenance()[0].Active {
		t.Errorf("after a restart it is %s, and %+v", a.status("one"), a.maintenance())
	}
	during(t, 3*time.Second, "it is not told again", func() bool { return len(w.texts()) == 1 })
}

func TestPauseAndResume(t *testing.T) {
	t.Parallel()
	w := newWorld(t, lab.Config{}, lab.ChatOptions{})
	dir := t.TempDir()
	file := filepath.Join(dir, "watch.yaml")
	save(t, file, w.pages(dir, "", "one", "two"))
	a := start(t, file)
	until(t, 10*time.Second, "up", func() bool { return a.all("up") })
	w.Application.SetFailing("/m/one", true)
	until(t, 10*time.Second, "it is told", func() bool { return w.said("[Down] one") == 1 })

	if body := a.do(http.MethodPost, "/api/v1/monitors/one/pause", http.StatusOK); !strings.Contains(body, `"status":"paused"`) {
		t.Errorf("the answer is %s", body)
	}
	until(t, 10*time.Second, "the note", func() bool { return w.said("[Closed] one: paused, no longer checked") == 1 })
	if _, text := a.ask(http.MethodGet, "/metrics"); strings.Contains(text, `monitor="one"`) || !strings.Contains(text, `monitor="two"`) {
		t.Error("the series of the paused monitor have not vanished, or others have")
	}
	a.do(http.MethodPost, "/api/v1/monitors/one/run", http.StatusConflict)
	if err := a.stop(); err != nil {
		t.Fatal(err)
	}
	a = start(t, file)
	until(t, 10*time.Second, "the other is run", func() bool { m := a.monitors()["two"]; return m.LastRun != nil })
	w.Application.ResetVisits()
	during(t, 3*time.Second, "the paused one is not run", func() bool {
		return w.Application.At("/m/one").Visits() == (lab.Visits{}) && a.status("one") == "paused"
	})

	a.do(http.MethodPost, "/api/v1/monitors/one/resume", http.StatusOK)
	until(t, 10*time.Second, "the Down is told anew", func() bool { return w.said("[Down] one") == 2 })
	a.do(http.MethodPost, "/api/v1/monitors/one/run", http.StatusAccepted)
	w.Application.SetFailing("/m/one", false)
	until(t, 10*time.Second, "the Up", func() bool { return w.said("[Up] one") == 1 })
	for _, path := range []string{"pause", "resume", "run"} {
		a.do(http.MethodPost, "/api/v1/monitors/nobody/"+path, http.StatusNotFound)
	}
}

// A group is paused with who comes to it later; one of it can be resumed alone,
// and who was paused by itself stays so when the group is resumed.
func TestPauseOfAGroup(t *testing.T) {
	t.Parallel()
	w := newWorld(t, lab.Config{}, lab.ChatOptions{})
	dir := t.TempDir()
	file := filepath.Join(dir, "watch.yaml")
	conf := func(more string) string {
		return head(dir) + "credentials:\n" + w.credential("door", lab.ClientID, "") + fmt.Sprintf("defaults: {interval: 1s, notify: [], credential: door}\nmonitors:\n"+
			"  - {name: a, group: Core, url: %[1]s/m/x}\n  - {name: b, group: Core / Inner, url: %[1]s/m/x}\n  - {name: c, url: %[1]s/m/x}\n  - {name: d, group: Core, url: %[1]s/m/x}\n", w.GatewayURL()) + more
	}
	save(t, file, conf(""))
	a := start(t, file)
	until(t, 10*time.Second, "up", func() bool { return a.all("up") })
	group := func(name, do string) server.Group {
		t.Helper()
		var g server.Group
		if err := json.Unmarshal([]byte(a.do(http.MethodPost, "/api/v1/groups/"+url.PathEscape(name)+"/"+do, http.StatusOK)), &g); err != nil {
			t.Fatal(err)
		}
		return g
	}
	a.do(http.MethodPost, "/api/v1/monitors/d/pause", http.StatusOK)
	if g := group("Core", "pause"); !slices.Equal(g.Monitors, []string{"a", "b", "d"}) || !slices.Equal(g.Paused, g.Monitors) {
		t.Errorf("paused %+v", g)
	}
	a.do(http.MethodPost, "/api/v1/monitors/a/resume", http.StatusOK)
	a.reload(file, conf(fmt.Sprintf("  - {name: late, group: Core, url: %s/m/x}\n", w.GatewayURL())), "")
	until(t, 10*time.Second, "states", func() bool {
		return a.status("a") == "up" && a.status("b") == "paused" && a.status("c") == "up" && a.status("late") == "paused"
	})
	if err := a.stop(); err != nil {
		t.Fatal(err)
	}
	a = start(t, file)
	if g := group("Core / Inner", "resume"); len(g.Paused) != 0 {
		t.Errorf("the inner group was resumed, and still paused are %v", g.Paused)
	}
	until(t, 10*time.Second, "the inner one runs", func() bool { return a.status("b") == "up" && a.status("late") == "paused" })
	if g := group("Core", "resume"); !slices.Equal(g.Paused, []string{"d"}) {
		t.Errorf("resumed, and still paused are %v; want d, which was paused by itself", g.Paused)
	}
	until(t, 10*time.Second, "all but one run", func() bool { s := a.states(); return s["up"] == 4 && s["paused"] == 1 })
	a.do(http.MethodPost, "/api/v1/groups/Nowhere/pause", http.StatusNotFound)

	// What is taken out of the configuration and comes back is watched.
	a.reload(file, strings.Replace(conf(""), "{name: d,", "{name: d, enabled: false,", 1), "")
	a.reload(file, conf(""), "")
	if a.status("d") == "paused" {
		t.Error("it is still paused")
	}
}

func TestOrdersThatAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, lab.Config{}, lab.ChatOptions{})
	dir := t.TempDir()
	file := filepath.Join(dir, "watch.yaml")
	save(t, file, w.pages(dir, "timezone: Europe/Berlin\n", "wiki"))
	a := start(t, file)
	for body, want := range map[string]struct {
		code int
		says string
	}{
		`{"monitors": ["wikki"], "for": "2h"}`:     {422, `monitors[0]: there is no monitor with the id \"wikki\", did you mean \"wiki\"?`},
		`{"groups": ["Core"], "for": "2h"}`:        {422, `groups[0]: no monitor is in the group \"Core\"`},
		`{"labels": {"team": "web"}, "for": "2h"}`: {422, `labels.team: no monitor has the label \"team\"`},
		`{"for": "2h"}`: {422, "it says nowhere whom it is about"},
		`{"all": true, "monitors": ["wiki"], "for": "2h"}`: {422, "all: every monitor is meant"},
		`{"all": true}`:                                                             {422, "for: how long?"},
		`{"all": true, "for": "2"}`:                                                 {422, `for: \"2\": a duration needs a unit`},
		`{"all": true, "for": "0"}`:                                                 {422, "for: more than 0 is wanted"},
		`{"all": true, "for": "1h", "to": "2030-01-01"}`:                            {422, "for: either for or to"},
		`{"all": true, "for": "9999d"}`:                                             {422, "for: it lasts at most 400d"},
		`{"all": true, "from": "soon", "for": "1h"}`:                                {422, `from: \"soon\" is no time`},
		`{"all": true, "from": "2020-01-01T10:00:00Z", "for": "1h"}`:                {422, "for: it is over already"},
		`{"all": true, "from": "0000-01-01", "for": "1h"}`:                          {422, "for: it is over already"},
		`{"all": true, "from": "9999-12-31", "for": "1h"}`:                          {422, "from: it begins in more than ten years"},
		`{"all": true, "from": "2031-01-02", "to": "2031-01-01T10:00:00Z"}`:         {422, "to: 2031-01-01T10:00:00Z is not after"},
		`{"all": true, "for": "1h", "reason": "` + strings.Repeat("x", 1001) + `"}`: {422, "reason: it has at most"},
		`{"all": true, "for": "1h", "reason": "a\u0007b"}`:                          {422, "reason: "},
		`{"all": true, "for": "1h", "monitor": "wiki"}`:                             {400, `unknown field \"monitor\"`},
		`{"monitors": "wiki", "for": "1h"}`:                                         {400, "monitors: a list is wanted, and this is a string"},
		`["wiki"]`:                                                                  {400, "the body cannot be read: a mapping is wanted, and this is a list"},
		`{"all": "yes", "for": "1h"}`:                                               {400, "all: true or false is wanted, and this is a string"},
		`{"all": true, "for": 7200}`:                                                {400, "for: a string is wanted, and this is a number"},
		`{"all": true, "for": "1h"} {}`:                                             {400, "more follows"},
		``:                                                                          {400, "cannot be read"},
	} {
		code, text := a.post("/api/v1/maintenance", body)
		if code != want.code || !strings.Contains(text, want.says) {
			t.Errorf("%s: %d %s, want %d with %q", body, code, text, want.code, want.says)
		}
	}
	if code, _ := a.ask(http.MethodPost, "/api/v1/maintenance"); code != http.StatusUnsupportedMediaType {
		t.Errorf("without a type: %d", code)
	}
	if code, text := a.ask(http.MethodPost, "/api/v1/monitors/wiki/pause", "Origin", "https://elsewhere.example"); code != http.StatusForbidden {
		t.Errorf("from a foreign page: %d %s", code, text)
	}
	if list := a.maintenance(); len(list) != 0 {
		t.Errorf("ordered all the same: %+v", list)
	}
	// Times without an offset are in the agent's zone.
	m := a.order(`{"all": true, "from": "2031-07-01T10:00", "to": "2031-07-01T12:00", "name": "Move"}`)
	if m.Active || m.From.Format(time.RFC3339) != "2031-07-01T08:00:00Z" || !m.Next.Equal(*m.From) || m.Name != "Move" {
		t.Errorf("ordered: %+v", m)
	}
}

package kuma_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/watchword/watchword/internal/kuma"
)

// rare is a site of the monitors given, with what Kuma's forms fill in.
func rare(monitors ...object) *site {
	s := &site{version: 2}
	for i, m := range monitors {
		all := object{"id": i + 1, "type": "http", "name": fmt.Sprint("Site ", i+1), "url": "https://a.example/", "accepted_statuscodes_json": `["200-299"]`, "interval": 60, "timeout": 48}
		maps.Copy(all, m)
		s.monitors = append(s.monitors, all)
	}
	return s
}

// window adds a maintenance of monitors.
func (s *site) window(m object, monitors ...int) {
	id := len(s.maintenance) + 1
	all := object{"id": id, "title": fmt.Sprint("Window ", id), "description": "", "strategy": "cron", "cron": "0 2 * * *", "duration": 3600, "timezone": "UTC", "active": 1}
	maps.Copy(all, m)
	s.maintenance = append(s.maintenance, all)
	for _, monitor := range monitors {
		s.covered = append(s.covered, object{"id": len(s.covered) + 1, "monitor_id": monitor, "maintenance_id": id})
	}
}

// TestGroupsWithinOneAnother: a maintenance of a monitor that is its own parent,
// and of groups that are each within the other, has whom it is about.
func TestGroupsWithinOneAnother(t *testing.T) {
	s := rare(object{"name": "Own", "parent": 1}, object{"name": "A", "type": "group", "parent": 3}, object{"name": "B", "type": "group", "parent": 2}, object{"name": "In B", "parent": 3})
	s.window(object{}, 1)
	s.window(object{}, 2, 1)
	s.window(object{}, 3)
	got := bring(t, t, s.database(t))
	if n := len(got.cfg.Maintenance); n != 3 {
		t.Fatalf("%d windows came over:\n%s", n, got.yaml)
	}
	if w := got.cfg.Maintenance[0]; !slices.Equal(w.Monitors, []string{"own"}) || len(w.Groups) > 0 {
		t.Errorf("the window of a monitor is about %q and %q", w.Monitors, w.Groups)
	}
}

// TestGroupsOfEqualPaths: a slash in the name of a group is no step to another.
func TestGroupsOfEqualPaths(t *testing.T) {
	s := rare(object{"name": "A", "type": "group"}, object{"name": "B", "type": "group", "parent": 1}, object{"name": "A / B", "type": "group"},
		object{"name": "Inner", "parent": 2}, object{"name": "Outer", "parent": 3})
	s.window(object{}, 2)
	got := bring(t, t, s.database(t))
	for _, m := range got.cfg.Monitors {
		if covered := got.cfg.Maintenance[0].Covers(m.Check()); covered != (m.Name == "Inner") {
			t.Errorf("the window of A / B covers %s: %v", m.Name, covered)
		}
	}
}

// TestVariablesAreOurs: no name in the env file is one that a shell or system has
// a use for, however the monitor is called.
func TestVariablesAreOurs(t *testing.T) {
	s := rare(object{"name": "店", "url": "https://only-a-user@a.example/?path=abcdefghijklmnop1234567890&key=k1"}, object{"name": "🦊", "headers": `{"Authorization":"Bearer abc"}`})
	got := bring(t, t, s.database(t))
	for line := range strings.Lines(string(must(os.ReadFile(got.placed.Env)))) {
		if name, _, ok := strings.Cut(line, "="); ok && !strings.HasPrefix(line, "#") && !strings.HasPrefix(name, "SECRET_") {
			t.Errorf("the variable %s is not ours alone", name)
		}
	}
}

// TestSeenAsTheyAre: an emoji stands in the YAML as itself, what is not seen does
// not.
func TestSeenAsTheyAre(t *testing.T) {
	got := bring(t, t, rare(object{"name": "🦊 fox"}, object{"name": "\ufeffFirst"}).database(t))
	for _, want := range []string{`"🦊 fox"`, "First"} {
		if !strings.Contains(got.yaml, "- name: "+want+"\n") {
			t.Errorf("%s is not in it:\n%s", want, got.yaml)
		}
	}
}

// TestNobodyByDefault: where most monitors tell nobody, whoever adds one later is
// told that it does not either.
func TestNobodyByDefault(t *testing.T) {
	s := rare(object{}, object{}, object{}, object{})
	s.notifications = []object{{"id": 1, "name": "chat", "active": 1, "user_id": 1, "config": `{"type":"slack","slackwebhookURL":"https://hooks.example/x"}`}}
	s.told = []object{{"id": 1, "monitor_id": 1, "notification_id": 1}}
	got := bring(t, t, s.database(t))
	if !strings.Contains(got.yaml, "  notify: []  # LOOK: a monitor that you add tells nobody") || !strings.Contains(got.tell, "a monitor that you add needs a notify") {
		t.Errorf("nobody is told by default, and it is not said:\n%s\n%s", got.yaml, got.tell)
	}
}

// TestOneWarningOfManyLines: what check says of many monitors is one line.
func TestOneWarningOfManyLines(t *testing.T) {
	var monitors []object
	for range 8 {
		monitors = append(monitors, object{"url": "http://a.example/", "auth_method": "basic", "basic_auth_user": "u", "basic_auth_pass": "p"})
	}
	got := bring(t, t, rare(monitors...).database(t))
	if !strings.Contains(got.tell, " and 3 more: ") || strings.Count(got.tell, "in the clear") > 1 {
		t.Errorf("the warning is there several times:\n%s", got.tell)
	}
}

// TestStatusesOfEverything: Kuma takes ranges that begin below 100.
func TestStatusesOfEverything(t *testing.T) {
	for codes, want := range map[string]string{`["0-999"]`: "[100-999]", `["0-99","200"]`: "[200]", `["50-250","500-1200"]`: "[100-250, 500-999]"} {
		if got := bring(t, t, rare(object{"accepted_statuscodes_json": codes}).database(t)); !strings.Contains(got.yaml, "status: "+want+"\n") {
			t.Errorf("%s did not become %s:\n%s", codes, want, got.yaml)
		}
	}
}

// TestSundays: 7 is a Sunday in Kuma's cron, also at the end of a range.
func TestSundays(t *testing.T) {
	for days, want := range map[string]string{"7": "0", "1-7": "0-6", "5-7": "0,5-6", "1,6-7": "1,0,6-6", "0-7": "0-6", "1-5": "1-5"} {
		s := rare(object{})
		s.window(object{"cron": "0 2 * * " + days}, 1)
		if got := bring(t, t, s.database(t)); !strings.Contains(got.yaml, "cron: 0 2 * * "+want+"\n") {
			t.Errorf("%s did not become %s:\n%s", days, want, got.yaml)
		}
	}
}

// TestPlaceKeepsWhatWasRead: neither the database nor one file for two things is
// written, with --force as without.
func TestPlaceKeepsWhatWasRead(t *testing.T) {
	path := rare(object{"url": "https://a.example/?token=t1"}).database(t)
	dir := filepath.Dir(path)
	link := filepath.Join(dir, "link.yaml")
	if err := os.Link(path, link); err != nil {
		t.Fatal(err)
	}
	before := must(os.ReadFile(path))
	for _, target := range []kuma.Target{
		{YAML: path}, {YAML: link}, {YAML: filepath.Join(dir, "w.yaml"), Env: path}, {YAML: filepath.Join(dir, "w.env")}, {YAML: filepath.Join(dir, "w.yaml"), Env: dir + "/./w.yaml"},
	} {
		target.Force = true
		if _, err := must(kuma.FromKuma(t.Context(), path)).Place(t.Context(), target); err == nil || !strings.Contains(err.Error(), "nothing was written") {
			t.Errorf("%+v: %v", target, err)
		}
		if !bytes.Equal(must(os.ReadFile(path)), before) {
			t.Fatalf("%+v replaced the database", target)
		}
	}
	if left := must(os.ReadDir(dir)); len(left) != 2 {
		t.Errorf("there is more than before: %v", left)
	}
}

// TestPlaceIsStopped: Ctrl-C before anything is in place leaves nothing.
func TestPlaceIsStopped(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	d := must(kuma.FromKuma(ctx, rare(object{"url": "https://a.example/?token=t1"}).database(t)))
	stop()
	dir := t.TempDir()
	if _, err := d.Place(ctx, kuma.Target{YAML: filepath.Join(dir, "w.yaml")}); !errors.Is(err, context.Canceled) {
		t.Errorf("it was placed: %v", err)
	}
	if left := must(os.ReadDir(dir)); len(left) > 0 {
		t.Errorf("it left %v", left)
	}
}

// TestPathsInAShell: what is to be typed can be.
func TestPathsInAShell(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "it's mine")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	d := must(kuma.FromKuma(t.Context(), rare(object{"url": "https://a.example/?token=t1"}).database(t)))
	p := must(d.Place(t.Context(), kuma.Target{YAML: filepath.Join(dir, "w.yaml")}))
	if tell, want := d.Summary(p, false), strings.ReplaceAll(dir, "'", `'\''`); !strings.Contains(tell, ". '"+want+"/w.env'; set +a\n") || !strings.Contains(tell, "check -c '"+want+"/w.yaml'\n") {
		t.Errorf("a shell would not take this:\n%s", tell)
	}
}

// TestOrder: numbers in names are ordered as numbers.
func TestOrder(t *testing.T) {
	names := []string{"Web", "Web 1", "web 2", "Web 02 b", "Web 10", "Web 10a", "Web x", "店 2", "店 11"}
	var monitors []object
	for _, name := range slices.Backward(names) {
		monitors = append(monitors, object{"name": name})
	}
	var got []string
	for _, m := range bring(t, t, rare(monitors...).database(t)).cfg.Monitors {
		got = append(got, m.Name)
	}
	if !slices.Equal(got, names) {
		t.Errorf("the order is %q", got)
	}
}

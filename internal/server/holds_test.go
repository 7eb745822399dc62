package server

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/watchword/watchword/internal/board"
	"github.com/watchword/watchword/internal/check"
)

// family is a router and who depends on it.
func family(holds map[string]check.Hold) (*world, Options) {
	refused := &check.FaultText{Class: check.Target, Reason: check.Status, Message: "answered 500", Hint: "see its log"}
	w := &world{views: []board.View{
		failing(view("<b>Router</b>", "router", "", check.Down), refused, "08:29:21"),
		failing(view("Wiki", "wiki", "", check.Down), refused, "08:29:25"),
	}}
	o := w.options()
	o.Held = func() map[string]check.Hold { return holds }
	return w, o
}

func TestTheAPINamesWhoHolds(t *testing.T) {
	_, o := family(map[string]check.Hold{"wiki": {By: []string{"router", "power"}, Failing: true}})
	s := start(t, o)
	var list struct{ Monitors []map[string]any }
	if err := json.Unmarshal([]byte(ask(t, s, "GET", "/api/v1/monitors", nil).body), &list); err != nil {
		t.Fatal(err)
	}
	if _, has := list.Monitors[0]["held_by"]; has {
		t.Errorf("%v: nobody holds it", list.Monitors[0])
	}
	var one Monitor
	if err := json.Unmarshal([]byte(ask(t, s, "GET", "/api/v1/monitors/wiki", nil).body), &one); err != nil {
		t.Fatal(err)
	}
	if want := []string{"router", "power"}; !slices.Equal(one.HeldBy, want) || len(list.Monitors[1]["held_by"].([]any)) != 2 {
		t.Errorf("held by %q and %v, want %q", one.HeldBy, list.Monitors[1]["held_by"], want)
	}
}

func TestThePageSaysWhoHolds(t *testing.T) {
	for want, h := range map[string]check.Hold{
		"Held: it depends on <b>Router</b>, which fails.":                                  {By: []string{"router"}, Failing: true},
		"Held: it depends on <b>Router</b>, and waits for a fresh run.":                    {By: []string{"router"}},
		"Held: it depends on <b>Router</b> and 2 more, which fail.":                        {By: []string{"router", "a", "b"}, Failing: true},
		"Held: it depends on <b>Router</b> and 1 more, and waits for a fresh run.":         {By: []string{"router", "a"}},
		"Held: it depends on removed, and waits for a fresh run. answered 500 see its log": {By: []string{"removed"}},
	} {
		_, o := family(map[string]check.Hold{"wiki": h})
		s, err := New(o)
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		if err := s.template.Execute(&b, s.overview(t.Context())); err != nil {
			t.Fatal(err)
		}
		if got := words(t, b.String()); !strings.Contains(got, want) {
			t.Errorf("the page lacks %q: %s", want, got)
		}
		doc, err := html.Parse(strings.NewReader(b.String()))
		if err != nil {
			t.Fatal(err)
		}
		looks := map[string]string{}
		for n := range doc.Descendants() {
			attr := map[string]string{}
			for _, a := range n.Attr {
				attr[a.Key] = a.Val
			}
			if attr["data-look"] != "" {
				looks[attr["id"]] = attr["data-look"]
			}
		}
		if looks["m-wiki"] != "held" || looks["m-router"] != "down" {
			t.Errorf("looks: %v", looks)
		}
		_ = s.Close()
	}
}

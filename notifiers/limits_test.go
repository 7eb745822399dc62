package notifiers_test

import (
	"strings"
	"testing"

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/lab"
)

func testLimits(t *testing.T, k kind) {
	chat, base := newChat(t)
	c := newChannel(t, k.options(base))
	huge := func(e check.Event, fill string, crowd bool) check.Event {
		e.Members = members(1, strings.Repeat(fill, 300))
		if crowd {
			e.Members = members(500, strings.Repeat(fill, 300))
			e.Failing = members(500, strings.Repeat(fill, 300))
			e.Held = e.Failing
		}
		e.Fault.Message, e.Fault.Hint = strings.Repeat(fill, 900), strings.Repeat(fill, 900)
		e.Cause.Key = strings.Repeat(fill, 500)
		e.Link = "https://watch.example.com/" + strings.Repeat("x", 900)
		return e
	}
	for _, tc := range limitCases() {
		d := several(max(tc.n, 2))
		d.Kind, d.Events = tc.kind, d.Events[:tc.n]
		if k.channel == "webhook" {
			d.Events = d.Events[:1]
		}
		for i := range d.Events {
			if tc.fill != "" {
				d.Events[i] = huge(d.Events[i], tc.fill, i < 2)
			}
		}
		if _, err := c.Deliver(t.Context(), d); err != nil {
			t.Fatalf("%d events of %q: %v, %q", tc.n, tc.fill, err, chat.Problems())
		}
		shown := lab.Render(last(t, chat, k.channel))
		if k.channel == "webhook" || tc.fill != "" || tc.n > 30 {
			continue
		}
		if !strings.Contains(shown, "14 monitors: credential authelia") {
			t.Errorf("of %d causes the title of the first is lost", tc.n)
		}
		for _, e := range d.Events[1:] {
			if !strings.Contains(shown, e.Members[0].Name) {
				t.Errorf("of %d causes the title of %s is lost", tc.n, e.Members[0].Name)
			}
		}
	}
}

type limitCase struct {
	fill string // of names, messages and hints; "" leaves them as they are
	kind check.Kind
	n    int
}

func limitCases() []limitCase {
	var cs []limitCase
	for _, n := range []int{1, 2, 10, 30, 300} {
		cs = append(cs, limitCase{"", check.KindDown, n}, limitCase{"", check.KindUp, n})
	}
	for _, fill := range []string{"n", "&", "<", `"`, `\`, "*", "@a", "😀", "ü", "`", "]("} {
		cs = append(cs, limitCase{fill, check.KindUp, 1}, limitCase{fill, check.KindDown, 30})
	}
	return append(cs, limitCase{"&", check.KindDown, 300})
}

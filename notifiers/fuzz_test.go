package notifiers_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/watchword/watchword/internal/check"
)

// FuzzMessages holds every channel to its service's limits and checks that
// nobody is called, whatever names and messages hold.
func FuzzMessages(f *testing.F) {
	f.Add("<!channel> @everyone *x* <b>&amp; _y_ `z`", "[a](http://b)\n# h", uint8(1))
	f.Add("</code>\u202e😀😀", strings.Repeat(`\"`, 3000), uint8(30))
	f.Add("<@U0> <@&1> <@1>", "&#64;all ]( \x00\xff", uint8(200))
	f.Fuzz(func(t *testing.T, name, text string, n uint8) {
		for _, k := range kinds() {
			chat, base := newChat(t)
			d := several(max(int(n), 2))
			d.Events = d.Events[:max(int(n), 1)]
			if k.channel == "webhook" {
				d.Events = d.Events[:1]
			}
			for i := range d.Events {
				e := &d.Events[i]
				e.Members = append([]check.Member{{ID: "x", Name: name}}, e.Members...)
				e.Cause.Key, e.Fault.Message, e.Fault.Hint, e.Link = name, text, text+name, name
			}
			if _, err := newChannel(t, k.options(base)).Deliver(t.Context(), d); err != nil {
				t.Fatalf("%s: %v %q", k.name, err, chat.Problems())
			}
			m := last(t, chat, k.channel)
			if len(m.Pings) > 0 || !utf8.Valid(m.Body) {
				t.Errorf("%s pings %q: %s", k.name, m.Pings, m.Body)
			}
		}
	})
}

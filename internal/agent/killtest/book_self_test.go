package killtest

import (
	"slices"
	"strings"
	"testing"
)

// TestKillBook proves that the book notices each thing that must not be.
func TestKillBook(t *testing.T) {
	down := func(epoch int, body string, names ...string) heard {
		return heard{"slack", "Down", names, "down " + body, epoch}
	}
	up := func(epoch int, body string, names ...string) heard {
		return heard{"slack", "Up", names, "up " + body, epoch}
	}
	var mend heard // stands for the mending
	roles := map[string]role{"a": steady, "b": calm, "c": flicker, "g1": steady, "g2": steady}
	group := down(0, "g", "g1")
	groupUp := up(0, "g", "g1", "g2")
	whole := func(hs ...heard) []heard { return append(hs, groupUp) }
	for _, tt := range []struct {
		name    string
		sending []map[string]bool // by kill
		told    []heard
		want    string // part of what is found wrong; "" for nothing
		missing string
	}{
		{"as it should be", nil, whole(group, down(0, "", "a"), mend, up(0, "", "a")), "", ""},
		{"together", nil, []heard{down(0, "", "a", "g1", "g2"), mend, up(0, "", "a", "g2", "g1")}, "", ""},
		{"later joiner", nil, whole(group, down(0, "", "a"), down(0, "g2", "g2"), mend, up(0, "", "a")), "", ""},
		{"unnoticed flicker told whole", nil, whole(group, down(0, "", "a"), down(0, "c", "c"), up(0, "c", "c"), mend, up(0, "", "a")), "", ""},
		{"repeat of a message on its way", []map[string]bool{{"slack": true}}, whole(group, down(0, "", "a"), down(1, "", "a"), mend, up(1, "", "a")), "", ""},

		{"lost Down", nil, whole(group, mend), "", ""}, // found by missing before the mending: below
		{"lost Up", nil, whole(group, down(0, "", "a"), mend), "", "slack: Up of a"},
		{"lost Up of the group", nil, []heard{group, down(0, "", "a"), mend, up(0, "", "a")}, "", "slack: Up of g1"},
		{"Up without Down", nil, whole(group, down(0, "", "a"), mend, up(0, "", "a"), up(0, "c", "c")), "Up of c without a Down", ""},
		{"Down of the healthy", nil, whole(group, down(0, "", "a"), down(0, "b", "b"), mend, up(0, "", "a"), up(0, "b", "b")), "Down of b, which is well", ""},
		{"Down told twice in other words", nil, whole(group, down(0, "", "a"), down(0, "2", "a"), mend, up(0, "", "a")), "told before and is not answered", ""},
		{"Up while it fails", nil, []heard{group, down(0, "", "a"), up(0, "", "a")}, "Up of a, which fails", "slack: Down of a"},
		{"out of order", nil, whole(group, up(0, "", "a"), mend, down(0, "", "a")), "Up of a, which fails", "slack: Up of a"},
		{"two outages of one", nil, whole(group, down(0, "", "a"), mend, up(0, "", "a"), down(0, "2", "a"), up(0, "2", "a")), "2 Downs of a", ""},
		{"flickered once, told twice", nil, whole(group, down(0, "", "a"), down(0, "c", "c"), up(0, "c", "c"), down(0, "c2", "c"), up(0, "c2", "c"), mend, up(0, "", "a")), "which failed 1 times", ""},
		{"repeat without a kill", nil, whole(group, down(0, "", "a"), down(0, "", "a"), mend, up(0, "", "a")), "twice from one process", ""},
		{"repeat of what had arrived", []map[string]bool{{"teams": true}}, whole(group, down(0, "", "a"), down(1, "", "a"), mend, up(1, "", "a")), "though the database said that it had arrived", ""},
		{"two repeats after one kill", []map[string]bool{{"slack": true}}, whole(group, down(0, "", "a"), down(1, "", "a"), down(0, "", "a"), mend, up(1, "", "a")), "2 messages came again after kill 0", ""},
		{"a stranger", nil, whole(group, down(0, "", "a"), down(0, "x", "x"), mend, up(0, "", "a")), "no monitor", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBook([]string{"slack"}, []string{"g1", "g2"})
			b.begin(roles, 1)
			for _, s := range tt.sending {
				b.killed(s)
			}
			for _, h := range tt.told {
				if h.channel == "" {
					b.mend()
					continue
				}
				b.take(h)
			}
			missing := b.missing()
			if (tt.missing == "") != (len(missing) == 0) || tt.missing != "" && !slices.Contains(missing, tt.missing) {
				t.Errorf("got missing %q, want %q", missing, tt.missing)
			}
			if tt.missing != "" {
				return
			}
			if tt.name == "lost Down" {
				tt.want = "0 Downs of a"
			}
			b.end()
			wrong := b.verdict()
			if (tt.want == "") != (len(wrong) == 0) || tt.want != "" && !strings.Contains(strings.Join(wrong, "\n"), tt.want) {
				t.Errorf("got wrong %q, want %q", wrong, tt.want)
			}
		})
	}
}

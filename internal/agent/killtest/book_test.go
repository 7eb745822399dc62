package killtest

import (
	"fmt"
	"maps"
	"slices"
	"sync"
)

// role is what happens to a monitor in one round.
type role int

const (
	calm    role = iota // nothing: no channel may hear of it
	steady              // fails until all channels were told, then recovers
	flicker             // fails for a random time, whether anybody notices or not
)

// heard is one message that a chat service took.
type heard struct {
	channel string
	kind    string   // Down or Up
	names   []string // of monitors
	body    string   // all of it
	epoch   int      // number of the process that sent it
}

// book holds what each channel was told against what happened.
type book struct {
	mu       sync.Mutex
	channels []string
	group    map[string]bool // monitors that share a cause: one incident
	news     chan struct{}   // room for one
	roles    map[string]role
	mended   bool
	flips    int // how often a flickering monitor may have failed in this round
	tellers  map[string]*teller
	sending  []map[string]bool // by kill: channels of which the dead agent's database says that a message was on its way
	wrong    []string

	messages, repeats int
}

// teller is one channel's version of the story.
type teller struct {
	last    *heard
	down    map[string]bool
	outages map[string]int // Downs in this round; the group counts as its members and once as ""
	again   map[int]int    // repeats by the kill that they are due to
}

func newBook(channels, group []string) *book {
	b := &book{channels: channels, group: map[string]bool{}, news: make(chan struct{}, 1), tellers: map[string]*teller{}}
	for _, name := range group {
		b.group[name] = true
	}
	for _, c := range channels {
		b.tellers[c] = &teller{down: map[string]bool{}, outages: map[string]int{}, again: map[int]int{}}
	}
	return b
}

func (b *book) fail(format string, args ...any) {
	b.wrong = append(b.wrong, fmt.Sprintf(format, args...))
}

// killed notes that a process ended, and where it had a message on its way.
func (b *book) killed(sending map[string]bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sending = append(b.sending, sending)
}

// begin opens a round.
func (b *book) begin(roles map[string]role, flips int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.roles, b.mended, b.flips = roles, false, flips
	for _, t := range b.tellers {
		clear(t.outages)
	}
}

func (b *book) mend() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.mended = true
}

// take judges one message.
func (b *book) take(h heard) {
	b.mu.Lock()
	defer b.mu.Unlock()
	defer b.tell()
	t := b.tellers[h.channel]
	if t == nil {
		b.fail("a message on a channel %q that nobody configured", h.channel)
		return
	}
	b.messages++
	if t.last != nil && t.last.body == h.body {
		b.repeated(t, h)
		t.last = &h
		return
	}
	t.last = &h
	if len(h.names) == 0 {
		b.fail("%s: a message about nobody: %.200q", h.channel, h.body)
	}
	for _, name := range h.names {
		b.about(t, h, name)
	}
}

func (b *book) tell() {
	select {
	case b.news <- struct{}{}:
	default:
	}
}

// repeated judges a message that is the same as the one before it: there must
// be a kill between them, the killed agent must not have known that the message
// had arrived, and a kill repeats one message of a channel at most.
func (b *book) repeated(t *teller, h heard) {
	b.repeats++
	from, to := min(t.last.epoch, h.epoch), max(t.last.epoch, h.epoch)
	if from == to {
		b.fail("%s: %s %v came twice from one process (%d)", h.channel, h.kind, h.names, h.epoch)
		return
	}
	for kill := from; kill < to; kill++ {
		if kill >= len(b.sending) || !b.sending[kill][h.channel] {
			b.fail("%s: %s %v came again after kill %d, though the database said that it had arrived", h.channel, h.kind, h.names, kill)
		}
	}
	if t.again[from]++; t.again[from] > 1 {
		b.fail("%s: %d messages came again after kill %d", h.channel, t.again[from], from)
	}
}

func (b *book) about(t *teller, h heard, name string) {
	r, known := b.roles[name]
	switch {
	case !known:
		b.fail("%s: %s of %q, which is no monitor", h.channel, h.kind, name)
	case h.kind == "Down":
		b.down(t, h, name, r)
	case h.kind == "Up":
		b.up(t, h, name, r)
	default:
		b.fail("%s: a message of kind %q", h.channel, h.kind)
	}
}

func (b *book) down(t *teller, h heard, name string, r role) {
	switch {
	case r == calm:
		b.fail("%s: Down of %s, which is well", h.channel, name)
	case t.down[name]:
		b.fail("%s: Down of %s, which was told before and is not answered", h.channel, name)
	}
	t.down[name] = true
	t.outages[name]++
}

func (b *book) up(t *teller, h heard, name string, r role) {
	silent := b.group[name] && b.groupDown(t) // a member may join an incident without a word
	switch {
	case r == steady && !b.mended:
		b.fail("%s: Up of %s, which fails", h.channel, name)
	case !t.down[name] && !silent && !b.answered(t, h):
		b.fail("%s: Up of %s without a Down", h.channel, name)
	}
	delete(t.down, name)
}

// answered says whether the message is an Up of the group that answers a Down:
// its members are named in any order.
func (b *book) answered(t *teller, h heard) bool {
	return slices.ContainsFunc(h.names, func(name string) bool { return b.group[name] && t.outages[name] > 0 })
}

func (b *book) groupDown(t *teller) bool {
	for name := range b.group {
		if t.down[name] {
			return true
		}
	}
	return false
}

// missing returns what is still to be told, nil when each channel knows all that
// is the case: of the steady ones each one's Down, and after the mending each
// one's Up.
func (b *book) missing() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []string
	for _, c := range b.channels {
		t := b.tellers[c]
		for _, name := range slices.Sorted(maps.Keys(b.roles)) {
			if what := b.lacks(t, name); what != "" {
				out = append(out, c+": "+what+" of "+name)
			}
		}
	}
	return out
}

func (b *book) lacks(t *teller, name string) string {
	told := t.down[name]
	if b.group[name] {
		told = b.groupDown(t)
	}
	switch {
	case b.mended && told:
		return "Up"
	case b.roles[name] == steady && !told && !b.mended:
		return "Down"
	}
	return ""
}

// end closes a round in which nothing is missing: each lasting outage was told
// once, and what one channel heard of the others all did.
func (b *book) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for name, r := range b.roles {
		first := b.tellers[b.channels[0]].outages[name]
		for _, c := range b.channels {
			n := b.tellers[c].outages[name]
			switch {
			case b.group[name]: // who joined silently is not named
			case r == steady && n != 1:
				b.fail("%s: %d Downs of %s in a round in which it failed once", c, n, name)
			case n != first:
				b.fail("%s: %d Downs of %s, and %d on %s", c, n, name, first, b.channels[0])
			case n > b.flips && r == flicker:
				b.fail("%s: %d Downs of %s, which failed %d times", c, n, name, b.flips)
			}
		}
	}
}

// verdict returns everything that was wrong so far.
func (b *book) verdict() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.wrong)
}

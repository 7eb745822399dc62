package demo

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/watchword/watchword/internal/check"
)

// The screen has two parts. What happened goes by and stays in the terminal's
// history; below it, on a terminal alone, a table of all monitors is drawn anew
// four times a second. Nothing is drawn that a pipe or a log could not hold.

const (
	frame   = 250 * time.Millisecond // between two looks at what is new
	settle  = time.Second            // what comes together is told together
	summary = 30 * time.Second       // without a table
	narrow  = 60                     // columns that the table needs
	widest  = 110                    // of running text
	twoWide = 150                    // columns from which on two monitors stand side by side
)

type screen struct {
	o     Options
	m     *model
	out   io.Writer
	drawn []int // columns of the lines of the table that stand on the terminal
	kept  []entry
	next  time.Time // of the summary
}

func newScreen(o Options, m *model) *screen {
	return &screen{o: o, m: m, out: o.Out, next: time.Now().Add(summary)}
}

// begin says what this is and where to look.
func (s *screen) begin(places []place) {
	var b strings.Builder
	width, _ := s.size()
	for _, line := range wrap("Watchword demo: an identity provider, a gate, applications and chat services on this machine, and the agent that watches them.", width, widest) {
		b.WriteString(s.paint(bold, line) + "\n")
	}
	b.WriteString("\n")
	for _, p := range places {
		for i, line := range wrap(p.where, width-18, 1000) {
			what := p.what
			if i > 0 {
				what = ""
			}
			fmt.Fprintf(&b, "  %-16s%s\n", what, line)
		}
	}
	b.WriteString("\nCtrl-C ends all of it and leaves nothing behind.\n\n")
	_, _ = io.WriteString(s.out, b.String())
}

// run shows what happens until ctx ends, and what happened until then. It ends
// early where nobody reads any more.
func (s *screen) run(ctx context.Context) {
	tick := time.NewTicker(frame)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if s.show(false) != nil {
				return
			}
		case <-ctx.Done():
			_ = s.show(true)
			return
		}
	}
}

// show prints what is new and draws the table below it; at the end the table
// goes.
func (s *screen) show(end bool) error {
	now := time.Now()
	s.keep(s.worth(s.m.take()))
	var b strings.Builder
	s.erase(&b)
	ripe := len(s.kept)
	for ripe > 0 && !end && now.Sub(s.kept[ripe-1].at) < settle {
		ripe--
	}
	for _, group := range together(s.kept[:ripe]) {
		s.entry(&b, group)
	}
	s.kept = s.kept[ripe:]
	s.summarize(&b, now)
	if !end {
		s.table(&b)
	}
	_, err := io.WriteString(s.out, b.String())
	return err
}

// keep adds what is new to what waits to be shown.
func (s *screen) keep(news []entry) {
	for _, e := range news {
		i := slices.IndexFunc(s.kept, func(k entry) bool { return e.key != "" && k.key == e.key })
		if i < 0 {
			s.kept = append(s.kept, e)
			continue
		}
		s.kept[i].who = append(s.kept[i].who, e.who...)
	}
}

// worth leaves out runs, unless they were asked for.
func (s *screen) worth(news []entry) []entry {
	if s.o.Runs {
		return news
	}
	kept := news[:0]
	for _, e := range news {
		if e.kind != "run" {
			kept = append(kept, e)
		}
	}
	return kept
}

// together gathers neighbours of one kind and one verdict: eight pages that are
// forbidden are one thing to read.
func together(es []entry) [][]entry {
	var groups [][]entry
	for _, e := range es {
		if n := len(groups) - 1; n >= 0 && alike(groups[n][0], e) {
			groups[n] = append(groups[n], e)
			continue
		}
		groups = append(groups, []entry{e})
	}
	return groups
}

func alike(a, b entry) bool {
	if a.kind != b.kind || a.kind == "run" || a.kind == "told" || a.kind == "tour" {
		return false
	}
	if len(a.lines) == 0 || len(b.lines) == 0 {
		return a.kind == "up" && len(a.lines) == len(b.lines)
	}
	return a.lines[0] == b.lines[0]
}

// entry prints what happened: time, what kind, and the text in a column of its
// own.
func (s *screen) entry(b *strings.Builder, group []entry) {
	e := group[0]
	const left = 8 + 2 + 9 + 1
	width, _ := s.size()
	width-- // the last column is left alone: some terminals wrap there
	head := e.head
	if len(e.who) > 0 {
		slices.Sort(e.who)
		head += "  to " + strings.Join(e.who, ", ")
	}
	if len(group) > 1 {
		head += also(group[1:])
	}
	color, word := look(e.kind)
	for i, line := range wrap(head, width-left, widest) {
		at, label := "        ", strings.Repeat(" ", 9)
		if i == 0 {
			at, label = e.at.Format("15:04:05"), fmt.Sprintf("%-9s", word)
		}
		fmt.Fprintf(b, "%s  %s %s\n", s.paint(faint, at), s.paint(color, label), s.headline(e.kind, line))
	}
	for i, text := range e.lines {
		for _, line := range wrap(text, width-left, widest) {
			if i == 0 && strings.Contains(line, "/") {
				line = s.paint(color, line)
			}
			fmt.Fprintf(b, "%s%s\n", strings.Repeat(" ", left), line)
		}
	}
}

func (s *screen) headline(kind, line string) string {
	if kind == "down" || kind == "exposed" || kind == "tour" {
		return s.paint(bold, line)
	}
	return line
}

func also(rest []entry) string {
	const most = 5
	var heads []string
	for _, e := range rest {
		heads = append(heads, e.head)
	}
	return ", " + check.Some(heads, most)
}

// summarize says now and then how things stand, where there is no table.
func (s *screen) summarize(b *strings.Builder, now time.Time) {
	if s.o.Size != nil || now.Before(s.next) {
		return
	}
	s.next = now.Add(summary)
	s.entry(b, []entry{{at: now, kind: "note", head: s.tally()}})
}

func (s *screen) tally() string {
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	n := s.m.counts()
	text := fmt.Sprintf("%d monitors: %d up", len(s.m.monitors), n.up)
	if n.down > 0 {
		text += fmt.Sprintf(", %d down", n.down)
	}
	if n.pending > 0 {
		text += fmt.Sprintf(", %d pending", n.pending)
	}
	if n.aside > 0 {
		text += fmt.Sprintf(", %d in maintenance or paused", n.aside)
	}
	return text + fmt.Sprintf(" · %d runs · %d messages", s.m.runs, s.m.sent)
}

// size returns the columns and lines there are; 100 and none without a terminal.
func (s *screen) size() (width, height int) {
	if s.o.Size == nil {
		return 100, 0
	}
	width, height = s.o.Size()
	return max(width, 1), height
}

// wrap breaks a text at spaces into lines of at most width runes, and at most
// limit.
func wrap(text string, width, limit int) []string {
	width = max(min(width, limit), 16)
	var out []string
	for paragraph := range strings.SplitSeq(text, "\n") {
		line := ""
		for word := range strings.FieldsSeq(paragraph) {
			switch {
			case line == "":
				line = word
			case columns(line)+1+columns(word) <= width:
				line += " " + word
			default:
				out = append(out, line)
				line = word
			}
		}
		out = append(out, line)
	}
	return out
}

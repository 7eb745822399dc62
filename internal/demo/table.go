package demo

import (
	"fmt"
	"strings"

	"github.com/watchword/watchword/internal/check"
)

const (
	bold    = "1"
	faint   = "2"
	red     = "31"
	green   = "32"
	yellow  = "33"
	magenta = "35"
	cyan    = "36"
)

func (s *screen) paint(code, text string) string {
	if !s.o.Color || code == "" || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// look returns colour and word of a kind of entry.
func look(kind string) (color, word string) {
	switch kind {
	case "down", "reminder":
		return red, "DOWN"
	case "exposed":
		return magenta, "EXPOSED"
	case "certificate":
		return yellow, "CERT"
	case "up":
		return green, "up"
	case "told":
		return cyan, "told"
	case "switch":
		return yellow, "you"
	case "tour":
		return yellow, "tour"
	case "log":
		return yellow, "log"
	case "run":
		return faint, "run"
	}
	return faint, kind
}

// shape is how a state looks, so that colour is never alone.
func shape(w *watched) (glyph, color string) {
	switch {
	case w.state == check.Paused:
		return "‖", faint
	case w.state == check.Maintenance:
		return "◇", cyan
	case !w.ran:
		return "○", faint
	case w.held:
		return "□", red
	case w.state == check.Down:
		return "✕", red
	case w.state == check.Exposed:
		return "◆", magenta
	case w.state == check.Pending:
		return "▲", yellow
	}
	return "●", green
}

// erase takes away the table of the last frame.
func (s *screen) erase(b *strings.Builder) {
	if len(s.drawn) == 0 {
		return
	}
	width, _ := s.size()
	rows := 0
	for _, n := range s.drawn { // a terminal that became narrower has wrapped them
		rows += max(1, (n+width-1)/width)
	}
	fmt.Fprintf(b, "\x1b[%dA\r\x1b[J", rows)
	s.drawn = nil
}

// table draws all monitors, as large as the terminal has room for.
func (s *screen) table(b *strings.Builder) {
	if s.o.Size == nil {
		return
	}
	width, height := s.size()
	if width < narrow || height < 12 {
		return
	}
	tally := s.tally()
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	beside := 1
	if width >= twoWide {
		beside = 2
	}
	rows := (len(s.m.monitors) + beside - 1) / beside
	lines := []string{""}
	if rows+5 > height*3/4 {
		lines = append(lines, s.glyphs(width)...)
	} else {
		col := s.fit(width/beside - 2)
		for i := range rows {
			var cells []string
			for j := i; j < len(s.m.monitors); j += rows {
				cells = append(cells, s.row(s.m.monitors[j], col))
			}
			lines = append(lines, strings.Join(cells, "  "))
		}
	}
	lines = append(lines, "", s.paint(bold, cut(tally, width-1)), s.paint(faint, cut("Break something "+s.m.control+" · Page "+s.m.page, width-1)))
	for _, line := range lines {
		b.WriteString(line + "\x1b[K\n")
		s.drawn = append(s.drawn, columns(line))
	}
}

// glyphs are all monitors in running text, for a terminal of few lines.
func (s *screen) glyphs(width int) []string {
	var lines []string
	line, used := "", 0
	for _, w := range s.m.monitors {
		glyph, color := shape(w)
		if n := columns(w.name) + 4; used+n >= width && line != "" {
			lines, line, used = append(lines, line), "", 0
		}
		line += s.paint(color, glyph) + " " + w.name + "  "
		used += columns(w.name) + 4
	}
	return append(lines, line)
}

// layout is how wide the columns of the table are: all strips begin and end at
// one place.
type layout struct{ name, word, strip, note int }

func (s *screen) fit(width int) layout {
	const least, most, spaces = 8, 34, 6
	l := layout{name: 18, word: 8, note: least}
	for _, w := range s.m.monitors {
		l.word = max(l.word, columns(w.word()))
		l.note = max(l.note, min(columns(w.note()), most))
	}
	l.note = min(l.note, max(least, width-l.name-l.word-spaces))
	l.strip = max(0, width-l.name-l.word-l.note-spaces)
	return l
}

// row is one monitor: shape, name, word, its last runs, and what there is to
// say of the last.
func (s *screen) row(w *watched, l layout) string {
	glyph, color := shape(w)
	note := cut(w.note(), l.note)
	text := fmt.Sprintf("%s %s %s %s", s.paint(color, glyph), pad(cut(w.name, l.name), l.name), s.paint(color, pad(w.word(), l.word)), s.strip(w, l.strip))
	if w.fault != nil {
		return text + "  " + s.paint(color, pad(note, l.note))
	}
	return text + "  " + s.paint(faint, strings.Repeat(" ", l.note-columns(note))+note)
}

// strip draws the last runs, the newest at the right.
func (s *screen) strip(w *watched, width int) string {
	last := w.strip[max(0, len(w.strip)-width):]
	var b strings.Builder
	b.WriteString(strings.Repeat(" ", width-len(last)))
	for _, state := range last {
		switch state {
		case check.Up:
			b.WriteString(s.paint(green, "▁"))
		case check.Pending:
			b.WriteString(s.paint(yellow, "▄"))
		case check.Maintenance:
			b.WriteString(s.paint(cyan, "▄"))
		case check.Exposed:
			b.WriteString(s.paint(magenta, "█"))
		default:
			b.WriteString(s.paint(red, "█"))
		}
	}
	return b.String()
}

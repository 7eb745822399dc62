package notifiers

import (
	"fmt"
	"slices"
	"sort"
	"strings"
	"unicode/utf8"
)

// style is how a span looks, where the channel can show it.
type style int

const (
	normal style = iota
	bold
	mono
)

// span is a piece of a line in one style. A foreign span holds names or
// strangers' words: it is escaped and may be cut. Others are ours.
type span struct {
	text    string
	style   style
	foreign bool
	url     string // where the text leads
}

type line []span

func own(s string) span     { return span{text: s} }
func foreign(s string) span { return span{text: s, foreign: true} }

// dress is how one channel writes spans and counts the length of what was
// written.
type dress struct {
	escape func(span) string         // the text of a span, escaped
	wrap   func(span, string) string // escaped text in the style of the span
	size   func(string) int
}

func plain() dress {
	return dress{
		escape: func(s span) string { return s.text },
		wrap: func(s span, text string) string {
			if s.url != "" {
				return s.url
			}
			return text
		},
		size: utf8.RuneCountInString,
	}
}

// join writes a line of any length. Neighbours of one style are wrapped
// together.
func (w dress) join(l line) string {
	var b, run strings.Builder
	for i, s := range l {
		run.WriteString(w.escape(s))
		if next := i + 1; next < len(l) && l[next].style == s.style && l[next].url == s.url {
			continue
		}
		if run.Len() > 0 {
			b.WriteString(w.wrap(s, run.String()))
		}
		run.Reset()
	}
	return b.String()
}

// line writes l in at most limit units. It is cut inside its longest foreign
// span, before escaping, so that neither a rune nor an escape is broken; what
// has nothing to cut is left out whole.
func (w dress) line(l line, limit int) string {
	out := w.join(l)
	if w.size(out) <= limit {
		return out
	}
	l = slices.Clone(l)
	for range l {
		i := longest(l)
		if i < 0 {
			return ""
		}
		if out, ok := w.shorten(l, i, limit); ok {
			return out
		}
		l[i] = own("")
	}
	return ""
}

// shorten keeps as much of span i as fits; it says whether anything did.
func (w dress) shorten(l line, i, limit int) (string, bool) {
	full := []rune(l[i].text)
	try := func(n int) string {
		l[i].text = strings.TrimRight(string(full[:n]), " ") + "…"
		return w.join(l)
	}
	n := sort.Search(len(full), func(n int) bool { return w.size(try(n)) > limit })
	for n--; n >= 0; n-- { // an escape may look at its neighbours: make sure
		if out := try(n); w.size(out) <= limit {
			return out, true
		}
	}
	return "", false
}

func longest(l line) int {
	best := -1
	for i, s := range l {
		if s.foreign && s.text != "" && (best < 0 || len(s.text) > len(l[best].text)) {
			best = i
		}
	}
	return best
}

const (
	leastSection = 48 // units below which a section would be a torso
	leastLine    = 24
)

// sections writes each section in its fair share of limit: what the short ones
// leave over goes to the long ones. The title comes first and is kept. Where
// even titles would not fit, the last entry counts the rest. Parting lines
// between sections (two units each) are within the limit.
func (w dress) sections(ss []section, titled bool, limit int) []string {
	rest := 0
	if most := max(limit/leastSection-1, 1); len(ss) > most {
		ss, rest = ss[:most], len(ss)-most
		limit -= leastSection
	}
	limit -= 2 * len(ss)
	blocks := make([][]line, len(ss))
	sizes := make([]int, len(ss))
	for i := range ss {
		if titled {
			blocks[i] = append(blocks[i], emphasise(ss[i].title))
		}
		blocks[i] = append(blocks[i], ss[i].lines()...)
		for _, l := range blocks[i] {
			sizes[i] += w.size(w.join(l)) + 1
		}
	}
	shares := share(sizes, limit)
	out := make([]string, 0, len(ss)+1)
	for i, b := range blocks {
		out = append(out, w.block(b, shares[i]))
	}
	if rest > 0 {
		out = append(out, fmt.Sprintf("… and %d more causes", rest))
	}
	return out
}

// block writes lines within limit. The first and those that cannot be cut keep
// their length, the others are cut to equal lengths, and the last ones are left
// out where too little would remain of each.
func (w dress) block(ls []line, limit int) string {
	var out []string
	for i, n := range w.lineShares(ls, limit) {
		if s := w.line(ls[i], n); s != "" {
			out = append(out, s)
		}
	}
	return strings.Join(out, "\n")
}

// lineShares returns how much each of the first lines may take; the first line
// is always among them.
func (w dress) lineShares(ls []line, limit int) []int {
	sizes := make([]int, len(ls))
	for i, l := range ls {
		sizes[i] = w.size(w.join(l))
	}
	for n := len(ls); n > 1; n-- {
		if shares := split(ls[:n], sizes, limit-n+1); shares != nil {
			return shares
		}
	}
	return share(sizes[:min(len(ls), 1)], limit)
}

// split gives every line of ls its share of limit; nil when they are too many.
func split(ls []line, sizes []int, limit int) []int {
	var cut, asked []int
	for i, l := range ls {
		if i > 0 && longest(l) >= 0 {
			cut, asked = append(cut, i), append(asked, sizes[i])
			continue
		}
		limit -= sizes[i]
	}
	if limit < 0 {
		return nil
	}
	shares := slices.Clone(sizes[:len(ls)])
	for i, n := range share(asked, limit) {
		if n < min(asked[i], leastLine) {
			return nil
		}
		shares[cut[i]] = n
	}
	return shares
}

func indices(n int) []int {
	is := make([]int, n)
	for i := range is {
		is[i] = i
	}
	return is
}

func emphasise(l line) line {
	l = slices.Clone(l)
	for i := range l {
		l[i].style = bold
	}
	return l
}

// share divides limit so that nobody gets more than asked and what is left
// over is divided again among the others.
func share(asked []int, limit int) []int {
	order := indices(len(asked))
	slices.SortStableFunc(order, func(a, b int) int { return asked[a] - asked[b] })
	got := make([]int, len(asked))
	for n, i := range order {
		got[i] = min(asked[i], max(limit, 0)/(len(order)-n))
		limit -= got[i]
	}
	return got
}

// utf16Len counts as Telegram and Teams do.
func utf16Len(s string) int {
	n := 0
	for _, r := range s {
		n++
		if r > 0xFFFF {
			n++
		}
	}
	return n
}

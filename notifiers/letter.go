package notifiers

import (
	"net/url"
	"strings"
	"time"

	"github.com/watchword/watchword/internal/check"
)

// tone is what the colour of a message says.
type tone int

const (
	toneBad tone = iota
	toneExposed
	toneWarn
	toneGood
	toneQuiet
)

// letter is a message before a channel dresses it.
type letter struct {
	delivery check.Delivery
	title    line
	tone     tone
	sections []section // one a cause
	loud     bool      // whether `mention` applies
}

// section tells of one cause.
type section struct {
	title    line
	tone     tone
	what     string // what was seen
	where    string // which hop
	code     string // class/reason
	whenIs   string // label of when: "Since", "Down"
	when     string
	note     string // joined, or paused
	hint     string
	monitors string // the affected, when there are several
	failing  string // of an Up: who still fails
	held     string // who depends on them, fails too and is not announced
	link     string
	raw      bool // what is a text of several lines, given as it is
}

func newLetter(d check.Delivery, zone *time.Location) letter {
	l := letter{delivery: d, title: titleLine(d), tone: toneOf(d.Kind, d.Events)}
	switch d.Kind {
	case check.KindDown, check.KindExposed, check.KindReminder:
		l.loud = true
	}
	for i := range d.Events {
		l.sections = append(l.sections, newSection(d, &d.Events[i], zone))
	}
	return l
}

// plainLetter is a message that is no event.
func plainLetter(subject, message string) letter {
	return letter{
		delivery: check.Delivery{Kind: "message", At: time.Now()},
		title:    line{foreign(oneLine(subject, 2*nameRunes))},
		tone:     toneQuiet,
		sections: []section{{tone: toneQuiet, what: manyLines(message), raw: true}},
	}
}

func manyLines(s string) string {
	var ls []string
	for l := range strings.Lines(s) {
		ls = append(ls, oneLine(l, 4000))
	}
	return strings.TrimSpace(strings.Join(ls, "\n"))
}

func toneOf(k check.Kind, es []check.Event) tone {
	switch k {
	case check.KindUp:
		return toneGood
	case check.KindExposed:
		return toneExposed
	case check.KindCertificate:
		return toneWarn
	case check.KindClosed:
		return toneQuiet
	}
	for i := range es {
		if es[i].Severity != check.Warning {
			return toneBad
		}
	}
	return toneWarn
}

func newSection(d check.Delivery, e *check.Event, zone *time.Location) section {
	s := section{
		title: subject(d.Kind, e),
		tone:  toneOf(d.Kind, []check.Event{*e}),
		what:  oneLine(e.Fault.Message, textRunes),
		where: where(e.Fault),
		hint:  oneLine(e.Fault.Hint, textRunes),
		link:  safeLink(e.Link),
	}
	if e.Fault.Class != "" {
		s.code = oneLine(string(e.Fault.Class)+"/"+string(e.Fault.Reason), 80)
	}
	if e.Joined {
		s.note = "Joined the incident of " + plain().join(causeLine(e)) + ", which was announced before."
	}
	if len(e.Members) > 1 {
		s.monitors = names(e.Members)
	}
	if len(e.Held) > 0 {
		s.held = check.Count(len(e.Held), "monitor that depends on it and fails too: ", "monitors that depend on it and fail too: ") + names(e.Held)
	}
	s.timed(d, e, zone)
	return s
}

// timed fills in what depends on whether it is going on or over.
func (s *section) timed(d check.Delivery, e *check.Event, zone *time.Location) {
	if !e.Since.IsZero() {
		s.whenIs, s.when = "Since", clock(e.Since, d.At, zone)
	}
	switch d.Kind {
	case check.KindReminder:
		if s.when != "" {
			s.when += ", for " + length(d.At.Sub(e.Since))
		}
	case check.KindUp:
		s.over(d, e, zone)
	case check.KindClosed:
		s.hint = ""
		if len(pausedOf(e.Members)) > 0 {
			s.note = "Nobody looks at it while it is paused: this says nothing of how it stands."
		}
	}
}

// over fills in an Up.
func (s *section) over(d check.Delivery, e *check.Event, zone *time.Location) {
	s.hint = "" // nothing is left to do
	if s.what != "" {
		s.what = "It was: " + s.what
	}
	if s.when != "" {
		end := e.Ended
		if end.IsZero() {
			end = e.At
		}
		s.whenIs, s.when = "Down", "from "+s.when+" to "+clock(end, d.At, zone)
	}
	if len(e.Failing) > 0 {
		s.failing = names(e.Failing)
	}
	if off := pausedOf(e.Members); len(off) > 0 {
		s.note = "Paused meanwhile, and not known to be up: " + names(off) + "."
	}
}

// safeLink returns an absolute http link, "" for anything else: a message must
// not be refused for its link.
func safeLink(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || len(raw) > 1000 {
		return ""
	}
	return u.String()
}

const (
	stillFailing = "Still failing for another reason"
	notAnnounced = "Not announced"
)

// lines returns the section below its title, the most telling first.
func (s *section) lines() []line {
	var ls []line
	add := func(label, text string) {
		if text != "" {
			ls = append(ls, line{own(label), foreign(text)})
		}
	}
	if s.raw {
		for l := range strings.SplitSeq(s.what, "\n") {
			ls = append(ls, line{foreign(l)})
		}
		return ls
	}
	add("", s.what)
	if place := s.place(); len(place) > 0 {
		ls = append(ls, place)
	}
	if s.when != "" {
		ls = append(ls, line{own(s.whenIs + " " + s.when)})
	}
	add(stillFailing+": ", s.failing)
	add("", s.note)
	add("Hint: ", s.hint)
	add("Monitors: ", s.monitors)
	add(notAnnounced+": ", s.held)
	if s.link != "" {
		ls = append(ls, line{{text: "Open in Watchword", url: s.link}})
	}
	return ls
}

// place is which hop failed and the code for those who grep.
func (s *section) place() line {
	var l line
	if s.where != "" {
		l = append(l, own(upperFirst(s.where)))
	}
	if s.code != "" {
		if len(l) > 0 {
			l = append(l, own(" · "))
		}
		l = append(l, span{text: s.code, style: mono})
	}
	return l
}

func upperFirst(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// text is the letter without its title, in plain text.
func (l *letter) text() string {
	w := plain()
	return strings.Join(w.sections(l.sections, len(l.sections) > 1, 64<<10), "\n\n")
}

// firstLink is the link for the one button of a message.
func (l *letter) firstLink() string {
	for _, s := range l.sections {
		if s.link != "" {
			return s.link
		}
	}
	return ""
}

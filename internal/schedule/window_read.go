package schedule

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/watchword/watchword/internal/check"
)

// CheckWindow returns all that is wrong with the options of a window; zone is the
// one of times that name none, nil for UTC.
func CheckWindow(o WindowOptions, zone *time.Location) []check.Problem {
	r := reader{o: o}
	r.read(zone)
	return r.problems
}

// WindowKeys says of the keys of WindowOptions what their types do not.
func WindowKeys() []check.Key {
	return []check.Key{
		{Path: "from", Pattern: datePattern}, {Path: "to", Pattern: datePattern}, {Path: "cron", Pattern: `[^ ]`},
		{Path: "weekdays", Pattern: weekdayPattern()}, {Path: "days_of_month", Min: -31, Max: 31}, {Path: "every_days", Min: 1, Max: 3660}, {Path: "start", Pattern: clockPattern},
	}
}

const (
	datePattern   = `^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])([Tt ]([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d+)?)?([Zz]|[+-]\d{2}:\d{2})?)?$`
	clockPattern  = `^([01]?\d|2[0-3]):[0-5]\d$`
	longestWindow = chainReach
)

// weekdayPattern matches what weekday reads.
func weekdayPattern() string {
	var names []string
	for day := time.Sunday; day <= time.Saturday; day++ {
		var letters []string
		for _, l := range strings.ToLower(day.String()) {
			letters = append(letters, fmt.Sprintf("[%c%c]", unicode.ToUpper(l), l))
		}
		names = append(names, strings.Join(letters[:3], "")+"("+strings.Join(letters[3:], "")+")?")
	}
	return "^(" + strings.Join(names, "|") + ")$"
}

// reader makes a window of its options and notes what is wrong with them.
type reader struct {
	o        WindowOptions
	zone     *time.Location
	problems []check.Problem
}

func (r *reader) object(key, format string, args ...any) {
	r.problems = append(r.problems, check.Problem{Path: key, Message: fmt.Sprintf(format, args...)})
}

func (r *reader) read(zone *time.Location) *Window {
	r.readZone(zone)
	w := &Window{duration: r.o.Duration, from: r.moment("from", r.o.From, 0), to: r.moment("to", r.o.To, 1)}
	if !w.from.IsZero() && !w.to.IsZero() && !w.from.Before(w.to) {
		r.object("to", "%s is not after %s, when the window begins", r.o.To, r.o.From)
	}
	switch forms := r.forms(); {
	case len(forms) == 0:
		r.once()
	case len(forms) > 1:
		r.object(forms[1], "%s and %s exclude each other: a window recurs by one of them", forms[0], forms[1])
	default:
		r.recur(w, forms[0])
	}
	return w
}

func (r *reader) readZone(zone *time.Location) {
	if r.zone = zone; zone == nil {
		r.zone = time.UTC
	}
	if r.o.Timezone == "" {
		return
	}
	named, err := time.LoadLocation(r.o.Timezone)
	if err != nil || r.o.Timezone == "Local" { // what that means depends on the machine
		r.object("timezone", "unknown time zone %q: name one such as Europe/Berlin", r.o.Timezone)
		return
	}
	r.zone = named
}

// forms returns the keys given by which a window can recur.
func (r *reader) forms() []string {
	var given []string
	for _, f := range []struct {
		key  string
		here bool
	}{{"cron", r.o.Cron != ""}, {"weekdays", len(r.o.Weekdays) > 0}, {"days_of_month", len(r.o.DaysOfMonth) > 0}, {"every_days", r.o.EveryDays != 0}} {
		if f.here {
			given = append(given, f.key)
		}
	}
	return given
}

// once checks a window that is from one time to another.
func (r *reader) once() {
	switch {
	case r.o.Duration != 0 && r.o.From != "" && r.o.To == "":
		r.object("duration", "a window that is once ends with `to`: duration is for one that recurs by cron, weekdays, days_of_month or every_days")
	case r.o.Duration != 0:
		r.object("duration", "it is for a window that recurs: by cron, weekdays, days_of_month or every_days")
	case r.o.From == "" && r.o.To == "":
		r.object("", "it says nowhere when it is: once, from and to; or again and again, by one of cron, weekdays, days_of_month, every_days with a duration")
	case r.o.From == "":
		r.object("from", "it is missing: when does the window begin?")
	case r.o.To == "":
		r.object("to", "it is missing: when does the window end?")
	}
	if r.o.Start != "" {
		r.object("start", "it is for weekdays, days_of_month and every_days")
	}
}

// recur has w recur by a key.
func (r *reader) recur(w *Window, key string) {
	switch {
	case w.duration == 0:
		r.object("duration", "it is missing: how long does each occurrence last, such as 2h?")
	case w.duration < 0 || w.duration > longestWindow:
		r.object("duration", "more than 0 and at most 400d is wanted")
	}
	if key == "cron" {
		w.begins = r.cron()
	} else {
		w.begins = r.days(key)
	}
	if len(r.problems) > 0 {
		return
	}
	after := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	if !w.from.IsZero() {
		after = w.from
	}
	if w.endless(w.begins.Next(after)) {
		r.object(key, "one occurrence follows the other without a gap, so that it never ends; give a `to`, or the monitors notify: []")
	}
}

func (r *reader) cron() Cron {
	if r.o.Start != "" {
		r.object("start", "cron says itself when the window begins")
	}
	c, err := ParseCron(r.o.Cron, r.zone.String())
	if err != nil {
		r.object("cron", "%s", strings.TrimPrefix(err.Error(), "cron "))
	}
	return c
}

func (r *reader) days(key string) Cron {
	d := &days{start: r.start(key), zone: r.zone}
	switch key {
	case "weekdays":
		d.rule = onWeekdays(r.weekdays())
	case "days_of_month":
		for i, day := range r.o.DaysOfMonth {
			if day == 0 || day > 31 || day < -31 {
				r.object(element(key, i), "%d is no day of a month: it is 1 to 31, or -1 for the last one, -2 for the one before", day)
			}
		}
		d.rule = onDaysOfMonth(r.o.DaysOfMonth)
	default:
		d.rule = r.everyDays()
	}
	return d
}

func (r *reader) everyDays() dayRule {
	n := int64(r.o.EveryDays)
	if n < 1 || n > 3660 {
		r.object("every_days", "1 to 3660 is wanted: every so many days")
	}
	from := r.moment("", r.o.From, 0)
	if r.o.From == "" {
		r.object("from", "it is missing: every_days counts the days from it")
	}
	return everyDays(dayOf(from.In(r.zone)), n)
}

// start reads the time of day.
func (r *reader) start(key string) time.Duration {
	if r.o.Start == "" {
		r.object("start", "it is missing: %s wants the time of day, such as 02:00", key)
		return 0
	}
	at, err := time.Parse("15:04", r.o.Start)
	if err != nil {
		r.object("start", "%q is no time of day: write it like 02:00 or 23:30", r.o.Start)
		return 0
	}
	return time.Duration(at.Hour())*time.Hour + time.Duration(at.Minute())*time.Minute
}

func (r *reader) weekdays() []time.Weekday {
	var on []time.Weekday
	for i, name := range r.o.Weekdays {
		if day, ok := weekday(name); ok {
			on = append(on, day)
		} else {
			r.object(element("weekdays", i), "%q is no day of the week%s", name, meant(name))
		}
	}
	return on
}

// weekday reads MON or Monday, in whatever case.
func weekday(name string) (time.Weekday, bool) {
	for day := time.Sunday; day <= time.Saturday; day++ {
		if full := day.String(); strings.EqualFold(name, full) || strings.EqualFold(name, full[:3]) {
			return day, true
		}
	}
	return 0, false
}

// meant names the day whose first two letters a word has, else all of them.
func meant(name string) string {
	for day := time.Sunday; day <= time.Saturday; day++ {
		short := strings.ToUpper(day.String()[:3])
		if len(name) > 1 && strings.EqualFold(name[:2], short[:2]) {
			return fmt.Sprintf(", did you mean %q?", short)
		}
	}
	return ": it is MON, TUE, WED, THU, FRI, SAT or SUN"
}

// moment reads a time; what names no offset is what the clocks of the zone show.
// A date alone is its beginning, plus days.
func (r *reader) moment(key, s string, plus int) time.Time {
	if s == "" {
		return time.Time{}
	}
	text := strings.Replace(strings.ToUpper(s), " ", "T", 1)
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at.UTC()
	}
	for _, layout := range []string{"2006-01-02T15:04:05", "2006-01-02T15:04", time.DateOnly} {
		at, err := time.Parse(layout, text)
		if err != nil {
			continue
		}
		if layout == time.DateOnly {
			at = at.AddDate(0, 0, plus)
		}
		return inZone(at, r.zone).UTC()
	}
	if key != "" {
		r.object(key, "%q is no time: write it like 2026-12-01T20:00:00+01:00, or without the offset for %s", s, r.zone)
	}
	return time.Time{}
}

func element(key string, i int) string { return key + "[" + strconv.Itoa(i) + "]" }

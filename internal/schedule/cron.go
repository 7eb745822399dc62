package schedule

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

// everyHour is robfig's bit set of an hour field that leaves none out.
const everyHour = 1<<24 - 1

// clockSpec follows a cron spec in a time zone.
//
// robfig/cron leaves out what falls into the hour that is skipped in spring and
// runs twice what falls into the hour that is repeated in autumn. Here the spec
// is read on the bare calendar, without a zone, and what it names is then looked
// up in the zone.
type clockSpec struct {
	spec *cron.SpecSchedule
	zone *time.Location
}

// ParseCron reads a crontab line of five fields (minute, hour, day of month,
// month, day of week) or one of @hourly, @daily, @weekly, @monthly, @yearly. It
// is followed in zone, an IANA name, "" for UTC; a prefix TZ= or CRON_TZ= names
// another. Specs that never come true and @every are errors.
//
// What a change of the clocks skips runs at the first minute that there is
// after it; what it would repeat runs once. A spec that names every hour has no
// hour to be missed or repeated: it goes by the time that passes.
func ParseCron(spec, zone string) (Cron, error) {
	fields, zone, err := splitZone(spec, zone)
	if err != nil {
		return nil, err
	}
	loc, err := time.LoadLocation(zone)
	if err != nil {
		return nil, fmt.Errorf("time zone %q of cron %q: %w", zone, spec, err)
	}
	sched, err := parseFields(fields)
	if err != nil {
		return nil, fmt.Errorf("cron %q: %w", spec, err)
	}
	if sched.Next(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
		return nil, fmt.Errorf("cron %q: there is no such day, it would never run", spec)
	}
	return &clockSpec{spec: sched, zone: loc}, nil
}

// splitZone takes the prefix that names a time zone off a spec. robfig's parser
// panics where nothing follows it.
func splitZone(spec, zone string) (string, string, error) {
	fields := strings.TrimSpace(spec)
	head, rest, _ := strings.Cut(fields, " ")
	for _, prefix := range []string{"CRON_TZ=", "TZ="} {
		name, ok := strings.CutPrefix(head, prefix)
		if !ok {
			continue
		}
		if name == "" {
			return "", "", fmt.Errorf("cron %q: no time zone after %q", spec, prefix)
		}
		fields, zone = strings.TrimSpace(rest), name
		break
	}
	if fields == "" {
		return "", "", fmt.Errorf("cron %q: no fields; it wants minute, hour, day of month, month and day of week", spec)
	}
	return fields, zone, nil
}

func parseFields(fields string) (sched *cron.SpecSchedule, err error) {
	defer func() {
		if p := recover(); p != nil {
			sched, err = nil, fmt.Errorf("cannot be read: %v", p)
		}
	}()
	if every, ok := strings.CutPrefix(fields, "@every"); ok {
		return nil, fmt.Errorf("@every is not a time of day: write interval: %s instead", strings.TrimSpace(every))
	}
	if strings.Contains(fields, "TZ=") {
		return nil, errors.New("a second time zone")
	}
	parser := cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow | cron.Descriptor)
	parsed, err := parser.Parse(fields)
	if err != nil {
		return nil, err
	}
	sched, ok := parsed.(*cron.SpecSchedule)
	if !ok {
		return nil, errors.New("it is not a time of day")
	}
	sched.Location = time.UTC
	return sched, nil
}

// Next returns the first time after t, in UTC, or the zero time if there is
// none within five years.
func (c *clockSpec) Next(t time.Time) time.Time {
	t = t.Round(0)
	if c.spec.Hour&everyHour == everyHour {
		return c.nextElapsed(t)
	}
	for at := onCalendar(t.In(c.zone)); ; {
		if at = c.spec.Next(at); at.IsZero() {
			return at
		}
		if found := inZone(at, c.zone); found.After(t) {
			return found.UTC()
		}
	}
}

// nextElapsed goes through the stretches of time between the changes of the
// clocks: within one, the zone is a fixed distance from UTC.
func (c *clockSpec) nextElapsed(t time.Time) time.Time {
	for limit := t.AddDate(5, 0, 0); t.Before(limit); {
		local := t.In(c.zone)
		_, offset := local.Zone()
		_, end := local.ZoneBounds()
		at := c.spec.Next(onCalendar(local))
		if at.IsZero() && end.IsZero() {
			return at
		}
		found := at.Add(-time.Duration(offset) * time.Second)
		if !at.IsZero() && (end.IsZero() || found.Before(end)) {
			return found
		}
		// From the second before the change, in the offset after it.
		_, after := end.In(c.zone).Zone()
		at = c.spec.Next(end.UTC().Add(time.Duration(after)*time.Second - time.Second))
		if found = at.Add(-time.Duration(after) * time.Second); found.Equal(end) {
			return found.UTC()
		}
		t = end
	}
	return time.Time{}
}

// onCalendar returns what calendar and clock show at t, as if they did in UTC.
func onCalendar(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
}

// inZone returns when calendar and clock of zone show at: the first time if they
// do twice, the change of the clocks that leaves it out if they never do.
func inZone(at time.Time, zone *time.Location) time.Time {
	t := time.Date(at.Year(), at.Month(), at.Day(), at.Hour(), at.Minute(), at.Second(), 0, zone)
	start, end := t.ZoneBounds()
	switch shown := onCalendar(t); {
	case shown.After(at):
		return start
	case shown.Before(at):
		return end
	case start.IsZero():
		return t
	}
	_, before := start.Add(-time.Nanosecond).Zone()
	if earlier := at.Add(-time.Duration(before) * time.Second); earlier.Before(start) {
		return earlier
	}
	return t
}

package schedule

import (
	"slices"
	"time"
)

// days are occurrences at a time of day, on days that a rule picks. They follow
// the clocks of their zone as cron specs do: what a change skips begins at the
// first minute that there is after it, what it would repeat begins once.
type days struct {
	rule  dayRule
	start time.Duration // since midnight, by the clock
	zone  *time.Location
}

// dayRule returns the first day that it picks, from day on. Days are counted from
// 1970-01-01 on the bare calendar.
type dayRule func(day int64) int64

// Next returns the first time after t.
func (d *days) Next(t time.Time) time.Time {
	for day := dayOf(t.In(d.zone)); ; day++ {
		day = d.rule(day)
		at := inZone(time.Unix(day*secondsOfDay, 0).UTC().Add(d.start), d.zone)
		if at.After(t) {
			return at.UTC()
		}
	}
}

const secondsOfDay = 24 * 60 * 60

// dayOf returns the day that the calendar shows at t.
func dayOf(t time.Time) int64 {
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC).Unix() / secondsOfDay
}

// everyDays picks first and each n-th day after it.
func everyDays(first, n int64) dayRule {
	return func(day int64) int64 {
		if day <= first {
			return first
		}
		return first + (day-first+n-1)/n*n
	}
}

// onWeekdays picks days of the week, of which there is at least one.
func onWeekdays(on []time.Weekday) dayRule {
	return pick(func(date time.Time) bool { return slices.Contains(on, date.Weekday()) })
}

// onDaysOfMonth picks days of the month, from 1 to 31 and from -31 to -1, which
// count from its end. There is at least one.
func onDaysOfMonth(on []int) dayRule {
	return pick(func(date time.Time) bool {
		last := time.Date(date.Year(), date.Month()+1, 0, 0, 0, 0, 0, time.UTC).Day()
		return slices.Contains(on, date.Day()) || slices.Contains(on, date.Day()-last-1)
	})
}

func pick(good func(date time.Time) bool) dayRule {
	return func(day int64) int64 {
		for !good(time.Unix(day*secondsOfDay, 0).UTC()) {
			day++
		}
		return day
	}
}

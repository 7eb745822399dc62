package kuma

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/watchword/watchword/internal/schedule"
)

// dayTimes returns when on a day it begins and how long it lasts, past midnight
// where it ends earlier than it begins.
func dayTimes(m row) (start string, length time.Duration, ok bool) {
	from, ok1 := timeOfDay(m.text("start_time"))
	to, ok2 := timeOfDay(m.text("end_time"))
	if length = to - from; length < 0 {
		length += 24 * time.Hour
	}
	if !ok1 || !ok2 {
		length = time.Duration(m.integer("duration")) * time.Second
	}
	return fmt.Sprintf("%02d:%02d", from/time.Hour, from%time.Hour/time.Minute), length, ok1 && length > 0
}

func timeOfDay(s string) (time.Duration, bool) {
	for _, layout := range []string{"15:04", "15:04:05"} {
		if at, err := time.Parse(layout, strings.TrimSpace(s)); err == nil {
			return time.Duration(at.Hour())*time.Hour + time.Duration(at.Minute())*time.Minute, true
		}
	}
	return 0, false
}

// weekdays reads 1 for Monday to 6, and 0 for Sunday.
func weekdays(m row) []string {
	names := []string{"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"}
	list, _ := m.list("weekdays")
	var on [7]bool
	for _, s := range list {
		if n, err := strconv.Atoi(s); err == nil && n >= 0 && n <= 7 {
			on[n%7] = true
		}
	}
	var days []string
	for i := range 7 { // from Monday
		if day := (i + 1) % 7; on[day] {
			days = append(days, names[day])
		}
	}
	return days
}

// daysOfMonth reads 1 to 31, and lastDay1 for the last one.
func daysOfMonth(m row) []int {
	list, _ := m.list("days_of_month")
	var days []int
	for _, s := range list {
		last, isLast := strings.CutPrefix(s, "lastDay")
		n, err := strconv.Atoi(last)
		if isLast {
			n = -n
		}
		if err == nil && n != 0 && n >= -31 && n <= 31 && !slices.Contains(days, n) {
			days = append(days, n)
		}
	}
	fromFirst := func(day int) int { return (day + 100) % 100 } // the last ones last
	slices.SortFunc(days, func(a, b int) int { return cmp.Compare(fromFirst(a), fromFirst(b)) })
	return days
}

// cron fills in a window that recurs by a cron expression. Kuma's may have a
// field for seconds, L for the last day, and 7 for Sunday.
func (r *kumaReader) cron(e *Entry, m row) string {
	length := time.Duration(m.integer("duration")) * time.Second
	if length <= 0 {
		return "it has no duration"
	}
	fields := strings.Fields(m.text("cron"))
	if len(fields) == 6 && fields[0] == "0" {
		fields = fields[1:]
	}
	if start, ok := lastDay(fields); ok {
		e.Fields.Set("days_of_month", []int{-1})
		e.Fields.Set("start", start)
		e.Fields.Set("duration", length)
		return ""
	}
	if len(fields) == 5 {
		fields[4] = sunday(fields[4])
	}
	expression := strings.Join(fields, " ")
	if _, err := schedule.ParseCron(expression, "UTC"); err != nil {
		return "its cron expression has no counterpart: " + expression
	}
	e.Fields.Set("cron", expression)
	e.Fields.Set("duration", length)
	return ""
}

// lastDay reads "M H L * *".
func lastDay(fields []string) (start string, ok bool) {
	if len(fields) != 5 || fields[2] != "L" || fields[3] != "*" || fields[4] != "*" {
		return "", false
	}
	minute, err := strconv.Atoi(fields[0])
	hour, err2 := strconv.Atoi(fields[1])
	ok = err == nil && err2 == nil && minute >= 0 && minute < 60 && hour >= 0 && hour < 24
	return fmt.Sprintf("%02d:%02d", hour, minute), ok
}

// sunday writes 0 for a 7 in the days of the week, also at the end of a range.
func sunday(days string) string {
	parts := strings.Split(days, ",")
	for i, p := range parts {
		from, ranged := strings.CutSuffix(p, "-7")
		switch {
		case p == "7" || p == "7-7":
			parts[i] = "0"
		case ranged && (from == "0" || from == "1"):
			parts[i] = "0-6"
		case ranged:
			parts[i] = "0," + from + "-6"
		}
	}
	return strings.Join(parts, ",")
}

package schedule

import (
	"strings"
	"testing"
	"time"
)

// FuzzWindow: whatever options come, a window is refused or its answers agree.
func FuzzWindow(f *testing.F) {
	f.Add("2026-12-01", "2026-12-02", "", "", "", 0, 0, int64(0), int64(1_764_543_600))
	f.Add("", "", "0 2 * * SUN", "", "", 0, 0, int64(2*time.Hour), int64(1_764_543_600))
	f.Add("", "", "", "MON,Friday", "23:30", 0, 0, int64(90*time.Minute), int64(1_774_745_999))
	f.Add("", "", "", "", "2:30", -1, 0, int64(time.Hour), int64(1_792_890_000))
	f.Add("2026-12-01T20:00:00+14:00", "", "", "", "00:00", 0, 3, int64(48*time.Hour), int64(1_764_543_600))
	f.Add("0000-01-01", "9999-12-31", "* * * * *", "", "", 0, 0, int64(1), int64(1_764_543_600))
	f.Fuzz(func(t *testing.T, from, to, spec, weekdays, start string, day, every int, duration, at int64) {
		o := WindowOptions{From: from, To: to, Cron: spec, Start: start, EveryDays: every, Duration: time.Duration(duration), Timezone: "Europe/Berlin"}
		if weekdays != "" {
			o.Weekdays = strings.Split(weekdays, ",")
		}
		if day != 0 {
			o.DaysOfMonth = []int{day}
		}
		w, err := NewWindow(o, nil)
		if err != nil || at < -1<<36 || at > 1<<37 { // 208 years before 1970, 4355 years after
			return
		}
		for now := time.Unix(at, 0); !now.IsZero() && now.Before(time.Unix(at, 0).AddDate(0, 1, 0)); {
			begin, end, in := w.Span(now)
			next := w.Next(now)
			if in && (now.Before(begin) || !now.Before(end) || !next.Equal(end)) {
				t.Fatalf("%+v at %s: from %s to %s, next %s", o, now, begin, end, next)
			}
			if !next.IsZero() && !next.After(now) {
				t.Fatalf("%+v: %s is not after %s", o, next, now)
			}
			if now = next; in && duration < int64(time.Minute) { // a great many
				return
			}
		}
	})
}

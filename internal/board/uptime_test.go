package board

import (
	"testing"
	"time"

	"github.com/watchword/watchword/internal/check"
)

func TestUptimeIsByTime(t *testing.T) {
	w := newWorld(t)
	w.run(0, check.Up)
	w.runs(30, check.Up) // 30 minutes up
	w.uptime(1, 1, 1)
	w.run(time.Minute, check.Pending) // 31 up
	w.run(20*time.Second, check.Down) // 20 s pending: not up
	w.runs(9, check.Down)             // 9 minutes down
	w.run(40*time.Second, check.Up)   // and 40 s
	up, known := 31*60.0, 41*60.0     // so far
	w.uptime(up/known, up/known, up/known)
	w.runs(19, check.Up)
	up, known = up+19*60, known+19*60
	w.uptime(up/known, up/known, up/known)
	w.now = w.now.Add(30 * time.Second) // a page looks between two runs
	w.uptime((up+30)/(known+30), (up+30)/(known+30), (up+30)/(known+30))
}

func TestWindowsForget(t *testing.T) {
	w := newWorld(t)
	w.run(0, check.Down)
	w.runs(6*60, check.Down)
	w.runs(24*60, check.Up)
	w.uptime(1-1/1440.0, 1439/1800.0, 1439/1800.0) // the minute before the first Up was down
	w.runs(20, check.Up)
	w.uptime(1, 1459/1820.0, 1459/1820.0)
	w.runs(7*24*60, check.Up)
	w.uptime(1, 1, 1-361/(1820.0+7*24*60))
	w.runs(24*24*60, check.Up)
	w.uptime(1, 1, 1)
}

func TestWhatDoesNotCount(t *testing.T) {
	w := newWorld(t)
	w.run(0, check.Up)
	w.runs(10, check.Up)

	w.now = w.now.Add(5 * time.Hour) // nothing ran: 130 s are known, the rest is not
	w.uptime(1, 1, 1)
	w.run(0, check.Down)
	w.runs(10, check.Down)
	up, known := 600.0+130, 1200.0+130
	w.uptime(up/known, up/known, up/known)

	w.b.SetState("app", check.MonitorState{State: check.Maintenance, Since: w.now})
	w.runs(60, check.Maintenance)
	w.uptime(up/known, up/known, up/known)
	w.b.SetState("app", check.MonitorState{State: check.Up, Since: w.now})
	w.runs(10, check.Up)
	up, known = up+600, known+600
	w.uptime(up/known, up/known, up/known)

	w.b.SetState("app", check.MonitorState{State: check.Paused, Since: w.now})
	if v := w.view(); v.State != check.Paused || !v.Since.Equal(w.now) {
		t.Errorf("got %s since %s, want paused since %s", v.State, v.Since, w.now)
	}
	w.now = w.now.Add(time.Minute)
	w.b.SetState("app", check.MonitorState{State: check.Pending, Since: w.now})
	w.run(time.Minute, check.Up) // not known what was before it
	w.uptime(up/known, up/known, up/known)
}

func TestAShareThatIsNotWholeIsNotRounded(t *testing.T) {
	w := newWorld(t)
	w.run(0, check.Pending)
	w.run(300*time.Millisecond, check.Up)
	w.runs(60, check.Up)
	if v := w.view(); v.Uptime24h >= 1 || v.Uptime30d >= 1 {
		t.Errorf("got %v and %v, want less than 1 after 300 ms of pending", v.Uptime24h, v.Uptime30d)
	}
}

func TestClockIsSet(t *testing.T) {
	for _, jump := range []time.Duration{-2 * time.Second, -time.Hour, -50 * time.Hour, -40 * 24 * time.Hour, time.Hour, 40 * 24 * time.Hour, 20 * 365 * 24 * time.Hour} {
		t.Run(jump.String(), func(t *testing.T) {
			w := newWorld(t)
			w.run(0, check.Down)
			w.runs(180, check.Down)
			w.now = w.now.Add(jump)
			w.b.TakeRollups()
			w.run(time.Minute, check.Up)
			w.runs(48*60, check.Up)
			if v := w.view(); v.Uptime24h != 1 {
				t.Errorf("uptime is %v, want 1 two days after the clock was set", v.Uptime24h)
			}
			if v := w.view(); !(v.Uptime7d > 0.9) || v.Uptime7d > 1 {
				t.Errorf("uptime of 7 days is %v, want nearly 1", v.Uptime7d)
			}
			for _, r := range w.b.Flush() {
				if r.Known > r.Span || r.Up > r.Known {
					t.Errorf("got %+v, which knows more than there was", r)
				}
			}
		})
	}
}

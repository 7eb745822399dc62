package agent

import (
	"context"
	"log/slog"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/watchword/watchword/internal/board"
	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/config"
	"github.com/watchword/watchword/internal/incident"
	"github.com/watchword/watchword/internal/schedule"
	"github.com/watchword/watchword/internal/server"
	"github.com/watchword/watchword/internal/store"
)

type nowhere struct{}

func (nowhere) Commit(context.Context, check.Change) error { return nil }

func (nowhere) Enqueue(...check.Delivery) {}

// heldWorld is an agent of nothing but the driver of windows, in virtual time, with a
// wall clock that can be set.
type heldWorld struct {
	*Agent
	ahead atomic.Int64 // nanoseconds of the wall clock
}

func newHeldWorld(t *testing.T, windows ...config.Maintenance) *heldWorld {
	t.Helper()
	st, err := store.Open(t.Context(), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	w := &heldWorld{}
	log := slog.New(slog.DiscardHandler)
	w.Agent = &Agent{
		log: log, opts: Options{Observer: nobody{}}, holds: newHolds(), store: st, board: board.New(time.Now), woken: make(chan struct{}, 1),
		tracker: incident.New(incident.Options{}), scheduler: schedule.New(schedule.Options{}), pipe: newPipe(nowhere{}, nowhere{}, log),
	}
	w.wall = func() time.Time { return time.Now().Add(time.Duration(w.ahead.Load())) }
	p := &plan{cfg: &config.Config{Timezone: time.UTC}, byID: map[string]*monitor{}}
	for _, id := range []string{"a", "b"} {
		m := &monitor{check: &check.Monitor{ID: id, Name: id, Type: "http", Group: "Core"}, cfg: config.Monitor{ID: id, Interval: time.Minute}}
		p.monitors, p.byID[id] = append(p.monitors, m), m
	}
	if p.windows, err = windowsOf(windows, time.UTC); err != nil {
		t.Fatal(err)
	}
	w.plan.Store(p)
	w.board.Set(p.checks())
	w.tracker.Configure(incident.Options{}, p.policies(time.Now(), nil), nil, time.Now())
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); w.keepWindows(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	return w
}

// is says how the monitors stand once everything has settled.
func (w *heldWorld) is(t *testing.T, want check.State, ids ...string) {
	t.Helper()
	synctest.Wait()
	for _, id := range ids {
		if v, _ := w.board.Get(id); v.State != want {
			t.Errorf("%s: %s is %s, want %s", w.wall().Format(time.DateTime), id, v.State, want)
		}
	}
}

// windowAt is a window that is once. Virtual time begins at midnight UTC,
// 2000-01-01.
func windowAt(name, from, to string, monitors ...string) config.Maintenance {
	return config.Maintenance{Name: name, Monitors: monitors, Window: schedule.WindowOptions{From: from, To: to}}
}

func TestWindowsBeginAndEndToTheSecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHeldWorld(t, windowAt("one", "2000-01-01T02:00:00Z", "2000-01-01T04:00:00Z", "a"), windowAt("two", "2000-01-01T03:00:00Z", "2000-01-01T05:00:00Z", "a", "b"))
		for _, step := range []struct {
			at   time.Duration
			a, b check.State
		}{
			{2*time.Hour - time.Second, check.Pending, check.Pending}, {2 * time.Hour, check.Maintenance, check.Pending}, {3 * time.Hour, check.Maintenance, check.Maintenance},
			{4 * time.Hour, check.Maintenance, check.Maintenance}, {5*time.Hour - time.Second, check.Maintenance, check.Maintenance}, {5 * time.Hour, check.Pending, check.Pending},
		} {
			time.Sleep(time.Until(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).Add(step.at)) + time.Millisecond)
			w.is(t, step.a, "a")
			w.is(t, step.b, "b")
		}
	})
}

// A wall clock that jumps an hour, either way, is followed within 30 s.
func TestWindowsFollowAClockThatJumps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHeldWorld(t, windowAt("one", "2000-01-01T02:00:00Z", "2000-01-01T02:40:00Z", "a"))
		time.Sleep(70 * time.Minute) // 01:10
		w.is(t, check.Pending, "a")
		w.ahead.Store(int64(time.Hour)) // 02:10
		time.Sleep(31 * time.Second)
		w.is(t, check.Maintenance, "a")
		w.ahead.Store(int64(0)) // 01:10
		time.Sleep(31 * time.Second)
		w.is(t, check.Pending, "a")
		time.Sleep(50 * time.Minute) // 02:01
		w.is(t, check.Maintenance, "a")
		w.ahead.Store(int64(time.Hour)) // 03:01
		time.Sleep(31 * time.Second)
		w.is(t, check.Pending, "a")
	})
}

// One that was ordered ends by itself. A clock that is set back does not put it
// off, and one that was ahead by mistake does not end it for good.
func TestAnOrderedMaintenanceAndAClockThatJumps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHeldWorld(t)
		time.Sleep(10 * time.Hour)
		m, err := w.beginMaintenance(t.Context(), server.MaintenanceOrder{All: true, For: "30m"})
		if err != nil {
			t.Fatal(err)
		}
		w.is(t, check.Maintenance, "a", "b")
		w.ahead.Store(int64(-time.Hour))
		time.Sleep(31 * time.Second)
		w.is(t, check.Maintenance, "a", "b")
		w.ahead.Store(int64(time.Hour))
		time.Sleep(31 * time.Second)
		w.is(t, check.Pending, "a", "b")
		w.ahead.Store(int64(0))
		time.Sleep(31 * time.Second)
		w.is(t, check.Maintenance, "a", "b")
		time.Sleep(29 * time.Minute)
		w.is(t, check.Pending, "a", "b")
		if list := w.maintenance(); len(list) != 0 {
			t.Errorf("it is over, and still listed: %+v", list)
		}
		time.Sleep(keptOver + time.Minute)
		synctest.Wait()
		w.holds.mu.Lock()
		defer w.holds.mu.Unlock()
		if _, kept := w.holds.ordered[m.ID]; kept {
			t.Error("it is remembered for ever")
		}
	})
}

// What is over and remembered leaves room for more.
func TestThousandsOfOrdersInADay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHeldWorld(t)
		begin := func(length string) error {
			_, err := w.beginMaintenance(t.Context(), server.MaintenanceOrder{Monitors: []string{"a"}, For: length})
			return err
		}
		for i := range mostOrdered {
			if err := begin([]string{"1m", "1h"}[min(i, 1)]); err != nil {
				t.Fatal(err)
			}
		}
		if err := begin("1m"); err == nil {
			t.Error("one more than there may be was taken")
		}
		time.Sleep(2 * time.Minute)
		if err := begin("1h"); err != nil {
			t.Errorf("one is over: %v", err)
		}
		if err := begin("1h"); err == nil {
			t.Error("one more than there may be was taken after the first was over")
		}
	})
}

func TestIdsOfWindows(t *testing.T) {
	var ms []config.Maintenance
	for _, name := range []string{"保守", "Patch night", "维护", "patch-night", "patch night 2"} {
		ms = append(ms, windowAt(name, "2000-01-01", "2000-01-01", "a"))
	}
	ws, err := windowsOf(ms, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, w := range ws {
		ids = append(ids, w.id)
	}
	if want := []string{"maintenance", "patch-night", "maintenance-2", "patch-night-2", "patch-night-2-2"}; !slices.Equal(ids, want) {
		t.Errorf("ids %q, want %q", ids, want)
	}
}

// Both changes of the clocks in Berlin: the window of a night is as long as it
// says, and ends to the second.
func TestAWindowOverAChangeOfTheClocks(t *testing.T) {
	for begin, change := range map[string]string{"2000-03-26T00:30:00Z": "spring", "2000-10-29T00:30:00Z": "autumn"} {
		synctest.Test(t, func(t *testing.T) {
			at, err := time.Parse(time.RFC3339, begin)
			if err != nil {
				t.Fatal(err)
			}
			hour := map[string]string{"spring": "30 1 * * *", "autumn": "30 2 * * *"}[change]
			w := newHeldWorld(t, config.Maintenance{Name: "night", All: true, Window: schedule.WindowOptions{Cron: hour, Duration: 2 * time.Hour, Timezone: "Europe/Berlin"}})
			w.ahead.Store(int64(time.Until(at) - time.Hour)) // the driver looks within 30 s
			time.Sleep(time.Hour - time.Second)
			w.is(t, check.Pending, "a")
			time.Sleep(time.Second + time.Millisecond)
			w.is(t, check.Maintenance, "a")
			time.Sleep(2*time.Hour - time.Second)
			w.is(t, check.Maintenance, "a")
			time.Sleep(time.Second)
			w.is(t, check.Pending, "a")
		})
	}
}

func TestPausesByGroups(t *testing.T) {
	mon := func(id, group string) *check.Monitor { return &check.Monitor{ID: id, Group: group} }
	all := []*check.Monitor{mon("a", "P"), mon("b", "P / C"), mon("c", "P / C / D"), mon("d", "Q"), mon("e", "")}
	in := func(name string) []*check.Monitor {
		return slices.DeleteFunc(slices.Clone(all), func(m *check.Monitor) bool { return !m.InGroup(name) })
	}
	p := newPauses()
	for i, step := range []struct {
		do   func() []check.Order
		want string // who is paused
	}{
		{func() []check.Order { return p.setGroup("P", in("P"), true) }, "abc"},
		{func() []check.Order { return p.setGroup("P / C", in("P / C"), false) }, "a"},
		{func() []check.Order { return p.set(all[0], false) }, ""},
		{func() []check.Order { return p.setGroup("P", in("P"), true) }, "abc"},
		{func() []check.Order { return p.set(all[2], false) }, "ab"},
		{func() []check.Order { return p.set(all[1], true) }, "ab"},
		{func() []check.Order { return p.setGroup("P", in("P"), false) }, "b"},
		{func() []check.Order { return p.set(all[1], false) }, ""},
		{func() []check.Order { return p.set(all[4], true) }, "e"},
		{func() []check.Order { return p.forget(all[:4]) }, ""},
	} {
		orders := step.do()
		got := ""
		for _, m := range all {
			if p.paused(m) {
				got += m.ID
			}
		}
		if got != step.want || len(orders) == 0 {
			t.Errorf("step %d: %q are paused, want %q; stored is %v", i, got, step.want, orders)
		}
	}
	if len(p.groups)+len(p.monitors) != 0 {
		t.Errorf("in the end there is %+v", p)
	}
}

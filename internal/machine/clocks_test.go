package machine

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func answer(at time.Time, more ...string) http.Header {
	h := http.Header{"Date": {at.UTC().Format(http.TimeFormat)}}
	for i := 0; i+1 < len(more); i += 2 {
		h.Set(more[i], more[i+1])
	}
	return h
}

func TestOffset(t *testing.T) {
	sent := time.Date(2026, 3, 4, 5, 6, 7, 800_000_000, time.UTC)
	now := sent.Add(2 * time.Second)
	for name, tt := range map[string]struct {
		h    http.Header
		want time.Duration
		ok   bool
	}{
		"the same second":        {answer(sent), 0, true},
		"at the end":             {answer(now), 0, true},
		"ahead":                  {answer(now.Add(5 * time.Minute)), 5*time.Minute - 800*time.Millisecond, true},
		"behind":                 {answer(sent.Add(-time.Hour)), -time.Hour + 200*time.Millisecond, true},
		"kept by a cache":        {answer(sent.Add(-time.Hour), "Age", "3600"), 0, false},
		"asked of the origin":    {answer(sent, "Age", "0"), 0, true},
		"no date":                {http.Header{}, 0, false},
		"a date that makes none": {http.Header{"Date": {"today"}}, 0, false},
	} {
		if got, ok := Offset(tt.h, sent, now); got != tt.want || ok != tt.ok {
			t.Errorf("%s: got %v %t, want %v %t", name, got, ok, tt.want, tt.ok)
		}
	}
}

// said is how far ahead of us an address is.
type said struct {
	ip    string
	ahead time.Duration
}

func hear(c *Clocks, all ...said) {
	for _, s := range all {
		c.Hear(s.ip+":443", answer(time.Now().Add(s.ahead)), time.Now())
	}
}

func TestOurClockIsWrongOnlyWhereSeveralAgree(t *testing.T) {
	const hour = time.Hour
	for name, tt := range map[string]struct {
		all  []said
		ours bool
	}{
		"nobody spoke":                    {nil, false},
		"one is odd":                      {[]said{{"192.0.2.1", hour}}, false},
		"two agree":                       {[]said{{"192.0.2.1", hour}, {"192.0.2.2", hour}}, false},
		"three agree":                     {[]said{{"192.0.2.1", hour}, {"192.0.2.2", hour}, {"192.0.2.3", hour + 20*time.Second}}, true},
		"three are behind":                {[]said{{"192.0.2.1", -hour}, {"192.0.2.2", -hour}, {"192.0.2.3", -hour}}, true},
		"three differ, each on its own":   {[]said{{"192.0.2.1", hour}, {"192.0.2.2", 2 * hour}, {"192.0.2.3", -hour}}, false},
		"one proxy with many names":       {[]said{{"192.0.2.1", hour}, {"192.0.2.1", hour}, {"192.0.2.1", hour}, {"192.0.2.1", hour}}, false},
		"as many agree with us":           {[]said{{"192.0.2.1", hour}, {"192.0.2.2", hour}, {"192.0.2.3", hour}, {"192.0.2.4", 0}, {"192.0.2.5", 0}, {"192.0.2.6", 0}}, false},
		"those here have our clock":       {[]said{{"192.0.2.1", hour}, {"192.0.2.2", hour}, {"192.0.2.3", hour}, {"127.0.0.1", 0}, {"::1", 0}, {"127.0.0.2", 0}}, true},
		"less than a minute is no matter": {[]said{{"192.0.2.1", 50 * time.Second}, {"192.0.2.2", 50 * time.Second}, {"192.0.2.3", 50 * time.Second}}, false},
		"without a battery":               {[]said{{"192.0.2.1", -30 * 365 * 24 * hour}, {"192.0.2.2", -30 * 365 * 24 * hour}, {"192.0.2.3", -30 * 365 * 24 * hour}}, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			time.Sleep(10 * 365 * 24 * time.Hour)
			c := NewClocks(time.Now().Add(-hour), nil)
			hear(c, tt.all...)
			if why, ours := c.Ours(); ours != tt.ours || ours == (why == "") {
				t.Errorf("%s: got %t (%s), want %t", name, ours, why, tt.ours)
			}
		})
	}
}

func TestOurClockIsToldOnceAndForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		c := NewClocks(time.Time{}, slog.New(slog.NewTextHandler(&log, nil)))
		at := func(ahead time.Duration) []said {
			return []said{{"192.0.2.1", ahead}, {"192.0.2.2", ahead}, {"192.0.2.3", ahead}, {"192.0.2.4", ahead}}
		}
		for range 5 {
			hear(c, at(2*time.Hour)...)
			time.Sleep(2 * time.Minute)
		}
		if n := strings.Count(log.String(), "this machine's clock is wrong"); n != 1 || !strings.Contains(log.String(), "2h0m0s behind") && !strings.Contains(log.String(), "1h59m59s behind") {
			t.Errorf("told %d times: %s", n, log.String())
		}
		hear(c, at(0)...)
		if why, ours := c.Ours(); ours {
			t.Errorf("still wrong: %s", why)
		}
		hear(c, said{"192.0.2.9", 0})
		time.Sleep(2 * time.Minute)
		hear(c, at(2*time.Hour)...)
		time.Sleep(2 * time.Hour) // what was said long ago does not count
		if why, ours := c.Ours(); ours {
			t.Errorf("after two hours: %s", why)
		}
	})
}

// The addresses of a name may change for ever: what they said is forgotten.
func TestManyAddresses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := NewClocks(time.Time{}, nil)
		for i := range 4 * mostHeard {
			hear(c, said{fmt.Sprintf("198.18.%d.%d", i/250, i%250), 0})
			time.Sleep(10 * time.Second)
		}
		if n := len(c.heard); n > mostHeard || n < int(holds/(10*time.Second)) {
			t.Errorf("%d addresses are held", n)
		}
		if _, known := c.heard["198.18.16.95"]; !known {
			t.Error("the newest was not heard")
		}
	})
}

func TestBeforeBuilt(t *testing.T) {
	built := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for at, want := range map[time.Time]bool{built: false, built.Add(-time.Minute): false, built.Add(-time.Hour): true, built.Add(time.Hour): false, time.Unix(0, 0): true} {
		if got := BeforeBuilt(at, built) != ""; got != want {
			t.Errorf("%v: got %t, want %t", at, got, want)
		}
	}
	if got := BeforeBuilt(time.Unix(0, 0), time.Time{}); got != "" {
		t.Errorf("a program that does not know when it was built says %q", got)
	}
	if _, ours := NewClocks(time.Now().Add(time.Hour), nil).Ours(); !ours {
		t.Error("a clock before the build is not ours to mend")
	}
	var none *Clocks
	none.Hear("192.0.2.1:443", answer(time.Now()), time.Now())
	if why, ours := none.Ours(); ours {
		t.Error(why)
	}
}

func BenchmarkHear(b *testing.B) {
	c := NewClocks(time.Time{}, nil)
	h := answer(time.Now())
	addresses := make([]string, 100)
	for i := range addresses {
		addresses[i] = fmt.Sprintf("192.0.2.%d:443", i)
	}
	sent := time.Now()
	for i := 0; b.Loop(); i++ {
		c.Hear(addresses[i%100], h, sent)
	}
}

// slow is a log that looks at the clocks whenever it is written to.
type slow struct {
	slog.Handler
	clocks *Clocks
	lines  int
}

func (s *slow) Enabled(context.Context, slog.Level) bool { return true }

func (s *slow) Handle(context.Context, slog.Record) error {
	s.lines++
	s.clocks.Ours() // waits for ever if the lock is held
	return nil
}

func TestALogThatIsSlowHoldsUpNoProbe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &slow{Handler: slog.DiscardHandler}
		log.clocks = NewClocks(time.Time{}, slog.New(log))
		hear(log.clocks, said{"192.0.2.1", time.Hour}, said{"192.0.2.2", time.Hour}, said{"192.0.2.3", time.Hour})
		if log.lines != 1 {
			t.Errorf("%d lines, want 1", log.lines)
		}
	})
}

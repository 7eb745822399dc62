package exporters

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

const (
	firstBackoff = time.Second
	// refusedWait is how long a push monitor that Kuma does not know is left alone:
	// it may have been paused there.
	refusedWait = 5 * time.Minute
)

// kumaLane is what the monitors of one Uptime Kuma share.
type kumaLane struct {
	turns chan struct{} // taken by requests that go on
	log   *slog.Logger

	mu       sync.Mutex
	until    time.Time          // Kuma asked to be left alone until then
	troubled map[*kumaSlot]bool // whose last request did not get through
}

// kumaSlot mirrors one monitor.
type kumaSlot struct {
	KumaTarget
	o     *KumaPusherOptions
	lane  *kumaLane
	woken chan struct{}
	end   context.CancelFunc

	// Of run alone.
	told    news // what Kuma took last
	fails   int  // in a row
	refused bool // Kuma wants none of it, and that was said
}

// run tells what is new at once, and what stays the same once an interval, until
// ctx ends or stop is closed.
func (s *kumaSlot) run(ctx context.Context, stop <-chan struct{}) {
	defer s.lane.forget(s)
	defer s.end()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
			timer.Reset(s.tell(ctx))
		case <-s.woken:
			if s.hasNews() && !s.waits() {
				timer.Reset(0)
			}
		case <-stop:
			if s.hasNews() && !s.refused && s.lane.wait() == 0 {
				s.tell(ctx)
			}
			return
		case <-ctx.Done():
			return
		}
	}
}

func (s *kumaSlot) state() kumaState {
	v, ok := s.o.Board(s.Monitor)
	if !ok {
		return kumaState{}
	}
	return kumaStateOf(&v, s.Options.Pending)
}

// hasNews says whether there is something that Kuma was not told yet.
func (s *kumaSlot) hasNews() bool {
	k := s.state()
	return k.status != "" && k.news != s.told
}

// waits says whether what is new has to wait for the timer, too.
func (s *kumaSlot) waits() bool { return s.fails > 0 || s.refused }

// tell makes one request, and says how long to wait before the next.
func (s *kumaSlot) tell(ctx context.Context) time.Duration {
	if wait := s.lane.wait(); wait > 0 {
		return wait
	}
	select {
	case s.lane.turns <- struct{}{}:
		defer func() { <-s.lane.turns }()
	case <-ctx.Done():
		return s.Options.Interval
	}
	k := s.state() // only now: the turn may have taken its time
	if k.status == "" {
		return s.Options.Interval
	}
	e := s.send(ctx, k)
	if ctx.Err() != nil && e != nil { // our own end is no fault of Kuma's
		return s.Options.Interval
	}
	return s.after(k, e)
}

// after takes in what came of a request.
func (s *kumaSlot) after(k kumaState, e *kumaError) time.Duration {
	switch {
	case e == nil:
		s.o.Attempted("ok")
		s.told, s.fails, s.refused = k.news, 0, false
		s.lane.settle(s)
		return s.Options.Interval
	case e.permanent:
		s.o.Attempted("refused")
		s.lane.settle(s)
		if !s.refused {
			s.lane.log.Warn("uptime kuma refuses a monitor; it is tried again every few minutes", "monitor", s.Monitor, "error", e.text, "hint", e.hint)
		}
		s.refused, s.fails = true, 0
		return max(refusedWait, s.Options.Interval)
	default:
		s.o.Attempted("retry")
		s.lane.trouble(s, e)
		s.fails++
		s.told = news{} // who knows what Kuma has made of it
		return max(backoff(s.fails, s.Options.Interval), s.lane.wait())
	}
}

// backoff doubles from one second up to the interval.
func backoff(fails int, longest time.Duration) time.Duration {
	const most = 20 // beyond it every interval is shorter
	return min(firstBackoff<<min(fails-1, most), longest)
}

// wait returns how long Kuma wants to be left alone.
func (l *kumaLane) wait() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return max(time.Until(l.until), 0)
}

// trouble notes that a request has to be made again. It is said once for all
// monitors.
func (l *kumaLane) trouble(s *kumaSlot, e *kumaError) {
	l.mu.Lock()
	defer l.mu.Unlock()
	level := slog.LevelDebug
	if len(l.troubled) == 0 {
		level = slog.LevelWarn
	}
	l.troubled[s] = true
	if e.retryAfter > 0 {
		l.until = time.Now().Add(e.retryAfter)
	}
	l.log.Log(context.Background(), level, "uptime kuma could not be told a state; the latest one is tried again", "monitor", s.Monitor, "error", e.text, "hint", e.hint)
}

// forget takes out a monitor that is told of no more: what became of its last
// state nobody knows.
func (l *kumaLane) forget(s *kumaSlot) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.troubled, s)
}

// settle notes that a monitor is no longer in trouble.
func (l *kumaLane) settle(s *kumaSlot) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.troubled[s] {
		return
	}
	delete(l.troubled, s)
	if len(l.troubled) == 0 {
		l.log.Info("uptime kuma is told all states again")
	}
}

package schedule

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"runtime/debug"
	"time"

	"github.com/watchword/watchword/internal/check"
)

// keep is how many goroutines stay when they have nothing to run: their stacks
// have grown to what a probe needs. More would hold memory after a burst.
const keep = 16

// worker is a goroutine that runs what it is handed.
type worker struct {
	first *entry
	next  chan *entry
}

// Run runs the jobs at their times until ctx ends. Then it cancels the runs in
// progress, whose results are not observed, waits for them at most the drain
// time, and returns nil when all have stopped. It is called once.
func (s *Scheduler) Run(ctx context.Context) error {
	if err := s.open(ctx); err != nil {
		return err
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		var asked chan<- struct{}
		select {
		case <-timer.C:
		case <-s.wake:
		case asked = <-s.asks:
		case <-ctx.Done():
			return s.close()
		}
		timer.Reset(s.fire())
		if asked != nil {
			close(asked)
		}
	}
}

func (s *Scheduler) open(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.started {
		return errors.New("schedule: Run was called a second time")
	}
	now := s.now()
	s.started = true
	s.anchor = s.o.Wall().UnixNano() - now
	s.begin = func(w *worker) { go s.work(ctx, w) }
	for _, e := range s.entries {
		s.planFirst(e, now)
		if e.again {
			e.again, e.at = false, now
			e.cron.unplan()
		}
	}
	s.rebuild()
	return nil
}

// fire starts what is due and returns how long there is nothing to do.
func (s *Scheduler) fire() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	s.beat(now)
	for len(s.queue) > 0 && s.queue[0].at <= now {
		if e := s.queue.pop(); s.cronDue(e, now) {
			s.admit(e)
		} else {
			s.queue.push(e)
		}
	}
	s.armed = math.MaxInt64
	if len(s.queue) > 0 {
		s.armed = s.queue[0].at
	}
	if s.crons > 0 {
		s.armed = min(s.armed, s.pulseAt)
	}
	return time.Duration(s.armed - now)
}

// start hands e, which has its places, to a goroutine.
func (s *Scheduler) start(e *entry) {
	if s.stopping {
		return
	}
	if n := len(s.idle); n > 0 {
		w := s.idle[n-1]
		s.idle = s.idle[:n-1]
		w.next <- e
		return
	}
	s.workers++
	s.begin(&worker{first: e, next: make(chan *entry, 1)})
}

// work runs w.first and then what it is handed, until it is no longer needed.
func (s *Scheduler) work(ctx context.Context, w *worker) {
	for e := w.first; e != nil; {
		o, ok := s.once(ctx, e)
		if !ok {
			s.quit()
			return
		}
		next, missed, stay := s.finish(w, e, o)
		for range missed {
			s.o.Skipped()
		}
		if e = next; e == nil && stay {
			e = <-w.next // nil once it is closed
		}
	}
}

// once runs e; ok is false if ctx ended before it did.
func (s *Scheduler) once(ctx context.Context, e *entry) (o outcome, ok bool) {
	if ctx.Err() != nil {
		return o, false
	}
	o.start = s.now()
	s.o.Lag(time.Duration(o.start - e.due))
	o.state, o.took = s.probe(ctx, e.running)
	return o, ctx.Err() == nil
}

// outcome is what the scheduler keeps of a run.
type outcome struct {
	start int64
	took  time.Duration
	state check.State
}

// probe runs j once and has its result observed.
func (s *Scheduler) probe(ctx context.Context, j *Job) (state check.State, took time.Duration) {
	begun := time.Now()
	defer func() {
		if p := recover(); p != nil {
			took = time.Since(begun)
			s.o.Log.Error("a run panicked", slog.String("monitor", j.ID), slog.String("panic", fmt.Sprint(p)), slog.String("stack", string(debug.Stack())))
		}
	}()
	run, cancel := context.WithTimeout(ctx, j.Timeout)
	defer cancel()
	r := j.Probe(run)
	took = time.Since(begun)
	if ctx.Err() != nil {
		return "", took // it was cut short: that proves nothing
	}
	return s.o.Observe(r), took
}

// finish puts e back into the heap and says what worker w does next: the run of
// another entry, waiting for one (stay), or neither.
func (s *Scheduler) finish(w *worker, e *entry, o outcome) (next *entry, missed int, stay bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopping {
		s.leave()
		return nil, 0, false
	}
	next = s.release(e)
	missed = s.settle(e, o)
	if next != nil {
		return next, missed, true
	}
	if len(s.idle) < keep {
		s.idle = append(s.idle, w)
		return nil, missed, true
	}
	s.leave()
	return nil, missed, false
}

// settle plans the next run of e.
func (s *Scheduler) settle(e *entry, o outcome) (missed int) {
	e.place, e.held = nowhere, nil
	if e.gone {
		if s.leaving[e.running.ID] == e {
			delete(s.leaving, e.running.ID)
		}
		return 0
	}
	e.slow = o.took >= e.running.Timeout/100*nearly
	e.running = nil
	if s.paused[e.job.ID] {
		e.rest()
		return 0
	}
	missed = s.planNext(e, o.start, s.now(), o.state)
	e.place = queued
	s.queue.push(e)
	s.nudge(e.at)
	return missed
}

// quit is leave at the end of Run, when nobody waits for places any more.
func (s *Scheduler) quit() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.leave()
}

// leave counts a worker that ends.
func (s *Scheduler) leave() {
	if s.workers--; s.workers == 0 && s.stopping {
		s.over <- struct{}{}
	}
}

// close ends the workers and waits for them.
func (s *Scheduler) close() error {
	s.mu.Lock()
	s.stopping = true
	for _, w := range s.idle {
		close(w.next)
		s.workers--
	}
	s.idle = nil
	left := s.workers
	s.mu.Unlock()
	if left == 0 {
		return nil
	}
	limit := time.NewTimer(s.o.Drain)
	defer limit.Stop()
	select {
	case <-s.over:
		return nil
	case <-limit.C:
		s.mu.Lock()
		defer s.mu.Unlock()
		return fmt.Errorf("schedule: %d runs did not stop within %s", s.workers, s.o.Drain)
	}
}

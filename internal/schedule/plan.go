package schedule

import (
	"time"

	"github.com/watchword/watchword/internal/check"
)

const (
	firstWithin = int64(60 * time.Second) // of a job's coming, whatever its interval
	pulse       = int64(30 * time.Second) // between two looks at the wall clock
	slack       = time.Millisecond        // how much before its time a cron run may start, for a clock that is being slewed
	drift       = 5 * time.Millisecond    // of the wall clock against the monotonic one, that is corrected for
	aDay        = int64(24 * time.Hour)

	// Phases are multiples of grain: runs of one instant share one wake-up of
	// the process. At 500 fresh requests a second that halved the CPU time of a
	// run against a grain of 1 ms (160 µs, 320 µs; 20 ms: 137 µs).
	grain = int64(10 * time.Millisecond)
)

// period is what the phase of a job is taken modulo.
func (e *entry) period() int64 {
	if e.cron != nil || e.job.Interval <= 0 {
		return firstWithin
	}
	return int64(e.job.Interval)
}

// slot returns the first time from `from` on at which the phase of e comes
// round, every `every`.
func (s *Scheduler) slot(e *entry, every, from int64) int64 {
	period := e.period()
	phase := int64(e.hash % uint64(period))
	if period >= 100*grain {
		phase -= phase % grain
	}
	past := (s.anchor + from - phase) % every
	if past < 0 {
		past += every
	}
	if past == 0 {
		return from
	}
	return from + every - past
}

// planFirst sets the time of a job's first run.
func (s *Scheduler) planFirst(e *entry, now int64) {
	e.at = s.slot(e, min(e.period(), firstWithin), now)
	if e.cron == nil {
		return
	}
	first := e.at
	if s.planCron(e, now); e.at > first {
		e.at = first
		e.cron.unplan()
	}
}

// planNext sets the time of the run after one that was due at e.due, started at
// start and ended now. It returns how many planned times passed meanwhile.
func (s *Scheduler) planNext(e *entry, start, now int64, state check.State) int {
	if e.changed {
		e.changed, e.slow = false, false
		s.planFirst(e, now)
		if e.again {
			e.again, e.at = false, now
			e.cron.unplan()
		}
		return 0
	}
	missed := s.planOrdinary(e, now)
	switch {
	case e.again:
		e.again, e.at = false, now
		e.cron.unplan()
	case state == check.Pending && e.job.RetryInterval > 0:
		e.at = max(now, start+int64(e.job.RetryInterval))
		e.cron.unplan()
	}
	return missed
}

// planOrdinary sets the next time of the interval's grid or of the cron spec.
func (s *Scheduler) planOrdinary(e *entry, now int64) int {
	if e.cron != nil {
		missed := s.missedCron(e, now)
		s.planCron(e, now)
		return missed
	}
	every := e.period()
	next := s.slot(e, every, e.due+1)
	if next >= now {
		e.at = next
		return 0
	}
	e.at = s.slot(e, every, now)
	return int((e.at - next) / every)
}

// cronState is where a cron job stands by the wall clock.
type cronState struct {
	spec    Cron
	planned time.Time // occurrence that e.at stands for; zero: it stands for none
	last    time.Time // occurrence that ran last
	lastAt  int64     // when that was
	none    bool      // the spec has no occurrence in sight; e.at is when to look again
}

func newCronState(spec Cron) *cronState {
	if spec == nil {
		return nil
	}
	return &cronState{spec: spec}
}

func (c *cronState) unplan() {
	if c != nil {
		c.planned, c.none = time.Time{}, false
	}
}

// planCron plans the next occurrence by the wall clock.
//
// After the clock was set back, occurrences come round that have run already.
// They run again only when as much time has passed since as lies between them
// and their successors: so none runs twice in a row because of a small step,
// and a large one leaves nobody unwatched for longer than the spec itself does.
func (s *Scheduler) planCron(e *entry, now int64) {
	c, wall := e.cron, s.o.Wall().Round(0)
	next := c.spec.Next(wall)
	if !c.last.IsZero() && !next.After(c.last) {
		free := c.lastAt + int64(c.spec.Next(c.last).Sub(c.last))
		for !next.IsZero() && !next.After(c.last) && now+int64(next.Sub(wall)) < free {
			next = c.spec.Next(next)
		}
	}
	c.planned, c.none = next, next.IsZero()
	if c.none {
		e.at = now + aDay
		return
	}
	e.at = now + int64(next.Sub(wall))
}

// cronDue says whether e, whose time has come, may run: an occurrence is held
// to what the wall clock says now. If not, e has been planned anew.
func (s *Scheduler) cronDue(e *entry, now int64) bool {
	c := e.cron
	if c == nil || c.planned.IsZero() && !c.none { // not by the wall clock: a first run, a retry, a run on demand
		return true
	}
	if c.none || c.planned.Sub(s.o.Wall().Round(0)) > slack {
		s.planCron(e, now)
		return false
	}
	c.last, c.lastAt = c.planned, now
	c.planned = time.Time{}
	return true
}

// missedCron counts the occurrences that passed while a run waited and ran.
func (s *Scheduler) missedCron(e *entry, now int64) int {
	wall := s.o.Wall().Round(0)
	from := wall.Add(-time.Duration(now - e.due))
	if from.Before(e.cron.last) {
		from = e.cron.last
	}
	n := 0
	for next := e.cron.spec.Next(from); n < 1000 && !next.IsZero() && next.Before(wall); n++ {
		next = e.cron.spec.Next(next)
	}
	return n
}

// beat reads the wall clock when that is due and follows it where it went
// another way than the monotonic clock.
func (s *Scheduler) beat(now int64) {
	if s.crons == 0 {
		s.pulseAt = 0
		return
	}
	if now < s.pulseAt {
		return
	}
	wall := s.o.Wall().Round(0)
	fresh := s.pulseAt == 0
	off := wall.Sub(s.pulsed) - time.Duration(now-(s.pulseAt-pulse))
	s.pulsed, s.pulseAt = wall, now+pulse
	if fresh || off.Abs() > drift {
		s.follow(now, wall, off < 0)
	}
}

// follow moves what is planned by the wall clock to where it is now. An
// occurrence that the clock jumped over runs once, now.
func (s *Scheduler) follow(now int64, wall time.Time, back bool) {
	for i := range s.queue {
		e := s.queue[i].e
		if e.cron == nil || e.cron.planned.IsZero() {
			continue
		}
		if back {
			s.planCron(e, now)
		} else {
			e.at = max(now, now+int64(e.cron.planned.Sub(wall)))
		}
		s.queue[i].at = e.at
	}
	s.queue.init()
}

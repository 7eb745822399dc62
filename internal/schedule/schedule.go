// Package schedule says when checks run. It holds one heap of next runs and one
// timer; a run has a goroutine of its own for as long as it lasts.
//
// A monitor's runs come at a steady phase: the hash of its id modulo its
// interval, counted from the Unix epoch, so that restarts and reloads keep it
// and nothing bunches at start. Intervals are measured by the monotonic clock;
// cron specs follow the wall clock. A monitor never overlaps itself.
//
// What a run found is none of this package's business: it hands the result to
// Options.Observe and is told the state that decides when the next run comes.
package schedule

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/watchword/watchword/internal/check"
)

const (
	defaultRunning = 1024
	// 256 at once carry a thousand monitors of one origin at an interval of 1 s
	// while it answers within a quarter of a second, and at 60 s while it
	// answers within 15 s: no healthy gate comes near it. An origin that turns
	// slow without timing out still cannot take the places of all others.
	defaultPerOrigin = 256
	defaultDrain     = 5 * time.Second
	defaultTimeout   = 10 * time.Second
)

// Cron is a schedule by the wall clock. Next returns the first time after t, or
// the zero time if there is none.
type Cron interface {
	Next(t time.Time) time.Time
}

// Job is one monitor as the scheduler knows it.
type Job struct {
	ID            string
	Interval      time.Duration // from planned start to planned start; unused with Cron
	RetryInterval time.Duration // from the start of a run that left the monitor pending to the next; 0: the ordinary time
	Timeout       time.Duration // deadline of a run; 0: 10 s
	Cron          Cron          // nil: Interval
	Origin        string        // what Options.PerOrigin counts by; "": not limited
	Probe         check.ProbeFunc
	Key           any // comparable; an unchanged Key is an unchanged job, whatever the other fields say
}

// Options are what a Scheduler needs from outside. Funcs are called from the
// goroutines of the runs, several at once; those that are nil are left out.
type Options struct {
	// Observe takes the result of a run and returns the state of its monitor,
	// which decides when the next run comes. It is not called for a run that
	// was cut short because the scheduler ends.
	Observe func(check.Result) check.State
	// Wall is the wall clock, for cron specs. It is read at least every 30 s
	// while there are any. nil: time.Now.
	Wall func() time.Time
	// MaxRunning is how many runs may go on at once, at least 2; 0: 1024. A
	// quarter of them is the lane of those who timed out when last run.
	MaxRunning int
	// PerOrigin is how many of them may go to one origin; 0: 256, and never
	// more than half of the ordinary lane. In the lane of those who timed out
	// half as many.
	PerOrigin int
	// Drain is how long Run waits at its end for runs to stop; 0: 5 s.
	Drain time.Duration
	// Lag is told for every run how much later than planned it started.
	Lag func(time.Duration)
	// Skipped is called for every planned run that did not take place because
	// the one before it had not ended.
	Skipped func()
	Log     *slog.Logger
}

// Scheduler runs jobs at their times. Its methods may be called from several
// goroutines, before, during and after Run.
type Scheduler struct {
	o    Options
	base time.Time            // what all int64 times of this package are nanoseconds since, by the monotonic clock
	wake chan struct{}        // tells Run that something came before what its timer waits for
	over chan struct{}        // the last worker has ended
	asks chan chan<- struct{} // of Alive, to be closed by Run

	mu       sync.Mutex
	started  bool
	stopping bool
	anchor   int64 // Unix time of base in ns when Run began: phases are counted from it
	armed    int64 // when Run wakes by itself
	entries  map[string]*entry
	leaving  map[string]*entry // removed by Replace while they run
	origins  map[string]*origin
	paused   map[string]bool // by ID, whether there is such a job or not
	queue    heap
	lanes    [2]lane
	crons    int
	pulseAt  int64     // when the wall clock is to be read again
	pulsed   time.Time // what it said last
	idle     []*worker
	workers  int
	begin    func(*worker) // starts a worker; set by Run
}

// entry is a job and where it stands.
type entry struct {
	job     *Job // replaced on reload, never changed
	running *Job // of the run in progress
	cron    *cronState
	origin  *origin // where job goes; nil: not limited
	held    *origin // where the run in progress goes
	hash    uint64
	at      int64 // when the next run is due
	due     int64 // when the run in progress was
	place   place
	lane    uint8 // in which it runs or waits
	slow    bool  // its last run timed out, or nearly did
	again   bool  // RunNow was called while it ran
	changed bool  // the job was replaced while it ran
	gone    bool  // removed
}

type place uint8

const (
	nowhere place = iota
	queued        // in the heap
	waiting       // due, and held by a limit
	busy          // running
)

// New returns a scheduler without jobs.
func New(o Options) *Scheduler {
	if o.Wall == nil {
		o.Wall = time.Now
	}
	if o.Lag == nil {
		o.Lag = func(time.Duration) {}
	}
	if o.Skipped == nil {
		o.Skipped = func() {}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Observe == nil {
		o.Observe = func(check.Result) check.State { return "" }
	}
	if o.Drain <= 0 {
		o.Drain = defaultDrain
	}
	return &Scheduler{
		o:       o,
		base:    time.Now(),
		wake:    make(chan struct{}, 1),
		over:    make(chan struct{}, 1),
		asks:    make(chan chan<- struct{}),
		entries: map[string]*entry{},
		leaving: map[string]*entry{},
		origins: map[string]*origin{},
		paused:  map[string]bool{},
		lanes:   newLanes(o.MaxRunning, o.PerOrigin),
	}
}

// RunNow has a job run at once, or as soon as its run in progress has ended. It
// returns false if there is no such job, and for one that is paused.
func (s *Scheduler) RunNow(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.entries[id]
	if e == nil || s.paused[id] {
		return false
	}
	switch e.place {
	case nowhere, busy:
		e.again = true
	case queued:
		e.at = s.now()
		e.cron.unplan()
		s.queue.move(e)
		s.nudge(e.at)
	case waiting: // it runs as soon as it may
	}
	return true
}

// Alive asks the loop of Run whether it goes round, and returns an error if it
// has not answered when ctx ends. It answers once it has started all that was
// due.
func (s *Scheduler) Alive(ctx context.Context) error {
	answer := make(chan struct{})
	select {
	case s.asks <- answer:
	case <-ctx.Done():
		return errors.New("schedule: the loop takes no question")
	}
	select {
	case <-answer:
		return nil
	case <-ctx.Done():
		return errors.New("schedule: the loop does not answer")
	}
}

// nudge makes Run look again if at comes before what it waits for.
func (s *Scheduler) nudge(at int64) {
	if at >= s.armed {
		return
	}
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// now is the time since base by the monotonic clock.
func (s *Scheduler) now() int64 { return int64(time.Since(s.base)) }

// hash spreads ids evenly: FNV-1a, and a finalizer because its low bits alone
// are not even for ids that differ in their last digit only.
func hash(id string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(id) {
		h = (h ^ uint64(id[i])) * 1099511628211
	}
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}

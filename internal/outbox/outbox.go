// Package outbox delivers messages: one queue and one goroutine per notifier,
// in strict order, again and again until the service took the message or said
// that it never will. A notifier that hangs delays nobody else.
//
// A ledger on disk hears of every attempt before it is made and of every end,
// so that a message goes out again after a crash only if it may not have
// arrived. A ledger that fails stops nothing.
package outbox

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/watchword/watchword/internal/check"
)

// The ends of a delivery. They are the values of the label `result` of
// watchword_notifications_total.
const (
	Delivered  = "delivered"
	Refused    = "refused"    // the service will never take it, or there is no such notifier
	Superseded = "superseded" // a later message tells it all
	Dropped    = "dropped"    // too old, or no room
)

// Deliver sends one message. Errors are *check.DeliveryError; any other counts
// as one that may pass.
type Deliver func(ctx context.Context, d check.Delivery) (check.Receipt, error)

// Ledger is where the state of each delivery outlives the process.
type Ledger interface {
	Sending(ctx context.Context, id int64) error
	Done(ctx context.Context, id int64, outcome string) error
}

// Channel is one notifier as it is configured.
type Channel struct {
	Deliver Deliver
	Timeout time.Duration // of one attempt; 0 is 10 s
	Key     any           // comparable; a channel of an equal key is the same one
}

// Stored is a delivery from before a restart.
type Stored struct {
	check.Delivery
	Sending bool // an attempt may have reached the notifier
}

// Options say whom the outbox tells. All hooks may be nil; they must not block.
type Options struct {
	Ledger     Ledger
	Log        *slog.Logger
	Finished   func(notifier, outcome string) // a delivery ended
	Attempted  func(notifier, result string)  // ok, retry or refused
	Unrecorded func(notifier string)          // the ledger did not take a note
	Limit      int                            // messages that wait for one notifier, a tenth more at times; 0 is 10 000

	jitter func() float64 // [0, 1)
}

const (
	firstDelay  = time.Second
	lastDelay   = 5 * time.Minute
	longestWait = time.Hour // that a service may ask for
	maxAge      = 24 * time.Hour
	mergeAfter  = time.Hour
	ledgerWait  = 2 * time.Second
	grace       = 5 * time.Second // for attempts in flight when the outbox ends
	tries       = 10 * time.Second

	// A notifier that takes one message an incident (a webhook) gets as many
	// at once as there are monitors that fail for reasons of their own.
	defaultLimit = 10_000
)

// Outbox is the queues of all notifiers. Its methods may be called from
// everywhere, also from within a Deliver.
type Outbox struct {
	o     Options
	clerk clerk

	mu     sync.Mutex
	queues map[string]*queue
	ctx    context.Context // of Run, nil before
	hard   context.Context // of attempts: ends a grace after ctx
	wg     sync.WaitGroup
	ended  bool
}

// New returns an outbox without channels.
func New(o Options) *Outbox {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Finished == nil {
		o.Finished = func(string, string) {}
	}
	if o.Attempted == nil {
		o.Attempted = func(string, string) {}
	}
	if o.Unrecorded == nil {
		o.Unrecorded = func(string) {}
	}
	if o.Ledger == nil {
		o.Ledger = noLedger{}
	}
	if o.Limit <= 0 {
		o.Limit = defaultLimit
	}
	if o.jitter == nil {
		o.jitter = rand.Float64
	}
	box := &Outbox{o: o, queues: map[string]*queue{}}
	box.clerk = clerk{box: box, wake: make(chan struct{}, 1)}
	return box
}

type noLedger struct{}

func (noLedger) Sending(context.Context, int64) error      { return nil }
func (noLedger) Done(context.Context, int64, string) error { return nil }

// SetChannels has the outbox deliver through these channels from now on. A
// channel whose key is unchanged goes on undisturbed; one that is changed takes
// over what waits, and tries at once; what waits for one that is gone is
// refused.
func (box *Outbox) SetChannels(channels map[string]Channel) {
	box.mu.Lock()
	defer box.mu.Unlock()
	for name, q := range box.queues {
		if _, kept := channels[name]; !kept {
			delete(box.queues, name)
			q.close()
		}
	}
	for name, ch := range channels {
		if ch.Timeout <= 0 {
			ch.Timeout = tries
		}
		if q, ok := box.queues[name]; ok {
			q.change(ch)
			continue
		}
		q := newQueue(box, name, ch)
		box.queues[name] = q
		box.start(q)
	}
}

// start runs a queue, if the outbox runs. box.mu is held.
func (box *Outbox) start(q *queue) {
	if box.ctx == nil || box.ended {
		return
	}
	ctx, hard := box.ctx, box.hard
	box.wg.Go(func() { q.run(ctx, hard) })
}

// Enqueue puts messages at the end of their notifiers' queues. It never waits.
func (box *Outbox) Enqueue(ds ...check.Delivery) {
	box.mu.Lock()
	defer box.mu.Unlock()
	for _, d := range ds {
		box.put(&item{d: d})
	}
}

// Restore takes in what a former process left, in the order of the numbers:
// for each notifier what it was sending goes out first.
func (box *Outbox) Restore(stored []Stored) {
	box.mu.Lock()
	defer box.mu.Unlock()
	for _, was := range []bool{true, false} {
		for _, s := range stored {
			if s.Sending == was {
				box.put(&item{d: s.Delivery, sent: s.Sending})
			}
		}
	}
}

func (box *Outbox) put(it *item) {
	if q, ok := box.queues[it.d.Notifier]; ok {
		q.put(it)
		return
	}
	box.o.Log.Warn("notification refused: there is no such notifier", slog.String("notifier", it.d.Notifier), slog.Int64("delivery", it.d.ID), slog.String("kind", string(it.d.Kind)))
	box.clerk.note(it.d, Refused)
}

// Pending returns how many messages of each notifier have not ended.
func (box *Outbox) Pending() map[string]int {
	box.mu.Lock()
	defer box.mu.Unlock()
	pending := make(map[string]int, len(box.queues))
	for name, q := range box.queues {
		pending[name] = q.length()
	}
	return pending
}

// Run delivers until ctx ends. Attempts in flight then have 5 s to end; what
// waits stays in the ledger as it is. It can be called once.
func (box *Outbox) Run(ctx context.Context) error {
	hard, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	box.mu.Lock()
	box.ctx, box.hard = ctx, hard
	for _, q := range box.queues {
		box.start(q)
	}
	box.mu.Unlock()
	var clerk sync.WaitGroup
	clerk.Go(func() { box.clerk.run(ctx, hard) })
	<-ctx.Done()
	box.mu.Lock()
	box.ended = true
	box.mu.Unlock()
	timer := time.AfterFunc(grace, cut)
	defer timer.Stop()
	box.wg.Wait()
	clerk.Wait()
	return nil
}

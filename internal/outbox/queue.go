package outbox

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/watchword/watchword/internal/check"
)

// item is a message that waits.
type item struct {
	d    check.Delivery
	sent bool // it may have reached its notifier
}

// queue is what waits for one notifier.
type queue struct {
	box  *Outbox
	name string
	wake chan struct{} // room for one

	mu       sync.Mutex
	ch       Channel
	items    []*item   // the first is the next to go out
	flying   *item     // the one that is being sent: always the first
	failures int       // attempts in a row that may pass
	notUntil time.Time // when the next attempt is allowed
	gone     bool
}

func newQueue(box *Outbox, name string, ch Channel) *queue {
	return &queue{box: box, name: name, ch: ch, wake: make(chan struct{}, 1)}
}

func (q *queue) kick() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

func (q *queue) length() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.items)
}

func (q *queue) put(it *item) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.items = append(q.items, it)
	if limit := q.box.o.Limit; len(q.items) > limit+limit/10 {
		q.makeRoom()
	}
	q.kick()
}

// change puts another channel in place.
func (q *queue) change(ch Channel) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.ch.Key == ch.Key {
		return
	}
	q.ch = ch
	q.failures, q.notUntil = 0, time.Time{}
	q.kick()
}

// close refuses what waits. An attempt in flight ends by itself.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.gone = true
	waiting := q.items
	if q.flying != nil {
		waiting = q.items[1:]
	}
	for _, it := range waiting {
		q.box.clerk.note(it.d, Refused)
	}
	if len(waiting) > 0 {
		q.box.o.Log.Warn("notifications refused: the notifier is no longer configured", slog.String("notifier", q.name), slog.Int("count", len(waiting)))
	}
	q.items = q.items[:len(q.items)-len(waiting)]
	q.kick()
}

// run delivers until ctx ends or the channel is gone.
func (q *queue) run(ctx, hard context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for ctx.Err() == nil {
		it, wait := q.take()
		if it != nil {
			q.attempt(ctx, hard, it)
			continue
		}
		if wait < 0 {
			return
		}
		timer.Reset(wait)
		select {
		case <-ctx.Done():
		case <-q.wake:
		case <-timer.C:
		}
	}
}

// take returns the message that is due now, or how long to wait; a negative
// time says that the queue has ended.
func (q *queue) take() (*item, time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.gone {
		return nil, -1
	}
	q.tidy(time.Now())
	if len(q.items) == 0 {
		return nil, time.Hour
	}
	if wait := time.Until(q.notUntil); wait > 0 {
		return nil, wait
	}
	q.flying = q.items[0]
	return q.flying, 0
}

// attempt sends a message once.
func (q *queue) attempt(ctx, hard context.Context, it *item) {
	q.mu.Lock()
	ch := q.ch
	q.mu.Unlock()
	q.announce(hard, it.d.ID)
	if ctx.Err() != nil { // the disk was slow and the outbox ended meanwhile
		q.settle(it, false)
		return
	}
	try, cancel := context.WithTimeout(hard, ch.Timeout)
	_, err := ch.Deliver(try, it.d)
	cancel()
	if err == nil {
		q.box.o.Attempted(q.name, "ok")
		q.succeeded(it)
		return
	}
	v := judge(err)
	if v.permanent {
		q.box.o.Attempted(q.name, "refused")
		q.box.o.Log.Error("notification refused", slog.String("notifier", q.name), slog.Int64("delivery", it.d.ID), slog.String("kind", string(it.d.Kind)), slog.String("reason", v.text))
		q.end(it, Refused)
		return
	}
	q.box.o.Attempted(q.name, "retry")
	q.failed(it, v, ch.Key)
}

// announce notes in the ledger that an attempt follows.
func (q *queue) announce(hard context.Context, id int64) {
	ctx, cancel := context.WithTimeout(hard, ledgerWait)
	defer cancel()
	if err := q.box.o.Ledger.Sending(ctx, id); err != nil {
		q.box.o.Unrecorded(q.name)
	}
}

func (q *queue) succeeded(it *item) {
	q.mu.Lock()
	failures := q.failures
	q.mu.Unlock()
	if failures > 0 {
		q.box.o.Log.Info("notifier takes messages again", slog.String("notifier", q.name), slog.Int("failed_attempts", failures))
	}
	q.end(it, Delivered) // first: a kill between answer and record is a repeat
	q.box.o.Log.Info("notification delivered", slog.String("notifier", q.name), slog.String("kind", string(it.d.Kind)), slog.Int("incidents", len(it.d.Events)))
}

// end removes a message that was attempted and has its end written down before
// the next one goes out.
func (q *queue) end(it *item, outcome string) {
	q.settle(it, true)
	q.mu.Lock()
	q.failures, q.notUntil = 0, time.Time{}
	q.mu.Unlock()
	q.box.done(context.Background(), it.d, outcome)
}

// settle takes a message out of flight, and out of the queue if it ended.
func (q *queue) settle(it *item, ended bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.flying = nil
	if i := slices.Index(q.items, it); ended && i >= 0 {
		q.items = slices.Delete(q.items, i, i+1)
	}
}

// failed has the whole channel wait before the next attempt. What a channel
// said that was replaced meanwhile (key is another) binds nobody.
func (q *queue) failed(it *item, v verdict, key any) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.flying = nil
	it.sent = it.sent || v.possiblySent
	if q.gone {
		q.items = nil
		q.box.clerk.note(it.d, Refused)
		q.box.o.Log.Warn("notifications refused: the notifier is no longer configured", slog.String("notifier", q.name), slog.Int("count", 1))
		return
	}
	if q.ch.Key != key {
		return
	}
	q.failures++
	wait := max(backoff(q.failures, q.box.o.jitter()), min(v.retryAfter, longestWait))
	q.notUntil = time.Now().Add(wait)
	level := slog.LevelDebug
	if q.failures == 1 || q.failures%20 == 0 { // once, and then every hour or two
		level = slog.LevelWarn
	}
	q.box.o.Log.Log(context.Background(), level, "notification not delivered yet", slog.String("notifier", q.name), slog.Int64("delivery", it.d.ID),
		slog.String("reason", v.text), slog.Int("failed_attempts", q.failures), slog.Duration("next_attempt_in", wait), slog.Int("waiting", len(q.items)))
}

// backoff is 1 s after the first failure, doubled with each up to 5 minutes,
// less up to a fifth.
func backoff(failures int, jitter float64) time.Duration {
	d := lastDelay
	if failures < 10 { // 2^9 s is more than 5 minutes
		d = min(firstDelay<<(failures-1), lastDelay)
	}
	return d - time.Duration(jitter*float64(d)/5)
}

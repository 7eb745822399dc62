package outbox

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/watchword/watchword/internal/check"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// journal is a ledger and all hooks, and writes down in order what it is told.
type journal struct {
	mu    sync.Mutex
	lines []string
	log   bytes.Buffer
	fail  error // of the ledger
	hang  bool  // the ledger waits as long as it may
}

func (j *journal) add(format string, args ...any) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(j.lines, fmt.Sprintf(format, args...))
}

func (j *journal) all(prefix string) []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	var found []string
	for _, l := range j.lines {
		if rest, ok := strings.CutPrefix(l, prefix); ok {
			found = append(found, rest)
		}
	}
	return found
}

func (j *journal) note(ctx context.Context) error {
	if j.hang {
		<-ctx.Done()
		return ctx.Err()
	}
	return j.fail
}

func (j *journal) Sending(ctx context.Context, id int64) error {
	j.add("sending %d", id)
	return j.note(ctx)
}

func (j *journal) Done(ctx context.Context, id int64, outcome string) error {
	j.add("done %d %s", id, outcome)
	return j.note(ctx)
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.log.Write(p)
}

func (j *journal) logged(text string) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.Contains(j.log.String(), text)
}

// world is an outbox under test within a bubble.
type world struct {
	*Outbox
	*journal
	began time.Time
	stop  func()
	ended chan struct{}
}

// begin makes an outbox that does not run yet, without jitter.
func begin(t *testing.T, o Options) *world {
	t.Helper()
	j := &journal{}
	o.Ledger = j
	o.Log = slog.New(slog.NewTextHandler(j, nil))
	o.Finished = func(n, outcome string) { j.add("finished %s %s", n, outcome) }
	o.Attempted = func(n, result string) { j.add("attempted %s %s", n, result) }
	o.Unrecorded = func(n string) { j.add("unrecorded %s", n) }
	o.jitter = func() float64 { return 0 }
	return &world{Outbox: New(o), journal: j, began: time.Now(), ended: make(chan struct{})}
}

func (w *world) run(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	w.stop = func() { cancel(); <-w.ended }
	go func() {
		defer close(w.ended)
		if err := w.Run(ctx); err != nil {
			t.Error(err)
		}
	}()
	t.Cleanup(w.stop)
}

// through is a channel that writes down each attempt with its time and gives
// the answers in turn, the last one for ever; none is success.
func (w *world) through(name string, answers ...error) Channel {
	n := 0
	return Channel{Key: name, Timeout: 10 * time.Second, Deliver: func(_ context.Context, d check.Delivery) (check.Receipt, error) {
		var incidents []string
		for _, e := range d.Events {
			incidents = append(incidents, e.Incident)
		}
		w.add("%s %v %d %s %s", name, time.Since(w.began), d.ID, d.Kind, strings.Join(incidents, ","))
		if len(answers) == 0 {
			return check.Receipt{Status: 200}, nil
		}
		err := answers[min(n, len(answers)-1)]
		n++
		return check.Receipt{}, err
	}}
}

var (
	soon    = &check.DeliveryError{Status: 503, Message: "unavailable"}
	never   = &check.DeliveryError{Status: 403, Permanent: true, Message: "forbidden"}
	reset   = &check.DeliveryError{Message: "connection reset", Err: syscall.ECONNRESET}
	refused = &check.DeliveryError{Message: "connection refused", Err: &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}}
)

// msg is a message to ops about incidents, each with one monitor of its name.
func msg(id int64, kind check.Kind, incidents ...string) check.Delivery {
	d := check.Delivery{ID: id, Notifier: "ops", Kind: kind, At: time.Now()}
	for _, i := range incidents {
		d.Events = append(d.Events, check.Event{Incident: i, Kind: kind, Members: []check.Member{{ID: "monitor-" + i}}})
	}
	return d
}

func expect(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s:\n got %q\nwant %q", what, got, want)
	}
}

func TestOrderAndLedger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := begin(t, Options{})
		w.SetChannels(map[string]Channel{"ops": w.through("ops", nil, never, nil)})
		w.run(t)
		w.Enqueue(msg(1, check.KindDown, "a"), msg(2, check.KindDown, "b"))
		w.Enqueue(msg(3, check.KindUp, "a"))
		synctest.Wait()
		expect(t, "everything", w.all(""),
			"sending 1", "ops 0s 1 down a", "attempted ops ok", "done 1 delivered", "finished ops delivered",
			"sending 2", "ops 0s 2 down b", "attempted ops refused", "done 2 refused", "finished ops refused",
			"sending 3", "ops 0s 3 up a", "attempted ops ok", "done 3 delivered", "finished ops delivered")
		if !w.logged(`reason="answered 403: forbidden"`) {
			t.Errorf("the reason is not in the log: %s", w.log.String())
		}
		if n := w.Pending()["ops"]; n != 0 {
			t.Errorf("%d messages wait, want none", n)
		}
	})
}

func TestBackOffAndRetryAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := begin(t, Options{})
		wait := &check.DeliveryError{Status: 429, RetryAfter: 90 * time.Second, Message: "slow down"}
		w.SetChannels(map[string]Channel{"ops": w.through("ops", soon, soon, soon, wait, soon, nil)})
		w.run(t)
		w.Enqueue(msg(1, check.KindDown, "a"), msg(2, check.KindDown, "b"))
		time.Sleep(time.Hour)
		expect(t, "attempts", w.all("ops "), "0s 1 down a", "1s 1 down a", "3s 1 down a", "7s 1 down a", "1m37s 1 down a", "1m53s 1 down a", "1m53s 2 down b")
		expect(t, "ends", w.all("done "), "1 delivered", "2 delivered")
	})
}

func TestBackOffIsBounded(t *testing.T) {
	for failures, want := range map[int]time.Duration{1: time.Second, 2: 2 * time.Second, 9: 256 * time.Second, 10: 5 * time.Minute, 100_000: 5 * time.Minute} {
		if got := backoff(failures, 0); got != want {
			t.Errorf("after %d failures: got %v, want %v", failures, got, want)
		}
		if got := backoff(failures, 0.999); got < want*4/5 || got > want {
			t.Errorf("after %d failures with jitter: got %v, want %v less up to a fifth", failures, got, want)
		}
	}
}

func TestRetryAfterOfAYearIsCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := begin(t, Options{})
		w.SetChannels(map[string]Channel{"ops": w.through("ops", &check.DeliveryError{Status: 429, RetryAfter: 365 * 24 * time.Hour}, nil)})
		w.run(t)
		w.Enqueue(msg(1, check.KindDown, "a"))
		time.Sleep(2 * time.Hour)
		expect(t, "attempts", w.all("ops "), "0s 1 down a", "1h0m0s 1 down a")
	})
}

func TestDroppedAfterADay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := begin(t, Options{})
		w.SetChannels(map[string]Channel{"ops": w.through("ops", soon)})
		w.run(t)
		w.Enqueue(msg(1, check.KindDown, "a"))
		time.Sleep(23 * time.Hour)
		w.Enqueue(msg(2, check.KindDown, "b"))
		time.Sleep(2 * time.Hour)
		expect(t, "ends", w.all("done "), "1 dropped")
		expect(t, "finished", w.all("finished "), "ops dropped")
		if !w.logged("24 hours") || w.Pending()["ops"] != 1 {
			t.Errorf("pending %v, log %s", w.Pending(), w.log.String())
		}
	})
}

func TestOldMessagesOfAStoppedAgentAreStillTried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := begin(t, Options{})
		down := msg(1, check.KindDown, "a")
		time.Sleep(72 * time.Hour)
		w.SetChannels(map[string]Channel{"ops": w.through("ops")})
		w.Restore([]Stored{{Delivery: down}})
		w.run(t)
		synctest.Wait()
		expect(t, "ends", w.all("done "), "1 delivered")
	})
}

func TestRemindersGiveWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := begin(t, Options{})
		w.SetChannels(map[string]Channel{"ops": w.through("ops", soon, nil)})
		w.run(t)
		w.Enqueue(msg(1, check.KindDown, "a", "b"))
		synctest.Wait() // in back-off now
		w.Enqueue(msg(2, check.KindReminder, "a", "b"), msg(3, check.KindReminder, "a"), msg(4, check.KindUp, "a"), msg(5, check.KindReminder, "c"))
		time.Sleep(time.Minute)
		expect(t, "attempts", w.all("ops "), "0s 1 down a,b", "1s 1 down a,b", "1s 2 reminder b", "1s 4 up a", "1s 5 reminder c")
		ends := w.all("done ")
		slices.Sort(ends)
		expect(t, "ends", ends, "1 delivered", "2 delivered", "3 superseded", "4 delivered", "5 delivered")
	})
}

func TestDownAndUpOfMoreThanAnHourAreOne(t *testing.T) {
	cases := map[string]struct {
		answer error
		after  time.Duration
		up     check.Delivery
		want   []string
	}{
		"never reached":  {refused, 2 * time.Hour, msg(2, check.KindUp, "a"), []string{"2 up a"}},
		"answered no":    {soon, 2 * time.Hour, msg(2, check.KindUp, "a"), []string{"2 up a"}},
		"possibly sent":  {reset, 2 * time.Hour, msg(2, check.KindUp, "a"), []string{"1 down a", "2 up a"}},
		"unknown error":  {errors.New("https://hooks.example.com/secret"), 2 * time.Hour, msg(2, check.KindUp, "a"), []string{"1 down a", "2 up a"}},
		"younger":        {refused, 30 * time.Minute, msg(2, check.KindUp, "a"), []string{"1 down a", "2 up a"}},
		"another":        {refused, 2 * time.Hour, msg(2, check.KindUp, "b"), []string{"1 down a", "2 up b"}},
		"not everything": {refused, 2 * time.Hour, partly(msg(2, check.KindUp, "a")), []string{"1 down a", "2 up a"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := begin(t, Options{})
				w.SetChannels(map[string]Channel{"ops": w.through("bad", c.answer)})
				w.run(t)
				w.Enqueue(msg(1, check.KindDown, "a"))
				time.Sleep(time.Minute)
				c.up.At = time.Now()
				w.Enqueue(c.up)
				time.Sleep(c.after)
				w.SetChannels(map[string]Channel{"ops": w.through("ops")})
				synctest.Wait()
				var got []string
				for _, l := range w.all("ops ") {
					_, l, _ = strings.Cut(l, " ")
					got = append(got, l)
				}
				expect(t, "sent", got, c.want...)
				if w.logged("hooks.example.com") {
					t.Error("the text of an unknown error is in the log")
				}
			})
		})
	}
}

// partly makes an Up tell of another monitor than its Down did.
func partly(d check.Delivery) check.Delivery {
	d.Events[0].Members = []check.Member{{ID: "another"}}
	return d
}

func TestAHangingChannelDelaysNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := begin(t, Options{})
		w.SetChannels(map[string]Channel{"ops": w.through("ops"), "hangs": {Key: 1, Timeout: 10 * time.Second, Deliver: func(ctx context.Context, _ check.Delivery) (check.Receipt, error) {
			w.add("hangs %v", time.Since(w.began))
			<-ctx.Done()
			return check.Receipt{}, &check.DeliveryError{Message: "timed out", Err: ctx.Err()}
		}}})
		w.run(t)
		stuck := msg(1, check.KindDown, "a")
		stuck.Notifier = "hangs"
		w.Enqueue(stuck, msg(2, check.KindDown, "a"))
		time.Sleep(20 * time.Second)
		expect(t, "healthy", w.all("ops "), "0s 2 down a")
		expect(t, "hanging", w.all("hangs "), "0s", "11s")
		if got := w.Pending(); got["hangs"] != 1 || got["ops"] != 0 {
			t.Errorf("pending %v", got)
		}
	})
}

func TestASlowLedgerIsNotWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := begin(t, Options{})
		w.hang = true
		w.SetChannels(map[string]Channel{"ops": w.through("ops")})
		w.run(t)
		w.Enqueue(msg(1, check.KindDown, "a"))
		time.Sleep(time.Minute)
		expect(t, "attempts", w.all("ops "), "2s 1 down a")
		expect(t, "unrecorded", w.all("unrecorded "), "ops", "ops")
		expect(t, "finished", w.all("finished "), "ops delivered")
	})
}

func TestEnqueueNeverWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := begin(t, Options{})
		w.SetChannels(map[string]Channel{"ops": {Deliver: func(ctx context.Context, _ check.Delivery) (check.Receipt, error) {
			<-ctx.Done()
			return check.Receipt{}, soon
		}}})
		w.hang = true
		w.run(t)
		w.Enqueue(msg(1, check.KindDown, "0"))
		synctest.Wait()
		began := time.Now()
		for i := range 10_000 {
			w.Enqueue(msg(int64(i+2), check.KindDown, fmt.Sprint(i)))
		}
		if took := time.Since(began); took != 0 {
			t.Errorf("enqueueing took %v of the bubble's time", took)
		}
		if n := w.Pending()["ops"]; n != 1000 {
			t.Errorf("%d messages wait, want 1000", n)
		}
		time.Sleep(6 * time.Hour)
		if n := len(w.all("finished ops dropped")); n != 9001 {
			t.Errorf("%d counted as dropped, want 9001", n)
		}
		if n := strings.Count(w.log.String(), "notification dropped"); n != 9001 {
			t.Errorf("%d logged as dropped, want 9001", n)
		}
	})
}

func TestRoomIsMadeWhereItHurtsLeast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := begin(t, Options{Limit: 4})
		w.SetChannels(map[string]Channel{"ops": w.through("ops")})
		w.Enqueue(msg(1, check.KindDown, "a"), msg(2, check.KindReminder, "z"), msg(3, check.KindCertificate, "c"), msg(4, check.KindDown, "b"))
		w.Enqueue(msg(5, check.KindDown, "d")) // the reminder goes
		w.Enqueue(msg(6, check.KindUp, "a"))   // the Down of a goes
		w.Enqueue(msg(7, check.KindDown, "e")) // the certificate goes
		w.Enqueue(msg(8, check.KindDown, "f")) // the Up goes, and then only Downs are left
		w.Enqueue(msg(9, check.KindDown, "g"))
		w.run(t)
		synctest.Wait()
		ends := w.all("done ")
		slices.Sort(ends)
		expect(t, "ends", ends, "1 superseded", "2 superseded", "3 dropped", "4 dropped", "5 delivered", "6 dropped", "7 delivered", "8 delivered", "9 delivered")
	})
}

func TestEnqueueFromWithinDeliver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := begin(t, Options{})
		ch := w.through("ops")
		inner := ch.Deliver
		ch.Deliver = func(ctx context.Context, d check.Delivery) (check.Receipt, error) {
			if d.ID == 1 {
				w.Enqueue(msg(2, check.KindDown, "b"))
			}
			return inner(ctx, d)
		}
		w.SetChannels(map[string]Channel{"ops": ch})
		w.run(t)
		w.Enqueue(msg(1, check.KindDown, "a"))
		synctest.Wait()
		expect(t, "ends", w.all("done "), "1 delivered", "2 delivered")
	})
}

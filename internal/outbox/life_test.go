package outbox

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/watchword/watchword/internal/check"
)

func TestRestoreBeginsWithWhatWasBeingSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := begin(t, Options{})
		other := msg(2, check.KindDown, "x")
		other.Notifier = "gone"
		w.SetChannels(map[string]Channel{"ops": w.through("ops")})
		w.Restore([]Stored{{Delivery: msg(1, check.KindDown, "a")}, {Delivery: other, Sending: true}, {Delivery: msg(3, check.KindDown, "b"), Sending: true}, {Delivery: msg(4, check.KindUp, "a")}})
		w.Enqueue(msg(5, check.KindDown, "c"))
		w.run(t)
		synctest.Wait()
		expect(t, "attempts", w.all("ops "), "0s 3 down b", "0s 1 down a", "0s 4 up a", "0s 5 down c")
		expect(t, "the one without notifier", w.all("done 2 "), "refused")
	})
}

func TestWhatMayHaveBeenSentIsNotMerged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := begin(t, Options{})
		down, up := msg(1, check.KindDown, "a"), msg(2, check.KindUp, "a")
		again, late := msg(3, check.KindDown, "b"), msg(4, check.KindUp, "b")
		time.Sleep(3 * time.Hour)
		w.SetChannels(map[string]Channel{"ops": w.through("ops")})
		w.Restore([]Stored{{Delivery: down, Sending: true}, {Delivery: up}, {Delivery: again}, {Delivery: late}})
		w.run(t)
		synctest.Wait()
		expect(t, "attempts", w.all("ops "), "3h0m0s 1 down a", "3h0m0s 2 up a", "3h0m0s 4 up b")
	})
}

func TestReload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := begin(t, Options{})
		slow := func(name string, key any) Channel {
			ch := w.through(name)
			inner := ch.Deliver
			ch.Key = key
			ch.Deliver = func(ctx context.Context, d check.Delivery) (check.Receipt, error) {
				time.Sleep(time.Second)
				return inner(ctx, d)
			}
			return ch
		}
		w.SetChannels(map[string]Channel{"ops": slow("first", 1), "keeps": slow("keeps", 1), "goes": slow("goes", 1)})
		w.run(t)
		for i, name := range []string{"ops", "keeps", "goes"} {
			for n := range 2 {
				d := msg(int64(10*i+n), check.KindDown, "a")
				d.Notifier = name
				w.Enqueue(d)
			}
		}
		synctest.Wait() // the first of each is in flight
		w.SetChannels(map[string]Channel{"ops": slow("second", 2), "keeps": slow("never", 1), "new": slow("new", 1)})
		fresh := msg(30, check.KindDown, "a")
		fresh.Notifier = "new"
		w.Enqueue(fresh)
		time.Sleep(time.Minute)
		for name, want := range map[string][]string{
			"first ": {"1s 0 down a"}, "second ": {"2s 1 down a"}, "keeps ": {"1s 10 down a", "2s 11 down a"}, "never ": nil,
			"goes ": {"1s 20 down a"}, "new ": {"1s 30 down a"}, "done 20 ": {"delivered"}, "done 21 ": {"refused"},
		} {
			expect(t, name, w.all(name), want...)
		}
		if !w.logged("no longer configured") {
			t.Error("what was refused is not in the log")
		}
	})
}

func TestAChangedChannelTriesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := begin(t, Options{})
		w.SetChannels(map[string]Channel{"ops": w.through("bad", soon)})
		w.run(t)
		w.Enqueue(msg(1, check.KindDown, "a"))
		time.Sleep(time.Hour + time.Second)
		w.SetChannels(map[string]Channel{"ops": w.through("ops")})
		synctest.Wait()
		expect(t, "attempts", w.all("ops "), "1h0m1s 1 down a")
	})
}

func TestAnswersOfAReplacedChannelBindNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := begin(t, Options{})
		old := Channel{Key: "old", Deliver: func(context.Context, check.Delivery) (check.Receipt, error) {
			time.Sleep(time.Second)
			return check.Receipt{}, &check.DeliveryError{Status: 429, RetryAfter: time.Hour}
		}}
		w.SetChannels(map[string]Channel{"ops": old})
		w.run(t)
		w.Enqueue(msg(1, check.KindDown, "a"))
		synctest.Wait()
		w.SetChannels(map[string]Channel{"ops": w.through("ops")})
		time.Sleep(time.Minute)
		expect(t, "attempts", w.all("ops "), "1s 1 down a")
	})
}

func TestARemovedChannelInFlightIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := begin(t, Options{})
		w.SetChannels(map[string]Channel{"ops": {Deliver: func(context.Context, check.Delivery) (check.Receipt, error) {
			time.Sleep(time.Second)
			return check.Receipt{}, soon
		}}})
		w.run(t)
		w.Enqueue(msg(1, check.KindDown, "a"))
		synctest.Wait()
		w.SetChannels(nil)
		time.Sleep(time.Minute)
		expect(t, "ends", w.all("done "), "1 refused")
	})
}

func TestShutdown(t *testing.T) {
	for name, c := range map[string]struct {
		takes time.Duration
		want  []string
		after time.Duration
	}{
		"ends in time": {4 * time.Second, []string{"1 delivered"}, 4 * time.Second},
		"is cut off":   {time.Minute, nil, grace},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := begin(t, Options{})
				w.SetChannels(map[string]Channel{"ops": {Timeout: time.Hour, Deliver: func(ctx context.Context, _ check.Delivery) (check.Receipt, error) {
					select {
					case <-time.After(c.takes):
						return check.Receipt{}, nil
					case <-ctx.Done():
						return check.Receipt{}, &check.DeliveryError{Message: "cut off", Err: ctx.Err()}
					}
				}}, "idle": w.through("idle")})
				w.run(t)
				w.Enqueue(msg(1, check.KindDown, "a"), msg(2, check.KindDown, "b"))
				synctest.Wait()
				began := time.Now()
				w.stop()
				if took := time.Since(began); took != c.after {
					t.Errorf("stopping took %v, want %v", took, c.after)
				}
				expect(t, "ends", w.all("done "), c.want...)
				expect(t, "announced", w.all("sending "), "1")
			})
		})
	}
}

func TestNothingBeginsAfterTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := begin(t, Options{})
		w.hang = true // the ledger is still waited for when the end comes
		w.SetChannels(map[string]Channel{"ops": w.through("ops")})
		w.run(t)
		w.Enqueue(msg(1, check.KindDown, "a"))
		synctest.Wait()
		w.stop()
		expect(t, "attempts", w.all("ops "))
		w.SetChannels(map[string]Channel{"ops": w.through("ops"), "more": w.through("more")})
		w.Enqueue(msg(2, check.KindDown, "b"))
		if n := w.Pending()["ops"]; n != 2 {
			t.Errorf("%d messages wait, want 2", n)
		}
	})
}

func TestAFailingLedgerStopsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := begin(t, Options{})
		w.fail = errors.New("disk full")
		w.SetChannels(map[string]Channel{"ops": w.through("ops", soon, nil)})
		w.run(t)
		w.Enqueue(msg(1, check.KindDown, "a"))
		time.Sleep(time.Minute)
		expect(t, "attempts", w.all("ops "), "0s 1 down a", "1s 1 down a")
		expect(t, "attempted", w.all("attempted "), "ops retry", "ops ok")
		expect(t, "unrecorded", w.all("unrecorded "), "ops", "ops", "ops")
		if n := strings.Count(w.log.String(), "not delivered yet"); n != 1 {
			t.Errorf("the failure is logged %d times, want once", n)
		}
	})
}

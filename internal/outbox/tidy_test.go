package outbox

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/watchword/watchword/internal/check"
)

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
		w := begin(t, Options{Limit: 1000})
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
		wait := w.Pending()["ops"]
		if wait < 1000 || wait > 1100 {
			t.Errorf("%d messages wait, want 1000 to 1100", wait)
		}
		time.Sleep(6 * time.Hour)
		if n := len(w.all("finished ops dropped")); n != 10_001-wait {
			t.Errorf("%d counted as dropped, want %d", n, 10_001-wait)
		}
		if n := strings.Count(w.log.String(), "notification dropped"); n != 10_001-wait {
			t.Errorf("%d logged as dropped, want %d", n, 10_001-wait)
		}
	})
}

// A webhook gets one message an incident: thousands of monitors that fail each
// for a reason of its own, and come back, lose none.
func TestAStormFitsIn(t *testing.T) {
	const monitors = 5000
	synctest.Test(t, func(t *testing.T) {
		w := begin(t, Options{})
		w.SetChannels(map[string]Channel{"hook": {Deliver: func(context.Context, check.Delivery) (check.Receipt, error) {
			return check.Receipt{Status: 200}, nil
		}}})
		id := int64(0)
		for _, k := range []check.Kind{check.KindDown, check.KindUp} {
			for i := range monitors {
				id++
				d := msg(id, k, fmt.Sprint(i))
				d.Notifier = "hook"
				w.Enqueue(d)
			}
		}
		w.run(t)
		synctest.Wait()
		if n := len(w.all("finished hook delivered")); n != 2*monitors {
			t.Errorf("%d delivered, want %d", n, 2*monitors)
		}
	})
}

// Putting into a full queue costs little, also when it is full of pairs.
func BenchmarkEnqueueIntoAFullQueue(b *testing.B) {
	box := New(Options{})
	box.SetChannels(map[string]Channel{"ops": {}})
	for i := range 2 * defaultLimit {
		box.Enqueue(msg(int64(i), check.KindDown, fmt.Sprint(i)))
	}
	b.ResetTimer()
	for i := range b.N {
		box.Enqueue(msg(int64(i), check.KindUp, fmt.Sprint(b.N-i)))
	}
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

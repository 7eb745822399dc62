package outbox

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/watchword/watchword/internal/check"
)

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

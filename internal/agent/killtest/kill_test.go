package killtest

import (
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestKill kills the agent WATCHWORD_KILLS times (20), half of them where
// messages go out at once and half where they are gathered. WATCHWORD_SEED
// throws the dice of an earlier run again.
func TestKill(t *testing.T) {
	kills := number(t, "WATCHWORD_KILLS", 20)
	seed := number(t, "WATCHWORD_SEED", int(time.Now().UnixMilli()))
	if testing.Short() {
		kills = min(kills, 6)
	}
	bin := build(t)
	for i, groupWait := range []string{"0s", "200ms"} {
		t.Run("group_wait="+groupWait, func(t *testing.T) {
			t.Parallel()
			began := time.Now()
			l := newLane(t, bin, groupWait, rand.New(rand.NewPCG(uint64(seed), uint64(i))))
			l.boot()
			l.book.begin(calmly(), 0)
			l.told(nil) // all are up before the first kill
			for share := (kills + 1 - i) / 2; l.total() < share; {
				l.round(share - l.total())
			}
			l.finish()
			for _, wrong := range l.book.verdict() {
				t.Error(wrong)
			}
			if !t.Failed() {
				t.Logf("%s, %s, seed %d", l.summary(), time.Since(began).Round(time.Second), seed)
			}
		})
	}
}

func calmly() map[string]role {
	roles := map[string]role{}
	for i := range alone + grouped {
		roles[name(i)] = calm
	}
	return roles
}

func number(t *testing.T, variable string, otherwise int) int {
	t.Helper()
	text := os.Getenv(variable)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		t.Fatalf("%s=%q: a number is needed", variable, text)
	}
	return n
}

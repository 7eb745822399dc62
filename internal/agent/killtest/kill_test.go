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
	bin, began := build(t), time.Now()
	var lanes [2]*lane
	t.Run("agents", func(t *testing.T) { // ends when both have
		for i, groupWait := range []string{"0s", "200ms"} {
			t.Run("group_wait="+groupWait, func(t *testing.T) {
				t.Parallel()
				lanes[i] = newLane(t, bin, groupWait, rand.New(rand.NewPCG(uint64(seed), uint64(i))))
				lanes[i].live((kills + 1 - i) / 2)
			})
		}
	})
	if t.Failed() {
		t.Fatalf("seed %d", seed)
	}
	t.Logf("%s; %s, seed %d", summary(lanes[:]...), time.Since(began).Round(time.Second), seed)
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

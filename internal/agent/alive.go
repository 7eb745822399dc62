package agent

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/watchword/watchword/internal/board"
	"github.com/watchword/watchword/internal/check"
)

// lookAgain bounds how long the timer of incidents sleeps: the wall clock may
// be set while it does.
const lookAgain = 30 * time.Second

// keepTime is the one timer of incidents.
func (a *Agent) keepTime(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
			a.advance(time.Now())
		case asked := <-a.asks:
			a.advance(time.Now())
			close(asked)
		case <-a.woken:
		case <-ctx.Done():
			return
		}
		wait := lookAgain
		if next := a.tracker.Next(); !next.IsZero() {
			wait = min(max(time.Until(next), 0), lookAgain)
		}
		timer.Reset(wait)
	}
}

func (a *Agent) advance(now time.Time) {
	a.observing.Lock()
	defer a.observing.Unlock()
	c, _ := a.tracker.Advance(now)
	a.show(c, "")
	a.push(c)
	a.runNow(c)
}

// Alive asks what the agent lives by, the loop that starts runs and the timer
// of incidents, and says which of them has not answered when ctx ends.
func (a *Agent) Alive(ctx context.Context) error {
	if err := a.scheduler.Alive(ctx); err != nil {
		return err
	}
	answer := make(chan struct{})
	select {
	case a.asks <- answer:
	case <-ctx.Done():
		return errors.New("the timer of incidents takes no question")
	}
	select {
	case <-answer:
		return nil
	case <-ctx.Done():
		return errors.New("the timer of incidents does not answer")
	}
}

// Summary is one line on how things stand: "12 monitors: 10 up, 1 down, 1
// pending; 1 incident".
func (a *Agent) Summary() string {
	tally, all := map[check.State]int{}, 0
	a.board.Each(func(v *board.View) bool {
		tally[v.State]++
		all++
		return true
	})
	parts := []string{check.Count(all, "monitor", "monitors")}
	for i, s := range []check.State{check.Up, check.Down, check.Exposed, check.Pending, check.Maintenance, check.Paused} {
		if tally[s] > 0 || i < 2 && all > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", tally[s], s))
		}
	}
	line := strings.Replace(strings.Join(parts, ", "), ", ", ": ", 1)
	if n := len(a.tracker.Open()); n > 0 {
		line += "; " + check.Count(n, "incident", "incidents")
	}
	if n := a.wrong.Load(); n > 0 {
		line += fmt.Sprintf("; the new configuration has %s, the former stays in force", check.Count(int(n), "error", "errors"))
	}
	return line
}

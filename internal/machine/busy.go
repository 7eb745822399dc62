package machine

import (
	"context"
	"fmt"
	"time"
)

// tooLate is how late a process with a processor to run on never sees a timer.
const tooLate = 500 * time.Millisecond

// LessBusy is what to do where Starved says something.
const LessBusy = "nothing is known of the other side: look at the load and the memory of this machine, and at the limits of the agent's container (CPU); it is tried again by itself"

// Starved says in one line why a deadline that has passed is no fault of who was
// asked: this process hardly ran meanwhile. "" where that does not show. began is
// when the question was to be put; ctx has the deadline.
func Starved(ctx context.Context, began time.Time) string {
	end, ok := ctx.Deadline()
	if !ok {
		return ""
	}
	if late := began.Sub(end); late >= 0 {
		return fmt.Sprintf("this machine was too busy: its turn to ask came %s after the time for the answer was over", rounded(late))
	}
	if late := time.Since(end); late >= tooLate {
		return fmt.Sprintf("this machine was too busy: it noticed %s late that the time for the answer was over", rounded(late))
	}
	return ""
}

func rounded(d time.Duration) time.Duration {
	if d < time.Second {
		return d.Round(time.Millisecond)
	}
	return d.Round(100 * time.Millisecond)
}

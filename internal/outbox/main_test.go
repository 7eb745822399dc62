package outbox

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
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

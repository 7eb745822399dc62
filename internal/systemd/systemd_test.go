package systemd

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// manager is the socket of a service manager.
type manager struct {
	t    *testing.T
	conn *net.UnixConn
}

func newManager(t *testing.T, watchdog string) *manager {
	t.Helper()
	path := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	t.Setenv("NOTIFY_SOCKET", path)
	t.Setenv("WATCHDOG_USEC", watchdog)
	t.Setenv("WATCHDOG_PID", "")
	return &manager{t, conn}
}

// next returns the next datagram, "" if none comes within the time.
func (m *manager) next(within time.Duration) string {
	m.t.Helper()
	if err := m.conn.SetReadDeadline(time.Now().Add(within)); err != nil {
		m.t.Fatal(err)
	}
	b := make([]byte, 4096)
	n, err := m.conn.Read(b)
	if err != nil {
		return ""
	}
	return string(b[:n])
}

// await returns the first datagram that holds a text.
func (m *manager) await(text string) string {
	m.t.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); {
		if got := m.next(time.Second); strings.Contains(got, text) {
			return got
		}
	}
	m.t.Fatalf("%q was not told within 10 s", text)
	return ""
}

// agent is a subject whose loop can hang.
type agent struct {
	mu    sync.Mutex
	hangs bool
	asked chan struct{}
	line  string
}

func (a *agent) hang(on bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.hangs = on
}

func (a *agent) Alive(ctx context.Context) error {
	a.mu.Lock()
	hangs := a.hangs
	a.mu.Unlock()
	if !hangs {
		return nil
	}
	<-ctx.Done()
	select {
	case a.asked <- struct{}{}:
	default:
	}
	return errors.New("the loop does not answer")
}

func (a *agent) Summary() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.line
}

// watched has a unit watch an agent until the test ends.
func watched(t *testing.T, u *Unit, a *agent) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); u.Watch(ctx, a) }()
	stop = func() { cancel(); <-done }
	t.Cleanup(stop)
	return stop
}

func TestReadyReloadStop(t *testing.T) {
	m := newManager(t, "")
	u := New(slog.New(slog.DiscardHandler))
	u.Reloading() // before the beginning: nothing is told
	u.Reloaded("early")
	stop := watched(t, u, &agent{line: "2 monitors: 1 up, 1 down"})
	if got := m.next(5 * time.Second); got != "READY=1\nSTATUS=2 monitors: 1 up, 1 down" {
		t.Errorf("first was told %q", got)
	}
	u.Reloading()
	if got := m.next(5 * time.Second); !regexp.MustCompile(`^RELOADING=1\nMONOTONIC_USEC=[1-9][0-9]*$`).MatchString(got) {
		t.Errorf("at a reload was told %q", got)
	}
	u.Reloaded("two\nlines")
	if got := m.next(5 * time.Second); got != "READY=1\nSTATUS=two lines" {
		t.Errorf("after a reload was told %q", got)
	}
	u.Stopping()
	u.Reloaded("late")
	if got := m.next(5 * time.Second); got != "STOPPING=1\nSTATUS=stopping" {
		t.Errorf("at the end was told %q", got)
	}
	stop()
	if got := m.next(50 * time.Millisecond); got != "" {
		t.Errorf("after the end was told %q", got)
	}
}

func TestHungLoopGetsNoPing(t *testing.T) {
	m := newManager(t, "100000")
	var log strings.Builder
	var mu sync.Mutex
	u := New(slog.New(slog.NewTextHandler(writer(func(p []byte) (int, error) {
		mu.Lock()
		defer mu.Unlock()
		return log.Write(p)
	}), nil)))
	a := &agent{asked: make(chan struct{})}
	watched(t, u, a)
	m.await("READY=1")
	for range 3 {
		if got := m.next(75 * time.Millisecond * 10); got != "WATCHDOG=1" {
			t.Fatalf("was told %q, want a ping", got)
		}
	}
	a.hang(true)
	<-a.asked
	for m.next(10*time.Millisecond) != "" { // those of before
	}
	for range 4 {
		<-a.asked
	}
	if got := m.next(10 * time.Millisecond); got != "" {
		t.Errorf("a hung loop was told as %q", got)
	}
	a.hang(false)
	m.await("WATCHDOG=1")
	mu.Lock()
	defer mu.Unlock()
	if n := strings.Count(log.String(), "the loop does not answer"); n != 1 {
		t.Errorf("that it hangs was logged %d times, want once:\n%s", n, log.String())
	}
}

type writer func([]byte) (int, error)

func (w writer) Write(p []byte) (int, error) { return w(p) }

func TestNotReadyBeforeItIsAlive(t *testing.T) {
	m := newManager(t, "")
	a := &agent{hangs: true, asked: make(chan struct{})}
	stop := watched(t, New(slog.New(slog.DiscardHandler)), a)
	if got := m.next(50 * time.Millisecond); got != "" {
		t.Errorf("was told %q of an agent that does not live", got)
	}
	stop()
}

func TestNobodyWaitsForWord(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "")
	u := New(slog.New(slog.DiscardHandler))
	if u != nil {
		t.Fatal("there is a unit without NOTIFY_SOCKET")
	}
	u.Watch(t.Context(), nil)
	u.Reloading()
	u.Reloaded("")
	u.Stopping()
}

func TestWhoIsGoneIsToldOfOnce(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", filepath.Join(t.TempDir(), "gone"))
	t.Setenv("WATCHDOG_USEC", "soon")
	var log strings.Builder
	u := New(slog.New(slog.NewTextHandler(&log, nil)))
	u.ready("fine")
	u.Reloaded("fine")
	for _, want := range []string{"the watchdog of systemd is not fed", "systemd could not be told"} {
		if n := strings.Count(log.String(), want); n != 1 {
			t.Errorf("%q was logged %d times, want once:\n%s", want, n, &log)
		}
	}
}

// A manager that does not read holds up who is sending, and nobody else; in the
// end it is told all, in order.
func TestAManagerThatDoesNotRead(t *testing.T) {
	m := newManager(t, "")
	u := New(slog.New(slog.DiscardHandler))
	u.began = true
	fill, err := net.Dial("unixgram", m.conn.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer fill.Close()
	for err == nil {
		if err := fill.SetWriteDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		_, err = fill.Write([]byte("full"))
	}
	held := make(chan struct{})
	go func() { defer close(held); u.Reloaded("first") }()
	sending := func() bool { u.mu.Lock(); defer u.mu.Unlock(); return u.sending }
	for end := time.Now().Add(10 * time.Second); !sending(); {
		if time.Now().After(end) {
			t.Fatal("nothing is being sent")
		}
	}
	others := make(chan struct{})
	go func() { defer close(others); u.Reloaded("second"); u.Stopping() }()
	select {
	case <-others:
	case <-time.After(10 * time.Second):
		t.Error("one that cannot send holds up the others")
	}
	for _, want := range []string{"STATUS=first", "STATUS=second", "STOPPING=1"} {
		if got := m.await(want); strings.Count(got, "STATUS=") != 1 {
			t.Errorf("got %q", got)
		}
	}
	<-held
	<-others
}

// Package systemd tells the service manager how the agent is, by sd_notify(3):
// when it has begun to schedule, when it takes a new configuration in, when it
// ends, and that it is alive.
package systemd

import (
	"context"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
)

// every is how often the line of `systemctl status` is looked at.
const every = 10 * time.Second

// Subject is what is told of.
type Subject interface {
	// Alive asks what the agent lives by and returns an error where that does
	// not answer before ctx ends.
	Alive(ctx context.Context) error
	// Summary is one line on how things stand.
	Summary() string
}

// Unit is the agent in the eyes of the service manager. The methods of nil do
// nothing: so it is where no service manager waits for word.
type Unit struct {
	log      *slog.Logger
	interval time.Duration // of the watchdog; 0: there is none

	mu       sync.Mutex // never held while something is written
	queue    []string   // datagrams to be sent
	sending  bool       // somebody sends them
	began    bool       // READY=1 was sent
	ended    bool       // STOPPING=1 was sent
	deaf     bool       // the last word did not arrive, which was logged
	unwell   bool       // the last ping was withheld, which was logged
	lastSaid string
}

// New returns the unit that NOTIFY_SOCKET and WATCHDOG_USEC describe, nil where
// there is none.
func New(log *slog.Logger) *Unit {
	if os.Getenv("NOTIFY_SOCKET") == "" {
		return nil
	}
	interval, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		log.Warn("the watchdog of systemd is not fed", "error", err)
	}
	return &Unit{log: log, interval: interval}
}

// Watch says that the agent is ready as soon as s is alive, and from then on
// until ctx ends feeds the watchdog while s is alive and keeps the status line.
func (u *Unit) Watch(ctx context.Context, s Subject) {
	if u == nil {
		return
	}
	var pings <-chan time.Time
	if u.interval > 0 {
		ping := time.NewTicker(max(u.interval/2, time.Millisecond))
		defer ping.Stop()
		pings = ping.C
	}
	if s.Alive(ctx) != nil { // ctx has ended
		return
	}
	u.ready(s.Summary())
	status := time.NewTicker(every)
	defer status.Stop()
	for {
		select {
		case <-pings:
			u.feed(ctx, s)
		case <-status.C:
			u.status(s.Summary())
		case <-ctx.Done():
			return
		}
	}
}

// feed sends a ping if s is alive. It waits for that a quarter of the interval:
// so a late ping still comes within three quarters of it.
func (u *Unit) feed(ctx context.Context, s Subject) {
	ask, cancel := context.WithTimeout(ctx, u.interval/4)
	defer cancel()
	err := s.Alive(ask)
	if ctx.Err() != nil {
		return
	}
	u.mu.Lock()
	news := err != nil && !u.unwell
	u.unwell = err != nil
	if err == nil {
		u.sendLocked(daemon.SdNotifyWatchdog)
	}
	u.mu.Unlock()
	if news {
		u.log.Error("the agent is not well: the watchdog of systemd gets no ping", "error", err)
	}
	u.flush()
}

// Reloading says that a new configuration is being taken in.
func (u *Unit) Reloading() {
	if u == nil {
		return
	}
	u.tell(func() {
		if u.began {
			u.sendLocked(daemon.SdNotifyReloading, daemon.SdNotifyMonotonicUsec())
		}
	})
}

// Reloaded says that it was taken in, or refused: the agent runs on either way.
func (u *Unit) Reloaded(summary string) {
	if u == nil {
		return
	}
	u.tell(func() {
		if u.began {
			u.sayLocked(daemon.SdNotifyReady, summary)
		}
	})
}

// Stopping says that the agent ends. Nothing is said after it.
func (u *Unit) Stopping() {
	if u == nil {
		return
	}
	u.tell(func() {
		u.sayLocked(daemon.SdNotifyStopping, "stopping")
		u.ended = true
	})
}

func (u *Unit) ready(summary string) {
	u.tell(func() {
		u.sayLocked(daemon.SdNotifyReady, summary)
		u.began = true
	})
}

func (u *Unit) status(summary string) {
	u.tell(func() {
		if summary != u.lastSaid {
			u.sayLocked("", summary)
		}
	})
}

// tell sends what say queues.
func (u *Unit) tell(say func()) {
	u.mu.Lock()
	say()
	u.mu.Unlock()
	u.flush()
}

func (u *Unit) sayLocked(state, summary string) {
	u.lastSaid = summary
	u.sendLocked(state, "STATUS="+strings.ReplaceAll(summary, "\n", " "))
}

// sendLocked queues lines, for one datagram.
func (u *Unit) sendLocked(lines ...string) {
	if !u.ended {
		u.queue = append(u.queue, strings.TrimSpace(strings.Join(lines, "\n")))
	}
}

// flush sends what is queued, in order; what is queued while somebody else does
// is left to that one, so that a manager that does not read holds up one of us
// only.
func (u *Unit) flush() {
	for u.sendNext() {
	}
}

// sendNext sends a datagram and says whether there may be more. Who does not
// take it is no reason to stop watching.
func (u *Unit) sendNext() bool {
	u.mu.Lock()
	if u.sending || len(u.queue) == 0 {
		u.mu.Unlock()
		return false
	}
	next := u.queue[0]
	u.queue, u.sending = u.queue[1:], true
	u.mu.Unlock()
	_, err := daemon.SdNotify(false, next)
	u.mu.Lock()
	news := err != nil && !u.deaf
	u.deaf, u.sending = err != nil, false
	u.mu.Unlock()
	if news {
		u.log.Warn("systemd could not be told", "error", err)
	}
	return true
}

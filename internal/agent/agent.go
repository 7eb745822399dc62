// Package agent wires the rooms together, by hand, in one readable place:
// Build turns a configuration into what is to be run, Agent runs it, takes a
// new configuration in while it runs, and owns the one timer of incidents.
package agent

import (
	"context"
	"crypto/sha256"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/watchword/watchword/exporters"
	"github.com/watchword/watchword/internal/board"
	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/config"
	"github.com/watchword/watchword/internal/incident"
	"github.com/watchword/watchword/internal/outbox"
	"github.com/watchword/watchword/internal/schedule"
	"github.com/watchword/watchword/internal/server"
	"github.com/watchword/watchword/internal/store"
	"github.com/watchword/watchword/internal/systemd"
	"github.com/watchword/watchword/internal/transport"
)

// Options sets an Agent up.
type Options struct {
	Paths    []string // of the configuration
	Version  string
	Revision string
	Built    time.Time // when the program was; zero if that is not known
	Log      *slog.Logger
	Observer Observer       // nil: nobody
	Dial     transport.Dial // nil: over this machine's network
	Unit     *systemd.Unit  // what is told of beginning, reload and end; nil for nothing
}

// Agent is one running Watchword.
type Agent struct {
	opts      Options
	log       *slog.Logger
	key       []byte // of the fingerprints
	ids       ids
	rooms     *rooms
	board     *board.Board
	tracker   *incident.Tracker
	scheduler *schedule.Scheduler
	store     *store.Store
	outbox    *outbox.Outbox
	metrics   *exporters.Prometheus
	mirror    *exporters.KumaPush
	server    *server.Server
	pipe      *pipe
	probing   chan struct{} // places of /probe

	observing sync.Mutex           // orders board, tracker and pipe
	woken     chan struct{}        // the timer of incidents is to look again
	asks      chan chan<- struct{} // of Alive, to be closed by the timer of incidents
	wrong     atomic.Int64         // errors of the configuration that was refused last; 0: none was
	reloading sync.Mutex
	seen      [sha256.Size]byte // digest of the files that were loaded last
	first     *config.Config    // what the agent began with
	names     []string          // some that the first configuration asks for
	plan      atomic.Pointer[plan]
	started   atomic.Bool
	found     lately
	holds     *holds
	wall      func() time.Time // the wall clock, for maintenance
}

// New listens, opens the database and restores what a former run left. When it
// returns an error nothing is left open; where the address cannot be had, no
// database was made.
func New(ctx context.Context, cfg *config.Config, o Options) (*Agent, error) {
	if o.Observer == nil {
		o.Observer = nobody{}
	}
	a := &Agent{wall: time.Now, holds: newHolds(), opts: o, log: o.Log, key: newKey(), first: cfg, seen: cfg.Digest, woken: make(chan struct{}, 1), asks: make(chan chan<- struct{}), board: board.New(time.Now), probing: make(chan struct{}, mostScrapes())}
	if o.Dial == nil { // else names are its own
		a.names = namesOf(cfg)
	}
	a.rooms = newRooms(o, a)
	p, err := build(cfg, nil, a.rooms, a.key)
	if err != nil {
		return nil, err
	}
	rules, err := server.NewRules(cfg.Server.Access, a.log)
	if err != nil {
		return nil, errors.Join(err, a.rooms.close())
	}
	a.metrics, a.mirror = a.newMetrics(), a.newMirror()
	if a.server, err = server.New(a.serverOptions(cfg, rules)); err != nil {
		return nil, errors.Join(notListening(ctx, cfg, err), a.rooms.close())
	}
	if err := a.open(ctx, cfg); err != nil {
		return nil, errors.Join(err, a.server.Close(), a.rooms.close())
	}
	if err := a.restore(ctx, p); err != nil {
		return nil, errors.Join(err, a.abandon(ctx))
	}
	a.beReady()
	return a, nil
}

func (a *Agent) open(ctx context.Context, cfg *config.Config) error {
	a.tellClock()
	if cfg.Storage.Path == "" {
		a.log.Info("storage.path is empty: what fails, what is owed and all history are in memory and end with this process")
	}
	var err error
	a.store, err = store.Open(ctx, store.Options{
		Path: cfg.Storage.Path, Version: a.opts.Version, Log: a.log, Observe: a.metrics.StoreCommit, Late: a.late,
	})
	if err != nil {
		return err
	}
	a.outbox = outbox.New(outbox.Options{
		Ledger: a.store, Log: a.log, Finished: a.metrics.Notification, Attempted: a.metrics.NotificationAttempt,
	})
	a.pipe = newPipe(a.store, a.outbox, a.log)
	running, origin, _ := limits()
	a.scheduler = schedule.New(schedule.Options{
		Observe: a.observe, MaxRunning: running, PerOrigin: origin, Lag: a.metrics.Lag, Skipped: a.metrics.Skipped, Log: a.log,
	})
	return nil
}

func (a *Agent) abandon(ctx context.Context) error {
	return errors.Join(a.store.Close(ctx), a.server.Close(), a.rooms.close())
}

// Addr returns the address that the server listens on.
func (a *Agent) Addr() string { return a.server.Addr().String() }

// URL returns the address of the page as this machine reaches it.
func (a *Agent) URL() string { return a.server.URL() }

// Run works until ctx ends, then drains: probes are cut short, what is in
// flight to a channel gets a few seconds, and what is owed is on disk.
func (a *Agent) Run(ctx context.Context) error {
	serving, running := errgroup.WithContext(ctx)
	keeping, stopKeeping := context.WithCancel(context.WithoutCancel(ctx))
	sending, stopSending := context.WithCancel(context.WithoutCancel(ctx))
	mirroring, stopMirroring := context.WithCancel(context.WithoutCancel(ctx))
	defer stopKeeping()
	defer stopSending()
	defer stopMirroring()
	var probing, keepers, senders sync.WaitGroup
	senders.Go(func() { a.mirror.Run(mirroring) })
	senders.Go(func() { a.complain("outbox", a.outbox.Run(sending)) })
	keepers.Go(func() { a.pipe.run(keeping) })
	keepers.Go(func() { a.keepTime(keeping) })
	keepers.Go(func() { a.keepWindows(running) })
	probing.Go(func() { a.opts.Unit.Watch(running, a) })
	probing.Go(func() { a.complain("schedule", a.scheduler.Run(running)) })
	serving.Go(func() error { return a.server.Run(running) })
	serving.Go(func() error { return a.watch(running) })
	serving.Go(func() error { return a.housekeep(running) })
	serving.Go(func() error { a.tryNames(running); return nil })
	a.started.Store(true)
	<-running.Done()
	a.opts.Unit.Stopping()
	end := time.Now().Add(drain)
	stopSending()  // no new attempt begins; those in flight end while the rest is put away
	probing.Wait() // in this order, so that each hands on what it still has
	stopMirroring()
	stopKeeping()
	keepers.Wait()
	senders.Wait()
	return errors.Join(serving.Wait(), a.close(end))
}

// complain logs what did not end well; the rest is to be ended all the same.
func (a *Agent) complain(room string, err error) {
	if err != nil {
		a.log.Warn("did not end in time", "room", room, "error", err)
	}
}

// drain is how long all of an end may take: a little less than the 10 s that
// container runtimes give.
const drain = 9500 * time.Millisecond

// close gives the disk what is left of the time: a minute of history may wait
// to be written.
func (a *Agent) close(end time.Time) error {
	ctx, cancel := context.WithDeadline(context.Background(), end)
	defer cancel()
	a.store.SaveRollups(a.board.Flush())
	return errors.Join(a.store.Close(ctx), a.rooms.close())
}

// observe takes the result of a run in. It is called from the goroutine of the
// run, and never waits for disk or network.
func (a *Agent) observe(r check.Result) check.State {
	a.observing.Lock()
	s, c := a.tracker.Observe(r)
	if s.State == "" { // of a configuration that is no longer in force
		a.observing.Unlock()
		return ""
	}
	a.board.Record(r, s)
	a.show(c, s.ID)
	a.opts.Observer.Ran(r, s)
	a.push(c)
	a.observing.Unlock()
	a.wake(c)
	a.runNow(c)
	a.mirror.Wake(s.ID)
	a.store.AppendRuns([]check.Run{history(r, s, a.plan.Load().location)})
	a.logNotes(r)
	if r.Fault != nil {
		a.metrics.Fault(r.Fault.Class, r.Fault.Reason)
		a.logFault(r, s, len(c.States) > 0)
	}
	return s.State
}

// show tells the board of the states that a change brought, but for that of one
// monitor, which it knows: there are monitors that fail for other reasons than
// the cause that a result ended, and those that are held or let go.
func (a *Agent) show(c check.Change, but string) {
	for _, s := range c.States {
		if s.ID != but {
			a.board.SetState(s.ID, s)
		}
	}
}

func history(r check.Result, s check.MonitorState, location string) check.Run {
	run := check.Run{
		Monitor: r.Monitor.ID, Start: r.Start, Took: r.Took, Phases: r.Phases, Status: r.StatusCode, State: s.State, Location: location,
	}
	if r.Fault != nil {
		run.Class, run.Reason, run.Message = r.Fault.Class, r.Fault.Reason, r.Fault.Message
	}
	return run
}

// logNotes logs what is worth knowing and no fault: at info when it is news.
func (a *Agent) logNotes(r check.Result) {
	if r.Detail == nil {
		return
	}
	level := slog.LevelInfo
	if r.Detail.Known {
		level = slog.LevelDebug
	}
	for _, note := range r.Detail.Notes {
		a.log.Log(context.Background(), level, "noticed", "monitor", r.Monitor.ID, "note", note)
	}
}

// logFault logs a failed run: at info when it is news, else at debug, so that
// a long outage of many monitors does not fill the disk.
func (a *Agent) logFault(r check.Result, s check.MonitorState, news bool) {
	level := slog.LevelDebug
	if news {
		level = slog.LevelInfo
	}
	a.log.Log(context.Background(), level, "run failed", "monitor", r.Monitor.ID, "state", string(s.State), "class", string(r.Fault.Class),
		"reason", string(r.Fault.Reason), "message", r.Fault.Message, "took", r.Took.Round(time.Millisecond))
}

func (a *Agent) wake(c check.Change) {
	if c.Empty() && len(c.Probe) == 0 {
		return
	}
	select {
	case a.woken <- struct{}{}:
	default:
	}
}

// runNow has those run at once for whom others wait. It does not wait for them.
func (a *Agent) runNow(c check.Change) {
	for _, id := range c.Probe {
		a.scheduler.RunNow(id)
	}
}

// housekeep writes history once a minute.
func (a *Agent) housekeep(ctx context.Context) error {
	tick := time.NewTicker(time.Minute)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			a.store.SaveRollups(a.board.TakeRollups())
		case <-ctx.Done():
			return nil
		}
	}
}

// Ready says whether the agent has begun to schedule.
func (a *Agent) Ready() bool { return a.started.Load() }

// Check builds everything of a configuration without sending a request: what
// `watchword check` does after loading it.
func Check(cfg *config.Config, o Options) error {
	r := newRooms(o, nil)
	_, err := build(cfg, nil, r, newKey())
	return errors.Join(err, r.close())
}

// client never follows redirects: a channel that redirects has not taken the message.
func client(t http.RoundTripper) *http.Client {
	return &http.Client{Transport: t, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

package exporters

import (
	"context"
	"crypto/sha256"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/watchword/watchword/internal/board"
	"github.com/watchword/watchword/internal/secret"
)

const (
	// kumaAtOnce is how many requests go on to one Uptime Kuma. It sends its own
	// messages before it answers a push that changes something.
	kumaAtOnce = 8
	// kumaLast is how long all of a stop may take.
	kumaLast = 2 * time.Second
)

// Monitor gives one row of the live table, and whether it is there.
type Monitor func(id string) (board.View, bool)

// KumaTarget is one monitor that is mirrored into one push monitor of an Uptime
// Kuma.
type KumaTarget struct {
	Monitor string // id
	Token   secret.Text
	Options KumaPushOptions
	RT      http.RoundTripper
	Key     [sha256.Size]byte // of everything above: what has the same goes on as it is
}

// KumaPusherOptions is what a KumaPush needs of the agent.
type KumaPusherOptions struct {
	Board     Monitor
	UserAgent string
	Attempted func(result string) // ok, retry or refused; nil: nobody counts
	Log       *slog.Logger
}

// KumaPush mirrors monitors into push monitors of Uptime Kuma. What is to be
// told is read off the live table at the moment it is told: a state that was
// overtaken is never sent, and nobody waits for a Kuma that hangs. Its methods
// may be called from several goroutines.
type KumaPush struct {
	o       KumaPusherOptions
	changed chan struct{} // Set was called

	mu     sync.RWMutex
	wanted []KumaTarget
	slots  map[string][]*kumaSlot // by monitor

	lanes map[string]*kumaLane // by URL; of Run alone
}

// NewKumaPush returns a KumaPush with nothing to mirror. Set says what, Run
// does it.
func NewKumaPush(o KumaPusherOptions) *KumaPush {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Attempted == nil {
		o.Attempted = func(string) {}
	}
	return &KumaPush{o: o, changed: make(chan struct{}, 1), slots: map[string][]*kumaSlot{}, lanes: map[string]*kumaLane{}}
}

// Set makes ts what is mirrored. It takes effect as soon as Run runs.
func (p *KumaPush) Set(ts []KumaTarget) {
	p.mu.Lock()
	p.wanted = ts
	p.mu.Unlock()
	nudge(p.changed)
}

// Wake tells that something may be new about a monitor. It never waits. A nil
// KumaPush mirrors nothing.
func (p *KumaPush) Wake(id string) {
	if p == nil {
		return
	}
	p.mu.RLock()
	defer p.mu.RUnlock()
	for _, s := range p.slots[id] {
		nudge(s.woken)
	}
}

func nudge(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Run mirrors until ctx ends. Then what is new since the last request is sent,
// within two seconds, or dropped: Kuma will miss its heartbeats anyway.
func (p *KumaPush) Run(ctx context.Context) {
	life, kill := context.WithCancel(context.WithoutCancel(ctx))
	defer kill()
	var all sync.WaitGroup
	for {
		select {
		case <-p.changed:
			p.apply(life, ctx.Done(), &all)
		case <-ctx.Done():
			timer := time.AfterFunc(kumaLast, kill)
			defer timer.Stop()
			all.Wait()
			return
		}
	}
}

// apply ends what is no longer wanted and begins what is new.
func (p *KumaPush) apply(life context.Context, stop <-chan struct{}, all *sync.WaitGroup) {
	p.mu.Lock()
	defer p.mu.Unlock()
	old := map[[sha256.Size]byte]*kumaSlot{}
	for _, slots := range p.slots {
		for _, s := range slots {
			old[s.Key] = s
		}
	}
	p.slots = map[string][]*kumaSlot{}
	for _, t := range p.wanted {
		s := old[t.Key]
		if s == nil {
			s = p.newSlot(t)
			own, end := context.WithCancel(life)
			s.end = end
			all.Go(func() { s.run(own, stop) })
		}
		delete(old, t.Key)
		p.slots[t.Monitor] = append(p.slots[t.Monitor], s)
	}
	for _, s := range old {
		s.end()
	}
}

func (p *KumaPush) newSlot(t KumaTarget) *kumaSlot {
	lane := p.lanes[t.Options.URL]
	if lane == nil {
		lane = &kumaLane{
			turns: make(chan struct{}, kumaAtOnce), troubled: map[*kumaSlot]bool{},
			log: p.o.Log.With("url", secret.URL(t.Options.URL)),
		}
		p.lanes[t.Options.URL] = lane
	}
	return &kumaSlot{KumaTarget: t, o: &p.o, lane: lane, woken: make(chan struct{}, 1)}
}

package probes

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/secret"
)

const (
	guardRedirects = 5               // on the gate's own origin
	sideWait       = 3 * time.Second // for what leads past the gate, at most half of the run
)

// GuardKeys is what a guard brings along.
type GuardKeys struct {
	// Named are the credentials that must be refused, by name. Their tokens are
	// shared with monitors that they are good for: a guard never has one replaced.
	Named map[string]*Way
	// Issuer is the identity provider that tokens are forged in the name of, as it
	// calls itself, "" for the origin of the guarded URL.
	Issuer string
	// Gate is how others get in there, nil if that is not known. It tells whose
	// outage it is that the gate fails; nothing of it is ever sent.
	Gate *Way
}

// Guard is a monitor of type guard: it tries to get in with what nobody should
// get in with. It is safe for concurrent use.
type Guard struct {
	monitor *check.Monitor
	door    *HTTP
	sides   []side
	ways    []string // in the order in which they are tried
	keys    GuardKeys
	turn    atomic.Uint64 // counts runs that nobody got in at the gate: who comes how goes round
}

// side is another way in, that is tried without anything.
type side struct {
	to     *HTTP
	reason check.Reason
	plain  bool // the guarded URL over plain http
}

// NewGuard builds the probe of monitor m. All that can be checked is checked by
// CheckGuard; its first error is returned. c.RT sends what goes to the guarded
// URL, over a connection of its own each time; c.Foreign, of StrangerTransport,
// all else. NewGuard does no I/O.
func NewGuard(m *check.Monitor, o HTTPOptions, g GuardOptions, k GuardKeys, c Common) (*Guard, error) {
	for _, p := range checkGuard(o, g) {
		if !p.Warning {
			return nil, errors.New(p.Path + ": " + p.Message)
		}
	}
	for _, name := range g.Try {
		if k.Named[name] == nil && !slices.Contains(GuardWays(), name) {
			return nil, fmt.Errorf("try: there is no credential %q", name)
		}
	}
	door, err := NewHTTP(m, guarded(o), nil, c)
	if err != nil {
		return nil, err
	}
	p := &Guard{monitor: m, door: door, ways: inOrder(g.Try), keys: k}
	if p.keys.Issuer == "" {
		p.keys.Issuer = originOf(door.url)
	}
	return p, p.addSides(o, g)
}

// inOrder returns what is to be tried, every way once, strangers first.
func inOrder(try []string) []string {
	var ways []string
	for _, w := range slices.Concat(GuardWays(), try) {
		if slices.Contains(try, w) && !slices.Contains(ways, w) {
			ways = append(ways, w)
		}
	}
	return ways
}

// addSides adds plain http, if the URL is https and strangers are tried, and the
// URLs that lead past the gate.
func (p *Guard) addSides(o HTTPOptions, g GuardOptions) error {
	if p.door.url.Scheme == "https" && slices.Contains(p.ways, wayAnonymous) {
		plain := *p.door.url
		plain.Scheme = "http"
		if err := p.addSide(plain.String(), o, check.AnonymousAccess); err != nil {
			return err
		}
		p.sides[0].plain = true
	}
	for i, u := range g.BypassURLs {
		if err := p.addSide(u, o, check.BypassOpen); err != nil {
			return fmt.Errorf("bypass_urls[%d]: %w", i, err)
		}
	}
	return nil
}

func (p *Guard) addSide(raw string, o HTTPOptions, reason check.Reason) error {
	d := guarded(o)
	d.URL, d.Method, d.Headers, d.Expect.Absent = raw, "GET", nil, o.Expect.Absent
	d.HTTPVersion = "" // as StrangerTransport
	c := p.door.common
	c.RT = c.Foreign
	to, err := NewHTTP(p.monitor, d, nil, c)
	if err != nil {
		return err
	}
	to.shown = secret.URL(raw)
	p.sides = append(p.sides, side{to, reason, false})
	return nil
}

// Probe tries every way once, within ctx, which bounds the whole run. It returns
// exactly one result: up only where each of them was seen to be shut.
func (p *Guard) Probe(ctx context.Context) check.Result { return p.run(ctx, false) }

// Explain is Probe with Detail always set.
func (p *Guard) Explain(ctx context.Context) check.Result { return p.run(ctx, true) }

func (p *Guard) run(ctx context.Context, explain bool) check.Result {
	lanes := p.lanes()
	var wg sync.WaitGroup
	for _, l := range lanes[1:] {
		wg.Go(func() { l.res.Fault = l.guarded(ctx, l.goAround) })
	}
	l := lanes[0]
	l.res.Fault = l.guarded(ctx, l.knock)
	wg.Wait()
	if l.res.Fault == nil || !isOpen(l.res.Fault) { // what got in is tried until it is refused
		p.turn.Add(1)
	}
	res := gathered(lanes)
	res.Took = time.Since(res.Start)
	if explain || res.Fault != nil {
		res.Detail = &check.Detail{Token: l.token}
		for _, l := range lanes {
			res.Detail.Tries = append(res.Detail.Tries, l.tries...)
		}
	}
	return res
}

// lanes returns what is done side by side: the gate first, one after the other
// in itself, then a lane for each way past it.
func (p *Guard) lanes() []*lane {
	lanes := []*lane{newLane(p.door, side{})}
	lanes[0].keys = p.keys
	lanes[0].attempts, lanes[0].broken = p.attempts(p.turn.Load())
	for _, s := range p.sides {
		l := newLane(s.to, s)
		l.attempts = []attempt{{what: "without a credential", how: browser("GET"), reason: s.reason}}
		lanes = append(lanes, l)
	}
	return lanes
}

// gathered makes one result of what the lanes found. That it is open anywhere
// says more than that something else could not be seen.
func gathered(lanes []*lane) check.Result {
	decides := lanes[0]
	for _, l := range lanes[1:] {
		if f := l.res.Fault; f != nil && (decides.res.Fault == nil || isOpen(f) && !isOpen(decides.res.Fault)) {
			decides = l
		}
	}
	res := lanes[0].res
	res.Fault, res.StatusCode, res.Remote = decides.res.Fault, decides.res.StatusCode, decides.res.Remote
	for _, l := range lanes[1:] {
		res.Phases = sum(res.Phases, l.res.Phases)
	}
	return res
}

func isOpen(f *check.Fault) bool { return f.Class == check.ExposedTo }

func sum(a, b check.Phases) check.Phases {
	return check.Phases{
		Token: a.Token + b.Token, Resolve: a.Resolve + b.Resolve, Connect: a.Connect + b.Connect,
		TLS: a.TLS + b.TLS, Processing: a.Processing + b.Processing, Transfer: a.Transfer + b.Transfer,
	}
}

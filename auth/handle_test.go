package auth

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"time"
)

// gate accepts some tokens and plays the probe's part of the second chance.
type gate struct {
	mu      sync.Mutex
	accepts func(authorization string) bool
}

func (g *gate) takes(header http.Header) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.accepts(header.Get("Authorization"))
}

func (g *gate) set(f func(string) bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.accepts = f
}

// run is one check: at most two tries within its deadline. It returns the last
// verdict and how many tries there were.
func (g *gate) run(t *testing.T, h *Handle) (string, int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for try := 1; ; try++ {
		header, generation, f := authorizeIn(ctx, t, h)
		if f != nil {
			return verdict(f), try
		}
		ok := g.takes(header)
		again := h.Judged(generation, !ok)
		switch {
		case ok:
			return "ok", try
		case !again || try == 2:
			if again {
				t.Error("a third try was offered")
			}
			return "refused", try
		}
	}
}

func all(string) bool  { return true }
func none(string) bool { return false }
func but(tokens ...string) func(string) bool {
	return func(got string) bool {
		for _, token := range tokens {
			if got == "Bearer "+token {
				return false
			}
		}
		return true
	}
}

func TestRevocationOfAThousand(t *testing.T) {
	inTime(t, func(t *testing.T, p *fakeIDP, r *Registry) {
		p.set(issues(time.Hour, 100*time.Millisecond))
		s := sourceOf(t, r, "gate", options(tokenURL))
		g := &gate{accepts: all}
		handles := make([]*Handle, 1000)
		for i := range handles {
			handles[i] = s.Handle(origin)
		}
		round := func() {
			var wg sync.WaitGroup
			for _, h := range handles {
				wg.Go(func() {
					if got, tries := g.run(t, h); got != "ok" || tries > 2 {
						t.Errorf("%s after %d tries", got, tries)
					}
				})
			}
			wg.Wait()
		}
		round()
		time.Sleep(time.Minute)
		g.set(but("authelia_at_1"))
		before := p.requests.Load()
		round()
		time.Sleep(time.Minute)
		round()
		if n := p.requests.Load() - before; n > 2 {
			t.Errorf("%d token requests after a revocation, want at most 2", n)
		}
	})
}

func TestOthersGoOnWithTheOldToken(t *testing.T) {
	inTime(t, func(t *testing.T, p *fakeIDP, r *Registry) {
		s := sourceOf(t, r, "gate", options(tokenURL))
		a, b := s.Handle(origin), s.Handle(origin)
		authorize(t, a, time.Second)
		time.Sleep(time.Second)
		p.set(issues(time.Hour, 3*time.Second))
		_, generation, _ := authorize(t, a, 10*time.Second)
		if !a.Judged(generation, true) {
			t.Fatal("no second chance for an old token")
		}
		began := time.Now()
		if _, generation, f := authorize(t, b, 10*time.Second); f != nil || generation != 1 || time.Since(began) > 0 {
			t.Errorf("the other got generation %d after %s, %v", generation, time.Since(began), f)
		}
		if _, generation, f := authorize(t, a, 10*time.Second); f != nil || generation != 2 || time.Since(began) != 3*time.Second {
			t.Errorf("the refused one got generation %d after %s, %v", generation, time.Since(began), f)
		}
		if !b.Judged(1, true) { // refused too, late: what is there already is offered
			t.Error("no second chance for the other")
		}
		if _, generation, _ := authorize(t, b, time.Second); generation != 2 || p.requests.Load() != 2 {
			t.Errorf("the other got generation %d after %d requests", generation, p.requests.Load())
		}
	})
}

func TestAFreshTokenEarnsNoSecondChance(t *testing.T) {
	inTime(t, func(t *testing.T, p *fakeIDP, r *Registry) {
		p.set(issues(time.Hour, time.Second))
		h := sourceOf(t, r, "gate", options(tokenURL)).Handle(origin)
		g := &gate{accepts: none}
		if got, tries := g.run(t, h); got != "refused" || tries != 1 || p.requests.Load() != 1 {
			t.Errorf("%s after %d tries and %d requests", got, tries, p.requests.Load())
		}
		// The same within one run that used the token on an earlier hop.
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		h = sourceOf(t, r, "other", options(tokenURL)).Handle(origin)
		authorizeIn(ctx, t, h)
		time.Sleep(time.Second)
		_, generation, _ := authorizeIn(ctx, t, h)
		if h.Judged(generation, true) {
			t.Error("a token fetched in this run was offered a second chance")
		}
	})
}

func TestReplacementsBackOff(t *testing.T) {
	inTime(t, func(t *testing.T, p *fakeIDP, r *Registry) {
		h := sourceOf(t, r, "gate", options(tokenURL)).Handle(origin)
		g := &gate{accepts: all}
		g.run(t, h)
		time.Sleep(time.Minute)
		g.set(none)
		began, seen := time.Now(), p.requests.Load()
		var at []time.Duration
		every(20*time.Second, 30*time.Minute, func() {
			g.run(t, h)
			if n := p.requests.Load(); n != seen {
				at, seen = append(at, time.Since(began)), n
			}
		})
		want := []time.Duration{0, time.Minute, 3 * time.Minute, 8 * time.Minute, 18 * time.Minute, 28 * time.Minute}
		if len(at) != len(want) {
			t.Fatalf("replaced after %v, want %v", at, want)
		}
		for i := range want {
			if at[i] < want[i] || at[i] > want[i]+time.Minute {
				t.Errorf("replaced after %v, want about %v", at, want)
				break
			}
		}
		g.set(all)
		g.run(t, h)
		time.Sleep(11 * time.Second)
		g.set(none)
		g.run(t, h)
		if p.requests.Load() != seen+1 {
			t.Error("acceptance did not end the back-off")
		}
	})
}

func TestOneMisconfiguredMonitorAmongGoodOnes(t *testing.T) {
	inTime(t, func(t *testing.T, p *fakeIDP, r *Registry) {
		s := sourceOf(t, r, "gate", options(tokenURL))
		open, shut := &gate{accepts: all}, &gate{accepts: none}
		var good, bad []*Handle
		for range 40 {
			good, bad = append(good, s.Handle(origin)), append(bad, s.Handle(origin))
		}
		every(20*time.Second, time.Minute, func() {
			for i := range good {
				open.run(t, good[i])
				shut.run(t, bad[i])
			}
		})
		if n := p.requests.Load(); n > 7 {
			t.Errorf("%d requests in the first minute: replacements are less than 10 s apart", n)
		}
		before := p.requests.Load()
		every(20*time.Second, time.Hour, func() {
			for i := range good {
				if got, _ := open.run(t, good[i]); got != "ok" {
					t.Fatal(got)
				}
				shut.run(t, bad[i])
			}
		})
		if n := p.requests.Load() - before; n > 60*6 {
			t.Errorf("%d requests in an hour", n)
		}
	})
}

func TestAReplacementThatFailsNamesTheProvider(t *testing.T) {
	inTime(t, func(t *testing.T, p *fakeIDP, r *Registry) {
		h := sourceOf(t, r, "gate", options(tokenURL)).Handle(origin)
		g := &gate{accepts: all}
		g.run(t, h)
		time.Sleep(time.Minute)
		g.set(but("authelia_at_1"))
		p.set(refuses(503, ""))
		for range 3 { // in the back-off, too, and without another request
			if got, tries := g.run(t, h); got != "idp/token_server_error" || tries != 2 {
				t.Errorf("%s after %d tries", got, tries)
			}
		}
		if n := p.requests.Load(); n != 2 {
			t.Errorf("%d token requests, want 2", n)
		}
		p.set(issues(time.Hour, 0))
		time.Sleep(5 * time.Second)
		if got, _ := g.run(t, h); got != "ok" {
			t.Errorf("%s after the provider came back: the chance was lost with the failed fetch", got)
		}
	})
}

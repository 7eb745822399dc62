package server

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestFailuresAreLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var a attempts
		from, other := network("192.0.2.1:1"), network("192.0.2.2:1")
		for i := range burst {
			if wait := a.take(from); wait > 0 {
				t.Fatalf("try %d has to wait %s", i+1, wait)
			}
		}
		if wait := a.take(from); wait != refill {
			t.Errorf("after %d failures: wait %s, want %s", burst, wait, refill)
		}
		if wait := a.wait(other); wait != 0 {
			t.Errorf("another address waits %s", wait)
		}
		time.Sleep(refill - time.Second)
		if wait := a.take(from); wait != time.Second {
			t.Errorf("a second before: wait %s", wait)
		}
		time.Sleep(time.Second)
		if wait := a.take(from); wait != 0 {
			t.Errorf("in time: wait %s", wait)
		}
		a.giveBack(from)
		if wait := a.take(from); wait != 0 {
			t.Errorf("after a success: wait %s", wait)
		}
		time.Sleep(time.Hour)
		for range burst {
			a.take(from)
		}
		if a.wait(from) == 0 {
			t.Error("an hour of peace earns more than the burst")
		}
	})
}

func TestAddressesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var a attempts
		for i := range mostRemotes + 100 {
			for range burst {
				a.take(network(netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), 1).String()))
			}
			time.Sleep(time.Millisecond)
		}
		if len(a.from) > mostRemotes {
			t.Errorf("%d addresses are held, want at most %d", len(a.from), mostRemotes)
		}
		if a.wait(network("10.0.0.0:1")) != 0 || a.wait(network("10.0.16.98:1")) == 0 {
			t.Error("it is not the oldest that is forgotten")
		}
		time.Sleep(time.Hour)
		a.take(network("192.0.2.1:1"))
		if len(a.from) != 1 {
			t.Errorf("%d addresses are held after an hour of peace, want 1", len(a.from))
		}
	})
}

func TestNetwork(t *testing.T) {
	for remote, want := range map[string]string{
		"192.0.2.7:1": "192.0.2.7/32", "[::ffff:192.0.2.7]:1": "192.0.2.7/32", "[2001:db8:1:2:3:4:5:6]:1": "2001:db8:1:2::/64", "[fe80::1%eth0]:1": "fe80::/64",
		"pipe": "invalid Prefix", "": "invalid Prefix",
	} {
		if got := network(remote).String(); got != want {
			t.Errorf("%s: got %s, want %s", remote, got, want)
		}
	}
}

func TestLoginsAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKnown()
		key := func(i int) [sha256.Size]byte { return sha256.Sum256([]byte(strconv.Itoa(i))) }
		k.put(key(0), identity{"reader", viewer})
		for range 3 { // each use keeps it
			time.Sleep(keepLogin)
			if who, found := k.get(key(0)); !found || who.name != "reader" {
				t.Fatalf("got %v, %t", who, found)
			}
		}
		time.Sleep(keepLogin + 1)
		if _, found := k.get(key(0)); found || len(k.last) > 0 {
			t.Error("it is remembered for too long")
		}
		for i := range mostKnown + 10 {
			k.put(key(i), identity{})
			time.Sleep(time.Millisecond)
		}
		if _, found := k.get(key(9)); found || len(k.last) != mostKnown {
			t.Errorf("%d are remembered, want %d; the oldest: %t", len(k.last), mostKnown, found)
		}
	})
}

// Failures are answered with 429 from the eleventh on; who is logged in stays
// so, and so does a scraper with the right token.
func TestTooManyFailures(t *testing.T) {
	a := basic()
	a.Auth.Metrics.BearerToken = hashOf("any text")
	token, _ := a.Auth.Metrics.BearerToken.Reveal()
	o := sample().options()
	o.Rules = rulesOf(t, a)
	asked := o.Rules.counting()
	s := start(t, o)
	ask(t, s, "GET", "/", as("reader", readerPassword))
	for i := range burst + 5 {
		r := ask(t, s, "GET", "/", as("alice", fmt.Sprint("guess", i)))
		want := http.StatusUnauthorized
		if i >= burst {
			want = http.StatusTooManyRequests
			if n, err := strconv.Atoi(r.header.Get("Retry-After")); err != nil || n < 1 || n > 10 || !strings.Contains(r.problem(t).Detail, "try again in") {
				t.Errorf("Retry-After: %q, %s", r.header.Get("Retry-After"), r.body)
			}
		}
		if r.status != want {
			t.Errorf("failure %d: got %d, want %d", i+1, r.status, want)
		}
	}
	if len(*asked) != burst+1 {
		t.Errorf("bcrypt was asked %d times, want %d", len(*asked), burst+1)
	}
	for name, c := range map[string]struct {
		path string
		edit func(*http.Request)
		want int
	}{
		"logged in": {"/", as("reader", readerPassword), 200}, "the right password, new": {"/", as("alice", adminPassword), 429},
		"the right token": {"/metrics", bearer(token), 200}, "a wrong token": {"/metrics", bearer("x"), 429}, "health": {"/healthz", as("alice", "x"), 200}, "no login": {"/", nil, 401},
	} {
		if r := ask(t, s, "GET", c.path, c.edit); r.status != c.want {
			t.Errorf("%s: got %d, want %d", name, r.status, c.want)
		}
	}
}

// However many log in at once, a few are verified at a time, and one
// verification does for all who sent the same.
func TestFewAreVerifiedAtOnce(t *testing.T) {
	o := sample().options()
	o.Rules = rulesOf(t, basic())
	s := start(t, o)
	match := o.Rules.match
	begun, goOn := make(chan struct{}, 100), make(chan struct{})
	o.Rules.match = func(hash, password []byte) error {
		begun <- struct{}{}
		<-goOn
		return match(hash, password)
	}
	var all sync.WaitGroup
	got := make(chan int, 100)
	for range 8 {
		all.Go(func() { got <- ask(t, s, "GET", "/", as("reader", readerPassword)).status })
	}
	<-begun
	if r := ask(t, s, "GET", "/healthz", as("reader", "x")); r.status != 200 {
		t.Errorf("health meanwhile: %d", r.status)
	}
	close(goOn)
	all.Wait()
	close(got)
	for status := range got {
		if status != 200 {
			t.Errorf("got %d, want 200", status)
		}
	}
	if n := len(begun) + 1; n > cap(s.bench.places) {
		t.Errorf("verified %d times, want at most %d", n, cap(s.bench.places))
	}
}

func TestTheBenchIsFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench()
		for range cap(b.places) {
			if !b.enter(t.Context()) {
				t.Fatal("no place")
			}
		}
		var all sync.WaitGroup
		var mu sync.Mutex
		waited := map[time.Duration]int{}
		for range mostWaiting + 3 {
			all.Go(func() {
				begin := time.Now()
				if b.enter(t.Context()) {
					t.Error("got a place that is taken")
				}
				mu.Lock()
				defer mu.Unlock()
				waited[time.Since(begin)]++
			})
		}
		all.Wait()
		if waited[0] != 3 || waited[longestWait] != mostWaiting {
			t.Errorf("waited %v, want 3 not at all and %d for %s", waited, mostWaiting, longestWait)
		}
		b.leave()
		if !b.enter(t.Context()) {
			t.Error("a place that was left is not to be had")
		}
	})
}

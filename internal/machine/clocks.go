package machine

import (
	"cmp"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

const (
	// Apart is how far two clocks may differ before it is worth a word: tokens
	// and certificates allow for a minute.
	Apart = time.Minute

	askAgain   = time.Minute // one answer of an address in this time is read
	holds      = time.Hour   // an answer counts for this long
	enough     = 3           // addresses that agree with each other against us
	mostHeard  = 1024        // addresses
	stepped    = 2 * time.Second
	resolution = time.Second // of a Date header
)

// Offset returns how far the clock behind an answer is ahead of ours, from its
// Date header (RFC 9110, 6.6.1): 0 where it lies between the sending of the
// request and now. ok is false where the header tells nothing: it is missing, or
// a cache kept the answer.
func Offset(h http.Header, sent, now time.Time) (ahead time.Duration, ok bool) {
	if age := h.Get("Age"); age != "" && age != "0" {
		return 0, false
	}
	date, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		return 0, false
	}
	switch sent, now = sent.Round(0), now.Round(0); {
	case date.After(now):
		return date.Sub(now), true
	case date.Add(resolution).Before(sent):
		return date.Add(resolution).Sub(sent), true
	}
	return 0, true
}

// Clocks listens to what the answers of others say of the time, to tell whether
// it is our clock that is wrong. One address is one witness, whatever names lead
// to it: behind one proxy all have its clock. A nil Clocks knows nothing.
type Clocks struct {
	built time.Time
	log   *slog.Logger
	now   func() time.Time

	mu    sync.Mutex
	heard map[string]witness
	swept time.Time
	told  bool
}

type witness struct {
	at    time.Time
	ahead time.Duration
}

// NewClocks returns Clocks of a program that was built then; the zero time: that
// is not known. What it finds of our own clock it logs once.
func NewClocks(built time.Time, log *slog.Logger) *Clocks {
	return &Clocks{built: built, log: log, now: time.Now, heard: map[string]witness{}}
}

// Hear takes in an answer of address, "ip:port", to a request that was sent
// then. It is cheap: all but one answer a minute are let pass unread.
func (c *Clocks) Hear(address string, h http.Header, sent time.Time) {
	if c == nil {
		return
	}
	ip, _, err := net.SplitHostPort(address)
	if err != nil {
		return
	}
	if why := c.take(ip, h, sent); why != "" && c.log != nil { // no lock is held: every answer of a probe takes it
		c.log.Warn("this machine's clock is wrong", "because", why, "hint", SetClock)
	}
}

// take is Hear that returns what is to be logged of our own clock, "" for
// nothing.
func (c *Clocks) take(ip string, h http.Header, sent time.Time) string {
	now := c.now()
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.wantsLocked(ip, now) {
		return ""
	}
	ahead, ok := Offset(h, sent, now)
	if !ok || now.Add(ahead).Before(c.built) { // such a clock says nothing of ours
		return ""
	}
	c.heard[ip] = witness{now, ahead}
	if ahead.Abs() <= Apart && !c.told {
		return ""
	}
	why := c.oursLocked(now)
	news := why != "" && !c.told
	c.told = why != ""
	if !news {
		return ""
	}
	return why
}

// wantsLocked says whether it is time to hear an address.
func (c *Clocks) wantsLocked(ip string, now time.Time) bool {
	w, known := c.heard[ip]
	if !known && len(c.heard) >= mostHeard && now.Sub(c.swept) >= askAgain {
		c.swept = now
		maps.DeleteFunc(c.heard, func(_ string, w witness) bool { return w.isStale(now) })
	}
	if !known {
		return len(c.heard) < mostHeard
	}
	return now.Sub(w.at) >= askAgain || w.isStale(now)
}

// isStale says whether our clock was set, or the machine slept, since w spoke.
func (w witness) isStale(now time.Time) bool {
	wall := now.Round(0).Sub(w.at.Round(0))
	return wall > holds || (wall-now.Sub(w.at)).Abs() > stepped
}

// SetClock is what to do about a clock of this machine that is wrong.
const SetClock = "set the clock of this machine and keep it set by NTP (timedatectl status; timedatectl set-ntp true); a container has the clock of its host"

// WrongClock is the whole sentence of why our own clock is wrong, and what to do.
func WrongClock(why string) string {
	return "this machine's clock is wrong: " + why + ": " + SetClock
}

// Ours says that our own clock must be wrong, why, and what to do, and whether
// there is reason to think so: it is before the time this program was built, or
// several addresses agree with each other against it, and more of them than
// agree with us.
func (c *Clocks) Ours() (string, bool) {
	if c == nil {
		return "", false
	}
	now := c.now()
	c.mu.Lock()
	why := c.oursLocked(now)
	c.mu.Unlock()
	if why == "" {
		return "", false
	}
	return WrongClock(why), true
}

// oursLocked says why our own clock must be wrong, "" without a reason to think
// so.
func (c *Clocks) oursLocked(now time.Time) string {
	if text := BeforeBuilt(now, c.built); text != "" {
		return text
	}
	var against []time.Duration
	with := 0
	for ip, w := range c.heard {
		switch {
		case w.isStale(now):
		case w.ahead.Abs() > Apart:
			against = append(against, w.ahead)
		case !net.ParseIP(ip).IsLoopback(): // what is on this machine has its clock
			with++
		}
	}
	n, ahead := agreeing(against)
	if n < enough || n <= with || 2*n <= len(against) {
		return ""
	}
	return fmt.Sprintf("%d addresses that do not know of each other agree that it is %s", n, Ahead(-ahead))
}

// agreeing returns the largest number of clocks that are within a minute of each
// other, and where the middle one of them is.
func agreeing(ahead []time.Duration) (n int, middle time.Duration) {
	slices.SortFunc(ahead, cmp.Compare)
	for i, from := 0, 0; i < len(ahead); i++ {
		for ahead[i]-ahead[from] > Apart {
			from++
		}
		if i-from+1 > n {
			n, middle = i-from+1, ahead[(i+from)/2]
		}
	}
	return n, middle
}

// BeforeBuilt says that a clock is before the time this program was built, ""
// if it is not or that time is not known.
func BeforeBuilt(now, built time.Time) string {
	const tolerance = 10 * time.Minute // between this clock and that of who built it
	if built.IsZero() || !now.Add(tolerance).Before(built) {
		return ""
	}
	return fmt.Sprintf("it says %s, and this program was built on %s", now.UTC().Format(time.RFC3339), built.UTC().Format(time.RFC3339))
}

// Against is Ahead before the one that is compared with: "5m0s ahead of", "5m0s
// behind".
func Against(d time.Duration) string {
	if d < 0 {
		return Ahead(d)
	}
	return Ahead(d) + " of"
}

// Ahead writes a difference of clocks: "5m0s ahead", "2h0m0s behind".
func Ahead(d time.Duration) string {
	where := "ahead"
	if d < 0 {
		where = "behind"
	}
	return d.Abs().Round(time.Second).String() + " " + where
}

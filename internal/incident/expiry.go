package incident

import (
	"cmp"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/watchword/watchword/internal/check"
)

// A certificate that is about to expire is no incident: nothing fails. People
// are told once at each threshold, whichever of its monitors sees it first.

const (
	warnGather = time.Second // the least that is waited for others: each telling looks at all monitors
	warnKept   = 16          // certificates that are remembered of one monitor
	hostsShown = 3
)

// watchChain notes what a run saw, and has people told where it is time.
func (t *Tracker) watchChain(e *entry, c *check.Chain, now time.Time) {
	if c == nil {
		return
	}
	e.chain = c
	at := now.Add(max(t.opts.GroupWait, warnGather))
	if (t.warnAt.IsZero() || t.warnAt.After(at)) && !e.quiet() && e.due(now) > 0 { // later than that: the clock was set back
		t.warnAt = at
	}
}

// due returns the threshold that people are to be told of, 0 for none.
func (e *entry) due(now time.Time) time.Duration {
	due := e.chain.Due(e.policy.Monitor.CertificateWarn, now)
	if due == 0 || len(e.state.Warned) == 0 {
		return due
	}
	print := e.chain.First().Fingerprint
	for _, w := range e.state.Warned {
		if w.Fingerprint == print && w.Threshold <= due {
			return 0
		}
	}
	return due
}

// expiry is one certificate and those of its monitors that people are to be
// told of.
type expiry struct {
	check.Certificate
	chain   *check.Chain // of one of them
	entries []*entry
	told    map[string]time.Duration // by notifier: the smallest threshold that it knows; "" stands for the log
}

// news says whether a notifier does not know of it yet.
func (x *expiry) news(name string, its []*entry, now time.Time) bool {
	told, ok := x.told[name]
	return !ok || slices.ContainsFunc(its, func(e *entry) bool { return e.due(now) < told })
}

// warn tells of all certificates that are due. A monitor that comes later with
// a certificate that was told is not told of again.
func (t *Tracker) warn(now time.Time) {
	if t.warnAt.IsZero() || t.warnAt.After(now) {
		return
	}
	t.warnAt = time.Time{}
	found := t.expiries(now)
	for _, name := range slices.Sorted(maps.Keys(t.queues)) {
		if q := t.queues[name]; q.wants(check.KindCertificate) {
			t.warnNotifier(q, found, now)
		}
	}
	for _, x := range found {
		if t.opts.Expiring != nil && x.news("", x.entries, now) {
			t.opts.Expiring(ids(x.entries), t.expiryText(x, x.entries, now))
		}
		for _, e := range x.entries {
			t.remember(e, x, now)
		}
	}
}

// expiries gathers what is due by certificate, the first to expire first.
func (t *Tracker) expiries(now time.Time) []*expiry {
	byPrint := map[string]*expiry{}
	for _, e := range t.entries {
		if e.quiet() || e.due(now) == 0 {
			continue
		}
		first := e.chain.First()
		x := byPrint[first.Fingerprint]
		if x == nil {
			x = &expiry{Certificate: first, chain: e.chain, told: map[string]time.Duration{}}
			byPrint[first.Fingerprint] = x
		}
		x.entries = append(x.entries, e)
	}
	for _, e := range t.entries {
		for _, w := range e.state.Warned {
			if x := byPrint[w.Fingerprint]; x != nil {
				x.knows(w)
			}
		}
	}
	found := slices.SortedFunc(maps.Values(byPrint), func(a, b *expiry) int {
		return cmp.Or(a.NotAfter.Compare(b.NotAfter), strings.Compare(a.Fingerprint, b.Fingerprint))
	})
	for _, x := range found {
		slices.SortFunc(x.entries, func(a, b *entry) int { return strings.Compare(a.state.ID, b.state.ID) })
	}
	return found
}

func (x *expiry) knows(w check.Warned) {
	for _, name := range append([]string{""}, w.Told...) {
		if told, ok := x.told[name]; !ok || w.Threshold < told {
			x.told[name] = w.Threshold
		}
	}
}

// warnNotifier sends what is news to one notifier: to chat in one message.
func (t *Tracker) warnNotifier(q *queue, found []*expiry, now time.Time) {
	var es []check.Event
	for _, x := range found {
		its := slices.DeleteFunc(slices.Clone(x.entries), func(e *entry) bool { return !slices.Contains(e.policy.Notify, q.channel.Name) })
		if len(its) > 0 && x.news(q.channel.Name, its, now) {
			es = append(es, t.expiryEvent(x, its, now))
		}
	}
	if !q.channel.Keyed && len(es) > 0 {
		t.deliver(q, now, es)
		return
	}
	for i := range es {
		t.deliver(q, now, es[i:i+1])
	}
}

// expiryEvent has the same key for all thresholds of one certificate.
func (t *Tracker) expiryEvent(x *expiry, its []*entry, now time.Time) check.Event {
	ev := check.Event{
		Incident: "certificate-" + x.Fingerprint[:min(16, len(x.Fingerprint))], Kind: check.KindCertificate, At: now,
		Cause:    check.Cause{Kind: check.CauseCertificate, Key: x.name()},
		Severity: check.Warning, Fault: t.expiryText(x, its, now),
	}
	for _, e := range its {
		m := e.policy.Monitor
		ev.Members = append(ev.Members, check.Member{ID: m.ID, Name: m.Name, Group: m.Group})
	}
	if t.opts.Link != nil {
		ev.Link = t.opts.Link("")
	}
	return ev
}

// remember notes in the state of a monitor what its notifiers know by now.
func (t *Tracker) remember(e *entry, x *expiry, now time.Time) {
	w := check.Warned{Fingerprint: x.Fingerprint, Threshold: e.due(now), NotAfter: x.NotAfter}
	for _, name := range e.policy.Notify {
		if q := t.queues[name]; q != nil && q.wants(check.KindCertificate) {
			w.Told = append(w.Told, name)
		}
	}
	kept := make([]check.Warned, 0, len(e.state.Warned)+1) // the former list may be on its way to the disk
	for _, old := range e.state.Warned {
		if old.Fingerprint != w.Fingerprint && old.NotAfter.After(now) {
			kept = append(kept, old)
		}
	}
	kept = append(kept, w)
	e.state.Warned = kept[max(0, len(kept)-warnKept):]
	t.touched[e.state.ID] = e
}

func (x *expiry) name() string {
	if x.chain.Ending != nil {
		return "authority " + x.Subject
	}
	return x.chain.Name
}

// expiryText says which certificate ends and when. A newer one that is being
// issued cannot be seen from here.
func (t *Tracker) expiryText(x *expiry, its []*entry, now time.Time) check.FaultText {
	zone := t.opts.Zone
	if zone == nil {
		zone = time.UTC
	}
	at := hosts(its)
	ends := fmt.Sprintf("expires in %s, on %s", check.TimeLeft(x.NotAfter.Sub(now)), x.NotAfter.In(zone).Format("2006-01-02 15:04 MST"))
	f := check.FaultText{Class: check.TLS, Reason: check.CertificateExpired}
	if x.chain.Ending != nil {
		f.Message = fmt.Sprintf("the certificate of an authority (%s) in the chain of %s %s", x.Subject, at, ends)
		f.Hint = fmt.Sprintf("have the chain of %s end in a newer certificate of that authority, or have its certificate issued anew; a root of your own is renewed in tls: {ca_file: …} as well", at)
		return f
	}
	of := "issued by " + x.Issuer
	if x.Subject != "" {
		of = x.Subject + ", " + of
	}
	f.Message = fmt.Sprintf("the certificate of %s (%s) %s", at, of, ends)
	f.Hint = fmt.Sprintf("renew the certificate for %s with its issuer, and load it at %s: a renewed file that nobody reloaded looks the same, and a renewal that is on its way cannot be seen from here", x.chain.Name, at)
	return f
}

// hosts names the hosts that show a certificate: "a, b, c and 4 more".
func hosts(its []*entry) string {
	var names []string
	for _, e := range its {
		name := e.policy.Monitor.Name
		if u, err := url.Parse(e.policy.Monitor.URL); err == nil && u.Host != "" {
			name = u.Host
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	last := len(names) - 1
	if last == 0 || last >= hostsShown {
		return check.Some(names, hostsShown)
	}
	return strings.Join(names[:last], ", ") + " and " + names[last]
}

func ids(es []*entry) []string {
	var out []string
	for _, e := range es {
		out = append(out, e.state.ID)
	}
	return out
}

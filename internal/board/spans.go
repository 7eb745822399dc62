package board

import (
	"math"
	"time"

	"github.com/watchword/watchword/internal/check"
)

const (
	tenMinutes  = 10 * time.Minute
	day         = 24 * time.Hour
	tensKept    = 144 // a day of buckets of ten minutes
	tensAnHour  = 6
	hoursADay   = 24
	daysKept    = 31 // of buckets of hours: the running day and the 30 before it
	hoursAWeek  = 7 * hoursADay
	hoursAMonth = 30 * hoursADay
)

// spans is what happened to one monitor, in spans of time that are aligned in
// UTC. Numbers of tens, hours and days count from the Unix epoch.
type spans struct {
	ten   int64 // number of the running ten minutes
	now   sums  // of the running ten minutes
	hour  sums  // of the tens of the running hour that have ended
	day   sums  // of the hours of the running day that have ended
	tens  [tensKept]bucket
	hours [daysKept]*[hoursADay]bucket // by day; nil: nothing known
	fresh bool                         // windows holds what tens and hours say
	ended windows
}

// sums is what a roll-up holds.
type sums struct {
	runs, failures  uint32
	up, known, took time.Duration
	phases          check.Phases
}

// bucket is a span that has ended, in seconds.
type bucket struct{ up, known uint16 }

// windows are the sums of the buckets of the windows of uptime, without the
// running spans.
type windows struct{ day, week, month total }

type total struct{ up, known uint32 }

// run counts a run to the running span.
func (p *spans) run(r *check.Result) {
	p.now.runs++
	if r.Fault != nil {
		p.now.failures++
	}
	if r.StatusCode != 0 {
		p.now.took += r.Took
	}
	p.now.phases = addPhases(p.now.phases, r.Phases)
}

// pass counts d nanoseconds in a state to the running span.
func (p *spans) pass(s check.State, d int64) {
	if d <= 0 {
		return
	}
	switch s {
	case check.Up:
		p.now.up += time.Duration(d)
		p.now.known += time.Duration(d)
	case check.Down, check.Exposed, check.Pending:
		p.now.known += time.Duration(d)
	}
}

// rotate ends the running ten minutes, and the hour and the day that end with
// them.
func (p *spans) rotate(b *Board, id string) {
	ten := p.ten
	p.fresh = false
	p.tens[ten%tensKept] = p.now.bucket(tenMinutes)
	b.hand(id, tenMinutes, ten, &p.now)
	hour := ten / tensAnHour
	if !p.now.empty() {
		p.hour.add(&p.now)
		b.hand(id, time.Hour, hour, &p.hour)
	}
	p.now = sums{}
	p.ten++
	if p.ten%tensAnHour != 0 {
		return
	}
	p.putHour(hour, p.hour.bucket(time.Hour))
	if !p.hour.empty() {
		p.day.add(&p.hour)
		b.hand(id, day, hour/hoursADay, &p.day)
	}
	p.hour = sums{}
	if today := p.ten / tensAnHour / hoursADay; today != hour/hoursADay {
		p.day = sums{}
		p.hours[today%daysKept] = nil
	}
}

// rewind goes to another ten minutes without passing through what lies between.
// Going back, what was known of the time to come is forgotten; going far ahead,
// all is.
func (p *spans) rewind(b *Board, id string, ten int64) {
	p.handOut(b, id)
	from := ten
	if ten > p.ten {
		from = p.ten - tensKept
		p.hours = [daysKept]*[hoursADay]bucket{}
	}
	for n := from; n <= p.ten && n < from+tensKept; n++ {
		p.tens[n%tensKept] = bucket{}
	}
	first, last := ten/tensAnHour, p.ten/tensAnHour
	for h := first; h <= last && h < first+daysKept*hoursADay; h++ {
		if p.hours[h/hoursADay%daysKept] != nil {
			p.putHour(h, bucket{})
		}
	}
	p.now, p.hour, p.day = sums{}, sums{}, sums{}
	p.ten, p.fresh = ten, false
}

// handOut hands out the running spans as they are.
func (p *spans) handOut(b *Board, id string) {
	hour, today := p.hour, p.day
	hour.add(&p.now)
	today.add(&hour)
	b.hand(id, tenMinutes, p.ten, &p.now)
	b.hand(id, time.Hour, p.ten/tensAnHour, &hour)
	b.hand(id, day, p.ten/tensAnHour/hoursADay, &today)
}

func (p *spans) putHour(hour int64, u bucket) {
	d := &p.hours[hour/hoursADay%daysKept]
	if *d == nil {
		if u == (bucket{}) {
			return
		}
		*d = new([hoursADay]bucket)
	}
	(*d)[hour%hoursADay] = u
}

// uptime returns the shares of the last 24 hours, 7 and 30 days, NaN for
// unknown.
func (p *spans) uptime() (day, week, month float64) {
	if !p.fresh {
		p.sum()
	}
	hour := p.hour
	hour.add(&p.now)
	return p.ended.day.share(&p.now), p.ended.week.share(&hour), p.ended.month.share(&hour)
}

// sum adds the buckets up; it is done once in ten minutes.
func (p *spans) sum() {
	p.ended, p.fresh = windows{}, true
	for _, u := range p.tens {
		p.ended.day.add(u)
	}
	this := p.ten / tensAnHour
	for back := int64(1); back <= hoursAMonth; back++ {
		h := this - back
		d := p.hours[h/hoursADay%daysKept]
		if d == nil {
			continue
		}
		p.ended.month.add(d[h%hoursADay])
		if back <= hoursAWeek {
			p.ended.week.add(d[h%hoursADay])
		}
	}
}

func (t *total) add(u bucket) {
	t.up += uint32(u.up)
	t.known += uint32(u.known)
}

// share returns the part of the known time that was up, the running span
// included.
func (t total) share(running *sums) float64 {
	up, known := float64(t.up)+running.up.Seconds(), float64(t.known)+running.known.Seconds()
	if known <= 0 {
		return math.NaN()
	}
	return min(up/known, 1)
}

func (s *sums) empty() bool { return s.runs == 0 && s.known == 0 }

func (s *sums) add(o *sums) {
	s.runs += o.runs
	s.failures += o.failures
	s.up += o.up
	s.known += o.known
	s.took += o.took
	s.phases = addPhases(s.phases, o.phases)
}

// bucket rounds to seconds, and in such a way that a second that was not up is
// never rounded away.
func (s *sums) bucket(span time.Duration) bucket {
	known := min(s.known, span).Round(time.Second)
	up := min(s.up, known).Round(time.Second)
	if up == known && up > 0 && s.up < s.known {
		up -= time.Second
	}
	return bucket{up: uint16(up / time.Second), known: uint16(known / time.Second)}
}

func addPhases(a, b check.Phases) check.Phases {
	return check.Phases{
		Token: a.Token + b.Token, Resolve: a.Resolve + b.Resolve, Connect: a.Connect + b.Connect,
		TLS: a.TLS + b.TLS, Processing: a.Processing + b.Processing, Transfer: a.Transfer + b.Transfer,
	}
}

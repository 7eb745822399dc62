package schedule

import "reflect"

// Replace makes jobs the jobs of the scheduler. Those whose ID and Key are as
// before keep their place untouched. Changed ones keep their phase; like new
// ones they run within the smaller of their interval and 60 s. A run in
// progress is never cut short by it, and what comes in place of a job waits for
// its end. Of several jobs with one ID the first counts.
func (s *Scheduler) Replace(jobs []Job) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	held := s.takeWaiting()
	next := make(map[string]*entry, len(jobs))
	for _, j := range jobs {
		if next[j.ID] == nil {
			next[j.ID] = s.adopt(j, now)
		}
	}
	for id, e := range s.entries {
		if next[id] == nil {
			s.drop(id, e)
		}
	}
	s.entries = next
	s.rebuild()
	s.pruneOrigins()
	for _, e := range held {
		if !e.gone {
			s.admit(e)
		}
	}
	s.nudge(-1)
}

// adopt returns the entry for j: the one that was there, brought up to date, or
// a new one.
func (s *Scheduler) adopt(j Job, now int64) *entry {
	if j.Timeout <= 0 {
		j.Timeout = defaultTimeout
	}
	e := s.entries[j.ID]
	if e != nil && sameKey(e.job.Key, j.Key) {
		return e
	}
	if e == nil {
		e = s.leaving[j.ID]
		delete(s.leaving, j.ID)
	}
	if e == nil {
		e = &entry{hash: hash(j.ID)}
	}
	e.job, e.gone, e.slow, e.cron = &j, false, false, newCronState(j.Cron)
	e.origin = s.originOf(j.Origin)
	switch {
	case e.place == busy:
		e.changed = true
	case e.place != waiting && s.started:
		s.planFirst(e, now)
	}
	return e
}

func (s *Scheduler) drop(id string, e *entry) {
	e.gone = true
	if e.place == busy {
		s.leaving[id] = e
	}
}

// rebuild fills the heap anew with all entries that belong there.
func (s *Scheduler) rebuild() {
	clear(s.queue)
	s.queue, s.crons = s.queue[:0], 0
	for _, e := range s.entries {
		if e.cron != nil {
			s.crons++
		}
		if s.started && (e.place == nowhere || e.place == queued) && !s.paused[e.job.ID] {
			e.place = queued
			s.queue = append(s.queue, node{e.at, e})
		}
	}
	s.queue.init()
}

// sameKey compares without the panic that keys which cannot be compared earn.
func sameKey(a, b any) bool {
	return canCompare(a) && canCompare(b) && a == b
}

func canCompare(a any) bool {
	v := reflect.ValueOf(a)
	return !v.IsValid() || v.Comparable()
}

package schedule

import "slices"

// Pause has a job not run, neither at its times nor by RunNow, until Resume. A
// run in progress ends by itself, and its result is observed. What is paused
// stays so through Replace, also while there is no job of that ID.
func (s *Scheduler) Pause(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.paused[id] = true
	e := s.entries[id]
	if e == nil {
		return
	}
	switch e.place {
	case nowhere, busy: // the latter rests once it has ended
		e.again = false
	case queued:
		s.queue.remove(e)
		e.rest()
	case waiting:
		e.rest()
		s.readmit()
	}
}

// Resume ends a pause. The job runs within the smaller of its interval and 60 s,
// as a new one does.
func (s *Scheduler) Resume(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.paused[id] {
		return
	}
	delete(s.paused, id)
	e := s.entries[id]
	if e == nil || !s.started || e.place != nowhere { // one that runs is planned when it has ended
		return
	}
	s.planFirst(e, s.now())
	e.place = queued
	s.queue.push(e)
	s.nudge(e.at)
}

// rest leaves e without a time to run at.
func (e *entry) rest() {
	e.place, e.again, e.changed, e.slow = nowhere, false, false, false
	e.cron.unplan()
}

// readmit lines up anew all that wait, but for those that no longer do: nobody is
// to wait behind them.
func (s *Scheduler) readmit() {
	for _, e := range slices.DeleteFunc(s.takeWaiting(), func(e *entry) bool { return e.place != waiting }) {
		s.admit(e)
	}
}

// remove takes e, which is in the heap, out of it.
func (h *heap) remove(e *entry) {
	i := slices.IndexFunc(*h, func(n node) bool { return n.e == e })
	last := len(*h) - 1
	(*h)[i] = (*h)[last]
	(*h)[last] = node{}
	if *h = (*h)[:last]; i < last {
		h.up(i)
		h.down(i)
	}
}

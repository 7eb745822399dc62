package agent

import "github.com/watchword/watchword/internal/check"

// Observer is told what happens as it happens, in order. It is called by what
// it is told of, and must not wait.
type Observer interface {
	Ran(r check.Result, s check.MonitorState)
	Changed(c check.Change)
}

// nobody is the Observer where there is none.
type nobody struct{}

func (nobody) Ran(check.Result, check.MonitorState) {}

func (nobody) Changed(check.Change) {}

// push hands a change on to disk, outbox, mirrors and whoever looks on.
func (a *Agent) push(c check.Change) {
	a.pipe.push(c)
	for i := range c.States {
		a.mirror.Wake(c.States[i].ID)
	}
	if !c.Empty() {
		a.opts.Observer.Changed(c)
	}
}

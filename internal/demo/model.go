package demo

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/config"
	"github.com/watchword/watchword/internal/lab"
	"github.com/watchword/watchword/notifiers"
)

// keptMessages is how many titles are remembered, and how many events are known
// to have been noted.
const keptMessages = 1000

// stripRuns is how many runs of a monitor are remembered.
const stripRuns = 120

// watched is one monitor as the demo shows it.
type watched struct {
	id, name, group string
	state           check.State
	fault           *check.FaultText
	took            time.Duration
	ran             bool
	held            bool          // down, and not announced because of what it depends on
	strip           []check.State // after each run, the newest last
}

// model is what is known of the agent. It is fed by the agent as its Observer,
// and read by screen, control page and tour.
type model struct {
	mu       sync.Mutex
	begun    time.Time
	up       bool   // all were up once
	page     string // URL of the agent's page
	control  string // and of the page to break things from
	monitors []*watched
	byID     map[string]*watched
	open     map[string]check.IncidentRecord
	runs     int
	sent     int      // messages that chat services took
	messages []string // titles of those since forget, the latest only
	news     []entry  // that the screen has not shown yet
	said     map[string]bool
	verdicts map[string]bool // class/reason of all that failed since forget
}

// entry is one thing that happened.
type entry struct {
	at    time.Time
	kind  string // down, up, exposed, certificate, told, switch, tour, run, log, note
	head  string
	lines []string
	key   string // entries with the same key that come together are one
	who   []string
}

func newModel() *model {
	return &model{begun: time.Now(), byID: map[string]*watched{}, open: map[string]check.IncidentRecord{}, said: map[string]bool{}, verdicts: map[string]bool{}}
}

func (m *model) configure(c *config.Config) {
	if len(m.monitors) > 0 { // a start that found its port taken
		return
	}
	for _, mon := range c.Monitors {
		w := &watched{id: mon.ID, name: mon.Name, group: mon.Group, state: check.Pending}
		m.monitors = append(m.monitors, w)
		m.byID[mon.ID] = w
	}
}

// add notes what happened. The caller holds the lock.
func (m *model) add(e entry) {
	e.at = time.Now()
	if i := len(m.news) - 1; e.key != "" {
		for ; i >= 0; i-- {
			if m.news[i].key == e.key {
				m.news[i].who = append(m.news[i].who, e.who...)
				return
			}
		}
	}
	m.news = append(m.news, e)
}

// Ran takes a result in; see agent.Observer.
func (m *model) Ran(r check.Result, s check.MonitorState) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.runs++
	w := m.byID[r.Monitor.ID]
	if w == nil { // the configuration was changed by hand
		w = &watched{id: r.Monitor.ID, name: r.Monitor.Name, group: r.Monitor.Group}
		m.monitors, m.byID[w.id] = append(m.monitors, w), w
	}
	w.name, w.group = r.Monitor.Name, r.Monitor.Group
	w.state, w.fault, w.took, w.ran = s.State, r.Fault.Text(), r.Took, true
	w.held = w.held && w.state == check.Down
	w.strip = append(w.strip, stateOf(r, s))
	w.strip = w.strip[max(0, len(w.strip)-stripRuns):]
	line := entry{kind: "run", head: fmt.Sprintf("%s  %s  %s", s.State, w.name, length(r.Took))}
	if r.Fault != nil {
		m.verdicts[string(r.Fault.Class)+"/"+string(r.Fault.Reason)] = true
		line.head += fmt.Sprintf("  %s/%s", r.Fault.Class, r.Fault.Reason)
	}
	m.add(line)
	if n := m.counts(); !m.up && n.up == len(m.monitors) {
		m.up = true
		m.add(entry{kind: "up", head: fmt.Sprintf("all %d monitors, %s after the start", n.up, length(time.Since(m.begun)))})
	}
}

// stateOf is what the strip shows of a run: one that failed counts as down, or
// pending while it is borne.
func stateOf(r check.Result, s check.MonitorState) check.State {
	if r.Fault == nil {
		return check.Up
	}
	return s.State
}

// Changed takes a change in; see agent.Observer.
func (m *model) Changed(c check.Change) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, id := range c.Removed { // taken out of the configuration by hand
		delete(m.byID, id)
		m.monitors = slices.DeleteFunc(m.monitors, func(w *watched) bool { return w.id == id })
	}
	for _, r := range c.Incidents {
		if r.Closed.IsZero() && len(r.Members) > 0 {
			m.open[r.ID] = r
		} else {
			delete(m.open, r.ID)
		}
	}
	m.stand(c.States)
	for _, d := range c.Deliveries {
		for i := range d.Events {
			m.event(d.Kind, &d.Events[i])
		}
	}
}

// stand takes in states that no run of the monitor itself brought: a pause, a
// maintenance that begins or ends. Who is down and in no incident is held.
func (m *model) stand(states []check.MonitorState) {
	for _, s := range states {
		if w := m.byID[s.ID]; w != nil {
			w.state = s.State
			if s.State == check.Paused { // it begins anew when it is resumed
				w.ran, w.fault = false, nil
			}
		}
	}
	announced := map[string]bool{}
	for _, r := range m.open {
		for _, member := range r.Members {
			announced[member.ID] = true
		}
	}
	for id, w := range m.byID {
		w.held = w.state == check.Down && !announced[id]
	}
}

// event notes what people are about to be told, once for all channels.
func (m *model) event(k check.Kind, e *check.Event) {
	key := fmt.Sprint(e.Incident, k, e.Since.UnixNano(), len(e.Members), e.Joined)
	if m.said[key] {
		return
	}
	if len(m.said) >= keptMessages {
		clear(m.said)
	}
	m.said[key] = true
	title := notifiers.Title(check.Delivery{Kind: k, Events: []check.Event{*e}})
	_, title, _ = strings.Cut(title, "] ")
	n := entry{kind: string(k), head: title}
	if k != check.KindUp && k != check.KindClosed {
		n.lines = []string{string(e.Fault.Class) + "/" + string(e.Fault.Reason), e.Fault.Message}
		if e.Fault.Hint != "" {
			n.lines = append(n.lines, "→ "+e.Fault.Hint)
		}
	}
	if len(e.Members) > 1 {
		n.lines = append(n.lines, names(e.Members))
	}
	if len(e.Held) > 0 {
		n.lines = append(n.lines, "behind them, not announced: "+names(e.Held))
	}
	m.add(n)
}

func names(ms []check.Member) string {
	const most = 6
	var all []string
	for _, m := range ms {
		all = append(all, m.Name)
	}
	return check.Some(all, most)
}

// told notes a message that a chat service took.
func (m *model) told(msg lab.Message) {
	m.mu.Lock()
	defer m.mu.Unlock()
	title, _, _ := strings.Cut(lab.Render(msg), "\n")
	m.sent++
	m.messages = append(m.messages, title)
	m.messages = m.messages[max(0, len(m.messages)-keptMessages):]
	key := "told " + title
	if msg.Channel == "webhook" && !slices.ContainsFunc(m.news, func(e entry) bool { return e.key == key }) {
		return // it gets each cause by itself; the control page shows that
	}
	m.add(entry{kind: "told", head: title, key: key, who: []string{msg.Channel}})
}

func (m *model) switched(title string, on bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	word := "broken"
	if !on {
		word = "mended"
	}
	m.add(entry{kind: "switch", head: word + ": " + title})
}

func (m *model) note(kind, head string, lines ...string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.add(entry{kind: kind, head: head, lines: lines})
}

// take returns what is new and forgets it.
func (m *model) take() []entry {
	m.mu.Lock()
	defer m.mu.Unlock()
	news := m.news
	m.news = nil
	return news
}

// length writes a duration as people read it.
func length(d time.Duration) string {
	switch {
	case d < 10*time.Millisecond:
		return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	return fmt.Sprintf("%.2f s", d.Seconds())
}

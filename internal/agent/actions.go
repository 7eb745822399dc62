package agent

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/server"
)

// actions is what page and API may do.
func (a *Agent) actions() server.Actions {
	return server.Actions{
		Run: a.runByHand, Pause: a.Pause, Resume: a.Resume, PauseGroup: a.PauseGroup, ResumeGroup: a.ResumeGroup,
		Maintenance: a.maintenance, Begin: a.beginMaintenance, End: a.endMaintenance,
	}
}

func refuse(status int, format string, args ...any) error {
	return &server.Refusal{Status: status, Detail: fmt.Sprintf(format, args...)}
}

// monitor returns a monitor that is watched.
func (a *Agent) monitor(id string) (*monitor, error) {
	m := a.plan.Load().byID[id]
	if m == nil {
		return nil, refuse(http.StatusNotFound, "no monitor has this id")
	}
	return m, nil
}

func (a *Agent) runByHand(id string) error {
	if _, err := a.monitor(id); err != nil {
		return err
	}
	if s, found := a.tracker.State(id); found && s.State == check.Paused || !a.scheduler.RunNow(id) {
		return refuse(http.StatusConflict, "the monitor is paused, and a paused monitor is not run: resume it first")
	}
	return nil
}

// Pause has a monitor not run until Resume, over restarts too.
func (a *Agent) Pause(ctx context.Context, id string) error { return a.setPaused(ctx, id, true) }

// Resume has a monitor run again, also one of a group that is paused.
func (a *Agent) Resume(ctx context.Context, id string) error { return a.setPaused(ctx, id, false) }

func (a *Agent) setPaused(ctx context.Context, id string, paused bool) error {
	m, err := a.monitor(id)
	if err != nil {
		return err
	}
	a.holds.mu.Lock()
	a.holds.unkept = append(a.holds.unkept, a.holds.pauses.set(m.check, paused)...)
	a.holds.mu.Unlock()
	a.hold()
	a.log.Info("a monitor was paused or resumed", "monitor", id, "paused", paused)
	a.keep(ctx)
	return nil
}

// PauseGroup has the monitors of a group, and those that a reload adds to it, not
// run until ResumeGroup.
func (a *Agent) PauseGroup(ctx context.Context, name string) (server.Group, error) {
	return a.setGroupPaused(ctx, name, true)
}

// ResumeGroup has the monitors of a group run again, but for those that were
// paused by themselves.
func (a *Agent) ResumeGroup(ctx context.Context, name string) (server.Group, error) {
	return a.setGroupPaused(ctx, name, false)
}

func (a *Agent) setGroupPaused(ctx context.Context, name string, paused bool) (server.Group, error) {
	var members []*check.Monitor
	for _, m := range a.plan.Load().monitors {
		if m.check.InGroup(name) {
			members = append(members, m.check)
		}
	}
	if len(members) == 0 {
		return server.Group{}, refuse(http.StatusNotFound, "no monitor is in this group")
	}
	a.holds.mu.Lock()
	a.holds.unkept = append(a.holds.unkept, a.holds.pauses.setGroup(name, members, paused)...)
	out := server.Group{Group: name, Paused: []string{}}
	for _, m := range members {
		out.Monitors = append(out.Monitors, m.ID)
		if a.holds.pauses.paused(m) {
			out.Paused = append(out.Paused, m.ID)
		}
	}
	a.holds.mu.Unlock()
	a.hold()
	a.log.Info("a group was paused or resumed", "group", name, "paused", paused, "members", len(out.Monitors), "members_paused", len(out.Paused))
	a.keep(ctx)
	return out, nil
}

// maintenance returns all windows that are not over.
func (a *Agent) maintenance() []server.Maintenance {
	p, now := a.plan.Load(), a.wall().Round(0)
	a.holds.mu.Lock()
	defer a.holds.mu.Unlock()
	all := []server.Maintenance{}
	for _, w := range a.holds.windows(p) {
		if w.source == server.FromAPI && w.when.Next(now).IsZero() {
			continue
		}
		all = append(all, w.shown(p.monitors, a.holds.isActive(w, now), now))
	}
	return all
}

// mostOrdered bounds what is ordered by hand and not over.
const mostOrdered = 1000

// makeRoom says whether there is none for one more; those that are over give way.
func (h *holds) makeRoom(now time.Time) (full bool) {
	if len(h.ordered) < mostOrdered {
		return false
	}
	for id, o := range h.ordered {
		if !now.Before(o.To) {
			h.drop(id)
		}
	}
	return len(h.ordered) >= mostOrdered
}

// drop takes an ordered maintenance back.
func (h *holds) drop(id string) {
	delete(h.ordered, id)
	h.unkept = append(h.unkept, check.Order{Kind: orderWindow, Name: id})
}

func (a *Agent) beginMaintenance(ctx context.Context, o server.MaintenanceOrder) (server.Maintenance, error) {
	p, now := a.plan.Load(), a.wall().Round(0)
	made, problems := readOrder(o, p.checks(), p.cfg.Timezone, now)
	if len(problems) > 0 {
		no := &server.Refusal{Status: http.StatusUnprocessableEntity, Detail: "this is no maintenance that can be carried out"}
		for _, p := range problems {
			if p.Path == "" {
				no.Errors = append(no.Errors, p.Message)
				continue
			}
			no.Errors = append(no.Errors, p.Path+": "+p.Message)
		}
		return server.Maintenance{}, no
	}
	made.ID = "m-" + a.ids.incident()
	a.holds.mu.Lock()
	full := a.holds.makeRoom(now)
	if !full {
		a.holds.ordered[made.ID] = made
		a.holds.unkept = append(a.holds.unkept, order(orderWindow, made.ID, made))
	}
	a.holds.mu.Unlock()
	if full {
		return server.Maintenance{}, refuse(http.StatusConflict, "%d maintenances were ordered already: end some, or put what recurs into the configuration", mostOrdered)
	}
	a.hold()
	a.keep(ctx)
	a.holds.wake()
	w := made.window()
	out := w.shown(p.monitors, !made.From.After(now), now)
	a.log.Info("maintenance ordered", "id", made.ID, "monitors", len(out.Monitors), "from", made.From.Format(time.RFC3339), "to", made.To.Format(time.RFC3339), "reason", made.Reason)
	return out, nil
}

// endMaintenance ends a maintenance that was ordered, or what goes on now of a
// window of the configuration: that comes again as it says.
func (a *Agent) endMaintenance(ctx context.Context, id string) error {
	p, now := a.plan.Load(), a.wall().Round(0)
	if err := a.holds.end(p, id, now); err != nil {
		return err
	}
	a.hold()
	a.log.Info("maintenance was ended", "id", id)
	a.keep(ctx)
	a.holds.wake()
	return nil
}

func (h *holds) end(p *plan, id string, now time.Time) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if o, found := h.ordered[id]; found && now.Before(o.To) {
		h.drop(id)
		return nil
	}
	for _, w := range p.windows {
		if w.id != id {
			continue
		}
		if !h.isActive(w, now) {
			return refuse(http.StatusConflict, "this window of the configuration is not in force now: only what goes on can be ended here; to have it not come again, take it out of the configuration")
		}
		_, to, _ := w.when.Span(now)
		h.ended[id] = to
		h.unkept = append(h.unkept, order(orderEnded, id, to))
		return nil
	}
	return refuse(http.StatusNotFound, "no maintenance that is in force or to come has this id")
}

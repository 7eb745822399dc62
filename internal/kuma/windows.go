package kuma

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/watchword/watchword/internal/schedule"
)

// readMaintenance takes over the windows. The monitors have their ids by now.
func (r *kumaReader) readMaintenance() {
	names := namer{}
	for _, m := range r.source.tables["maintenance"] {
		e := &Entry{Name: nameOf(m)}
		why := r.window(e, m)
		if why == "" {
			why = r.wrong(e)
		}
		if !m.flag("active", true) {
			why = "it is switched off"
		}
		if why == "" {
			why = r.about(e, m)
		}
		if why != "" {
			e.Comments, e.Fields = nil, nil
			e.Comment(fmt.Sprintf("%s did not come over: %s", e.Name, why))
			if m.flag("active", true) && why != elsewhere {
				r.doc.look("the maintenance %q did not come over: %s", e.Name, why)
			}
		} else {
			base := e.Name
			e.Name = names.take(base, func(n int) string { return fmt.Sprintf("%s (%d)", base, n) })
		}
		r.doc.Maintenance = append(r.doc.Maintenance, e)
	}
}

// window fills in when it is, or says why there is no telling.
func (r *kumaReader) window(e *Entry, m row) string {
	if text := strings.TrimSpace(m.text("description")); text != "" {
		e.Fields.Set("description", clean(text))
	}
	var why string
	switch strategy := m.text("strategy"); strategy {
	case "manual":
		return "it holds until somebody ends it, which is `watchword maintenance start` here"
	case "single":
		why = r.once(e, m)
	case "cron":
		why = r.cron(e, m)
	case "recurring-interval", "recurring-weekday", "recurring-day-of-month":
		why = r.recurring(e, m, strategy)
	default:
		return fmt.Sprintf("its strategy %q is not known", strategy)
	}
	if why == "" {
		why = r.bounds(e, m)
	}
	r.zone(e, m)
	return why
}

// wrong says what check would say of a window: that it never ends, or that no day
// is of it.
func (r *kumaReader) wrong(e *Entry) string {
	text := func(key string) string { s, _ := e.Fields.Get(key).(string); return s }
	o := schedule.WindowOptions{From: text("from"), To: text("to"), Cron: text("cron"), Start: text("start"), Timezone: text("timezone"),
		Weekdays: listOf(e.Fields.Get("weekdays")), Duration: duration(e.Fields.Get("duration"), 0)}
	o.DaysOfMonth, _ = e.Fields.Get("days_of_month").([]int)
	o.EveryDays, _ = e.Fields.Get("every_days").(int)
	zone, err := time.LoadLocation(r.doc.Timezone) // "" is UTC
	if err != nil {
		zone = time.UTC
	}
	for _, p := range schedule.CheckWindow(o, zone) {
		if !p.Warning {
			return strings.TrimPrefix(p.Path+": ", ": ") + p.Message
		}
	}
	return ""
}

func (r *kumaReader) once(_ *Entry, m row) string {
	if moment(m.text("start_date")) == "" || moment(m.text("end_date")) == "" {
		return "it has no beginning or no end"
	}
	return ""
}

// bounds sets from and to, between which a window is, or recurs.
func (r *kumaReader) bounds(e *Entry, m row) string {
	from, to := moment(m.text("start_date")), moment(m.text("end_date"))
	if from != "" && to != "" && from >= to && len(from) == len(to) {
		return "it ends before it begins"
	}
	if from == "" && e.Fields.Get("every_days") != nil {
		from = cmp.Or(moment(m.text("last_start_date")), "2000-01-01T00:00:00")
		r.doc.look("the maintenance %q has no first day: mind on which days it is (from)", e.Name)
	}
	if from != "" {
		e.Fields.Set("from", from)
	}
	if to != "" {
		e.Fields.Set("to", to)
	}
	return ""
}

// moment reads a time of the database and writes it in RFC 3339, without an
// offset where there was none; "" for none.
func moment(s string) string {
	s = strings.Replace(strings.TrimSpace(s), " ", "T", 1)
	for _, layout := range []string{"2006-01-02T15:04:05", "2006-01-02T15:04:05.999", "2006-01-02T15:04", "2006-01-02"} {
		if at, err := time.Parse(layout, s); err == nil {
			return at.Format("2006-01-02T15:04:05")
		}
	}
	if at, err := time.Parse(time.RFC3339, s); err == nil {
		return at.Format(time.RFC3339)
	}
	return ""
}

// zone sets the time zone, unless it is that of the top level. Rows of 1.21 and
// before name none and are in UTC, as Kuma itself takes them.
func (r *kumaReader) zone(e *Entry, m row) {
	name := strings.TrimSpace(m.text("timezone"))
	top := cmp.Or(r.doc.Timezone, "UTC")
	switch {
	case name == "" && m.text("cron") == "" || name == "Etc/UTC":
		name = "UTC"
	case name == "" || name == "SAME_AS_SERVER":
		if r.source.settings["serverTimezone"] == "" {
			r.doc.look("Uptime Kuma took its time zone from the machine: if that is not UTC, set timezone, by which the maintenance goes")
		}
		return
	}
	switch {
	case name == top:
	case !isZone(name):
		r.doc.look("the time zone %q of the maintenance %q is not known here: it goes by %s", name, e.Name, top)
	default:
		e.Fields.Set("timezone", name)
	}
}

// recurring fills in a window that recurs by days, at a time of day.
func (r *kumaReader) recurring(e *Entry, m row, strategy string) string {
	start, length, ok := dayTimes(m)
	if !ok {
		return "it has no time of day, or ends when it begins"
	}
	switch strategy {
	case "recurring-interval":
		e.Fields.Set("every_days", min(max(m.integer("interval_day"), 1), 3660))
	case "recurring-weekday":
		days := weekdays(m)
		if len(days) == 0 {
			return "it names no day of the week"
		}
		e.Fields.Set("weekdays", days)
	default:
		days := daysOfMonth(m)
		if len(days) == 0 {
			return "it names no day of the month"
		}
		e.Fields.Set("days_of_month", days)
	}
	e.Fields.Set("start", start)
	e.Fields.Set("duration", length)
	return ""
}

const elsewhere = "it is about monitors that stay in Uptime Kuma"

// about fills in whom a window is about: monitors by their ids, groups with all
// that is below them. What stays in Kuma is left out.
func (r *kumaReader) about(e *Entry, m row) string {
	var ids, groups []string
	linked := 0
	for _, link := range r.source.tables["monitor_maintenance"] {
		if link.key("maintenance_id") != m.key("id") {
			continue
		}
		linked++
		id := link.key("monitor_id")
		if entry := r.entries[id]; entry != nil {
			ids = append(ids, IDOf(entry))
		}
		if name := r.groupOf(id); name != "" {
			groups = append(groups, name)
		}
	}
	if len(ids) > 0 {
		slices.Sort(ids)
		e.Fields.Set("monitors", slices.Compact(ids))
	}
	if len(groups) > 0 {
		slices.Sort(groups)
		e.Fields.Set("groups", slices.Compact(groups))
	}
	switch {
	case linked == 0:
		return "it is about no monitor"
	case len(ids)+len(groups) == 0:
		return elsewhere
	}
	return ""
}

// groupOf returns the path of a group, "" where nothing that came over is below.
// It looks at where the monitors ended up: groups that are within one another have
// no place of their own.
func (r *kumaReader) groupOf(id string) string {
	group := r.monitors[id]
	if group == nil {
		return ""
	}
	path := strings.TrimPrefix(r.path(group)+" / "+r.groups[id], " / ")
	for below, e := range r.entries {
		if r.within(r.monitors[below], id) && strings.HasPrefix(e.Group+" / ", path+" / ") {
			return path
		}
	}
	return ""
}

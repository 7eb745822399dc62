package kuma

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/watchword/watchword/internal/check"
)

// kumaReader makes a document of what was read of an Uptime Kuma.
type kumaReader struct {
	source *source
	doc    *Document
	hide   *hider
	warn   []time.Duration // before certificates expire, longest first

	monitors    map[string]row    // by id, like those below
	groups      map[string]string // their names
	entries     map[string]*Entry
	proxies     map[string]row
	labels      map[string]string // of tags
	tags        map[string][]row  // of monitors
	told        map[string][]string
	channels    map[string]*channel
	credentials map[string]*Entry // by what they are
	names       namer             // of credentials
}

func newKumaReader(s *source) *kumaReader {
	d := &Document{Source: s.what, Command: "watchword import kuma", Read: s.files}
	r := &kumaReader{
		source: s, doc: d, hide: newHider(&d.Vault), warn: s.certificateWarn(),
		monitors: map[string]row{}, groups: map[string]string{}, entries: map[string]*Entry{}, proxies: map[string]row{}, labels: map[string]string{},
		tags: map[string][]row{}, told: map[string][]string{}, channels: map[string]*channel{}, credentials: map[string]*Entry{}, names: namer{},
	}
	for _, m := range s.tables["monitor"] {
		r.monitors[m.key("id")] = m
	}
	for _, p := range s.tables["proxy"] {
		r.proxies[p.key("id")] = p
	}
	for _, t := range s.tables["monitor_tag"] {
		r.tags[t.key("monitor_id")] = append(r.tags[t.key("monitor_id")], t)
	}
	for _, n := range s.tables["monitor_notification"] {
		id := n.key("monitor_id")
		if !slices.Contains(r.told[id], n.key("notification_id")) {
			r.told[id] = append(r.told[id], n.key("notification_id"))
		}
	}
	return r
}

// read makes the document.
func (r *kumaReader) read() (*Document, error) {
	r.readZone()
	r.nameGroups()
	r.nameTags()
	r.readNotifications()
	for _, m := range r.source.tables["monitor"] {
		r.readMonitor(m)
	}
	r.doc.Identify()
	r.readMaintenance()
	r.tellOfOrphans()
	r.count()
	return r.doc, nil
}

// readZone takes over the time zone that is set for the server.
func (r *kumaReader) readZone() {
	var name string
	_ = json.Unmarshal([]byte(r.source.settings["serverTimezone"]), &name) // "" for what is no text
	switch {
	case name == "" || name == "UTC":
	case !isZone(name):
		r.doc.look("the time zone %q is not known here: set timezone", name)
	default:
		r.doc.Timezone = name
	}
}

func isZone(name string) bool {
	_, err := time.LoadLocation(name)
	return err == nil && name != "Local" && name != ""
}

// certificateWarn is the global setting of when people hear of certificates.
func (s *source) certificateWarn() []time.Duration {
	days := []int{7, 14, 21}
	if raw, ok := s.settings["tlsExpiryNotifyDays"]; ok {
		var set []int
		if json.Unmarshal([]byte(raw), &set) == nil {
			days = set
		}
	}
	var all []time.Duration
	for _, n := range days {
		if n > 0 && n < 36500 {
			all = append(all, time.Duration(n)*24*time.Hour)
		}
	}
	slices.Sort(all)
	slices.Reverse(all)
	return slices.Compact(all)
}

// nameTags makes names of labels out of the names of tags. Equal tags are one
// label, different ones never are.
func (r *kumaReader) nameTags() {
	own := namer{"monitor": true, "name": true, "type": true, "group": true, "url": true, "credential": true, "": true}
	byName := map[string]string{}
	for _, t := range r.source.tables["tag"] {
		name := clean(t.text("name"))
		if byName[name] == "" {
			label := labelName(name)
			if own[label] && byName[name] == "" && slices.Contains([]string{"monitor", "name", "type", "group", "url", "credential", ""}, label) {
				label = strings.TrimSuffix("tag_"+label, "_")
			}
			byName[name] = own.take(label, func(n int) string { return fmt.Sprintf("%s_%d", label, n) })
		}
		r.labels[t.key("id")] = byName[name]
	}
}

// labelName writes a name with the characters that Prometheus takes.
func labelName(name string) string {
	label := strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' {
			return c
		}
		return ' '
	}, name)
	label = strings.Trim(strings.Join(strings.Fields(label), "_"), "_")
	if label != "" && label[0] >= '0' && label[0] <= '9' {
		label = "tag_" + label
	}
	return label
}

// labelsOf returns the tags of a monitor as labels, in the order of their names.
// A tag that is there several times has its values with commas between.
func (r *kumaReader) labelsOf(id string) Fields {
	values := map[string]string{}
	var names []string
	for _, t := range r.tags[id] {
		name, value := r.labels[t.key("tag_id")], clean(t.text("value"))
		if name == "" {
			continue
		}
		if value == "" {
			value = "true"
		}
		if old, there := values[name]; there {
			value = old + "," + value
		} else {
			names = append(names, name)
		}
		values[name] = value
	}
	slices.Sort(names)
	var f Fields
	for _, name := range names {
		f = append(f, Field{Key: name, Value: values[name]})
	}
	return f
}

// path returns the names of the groups above a monitor, outermost first.
func (r *kumaReader) path(m row) string {
	var names []string
	seen := map[string]bool{m.key("id"): true}
	for id := m.key("parent"); id != "" && !seen[id] && r.monitors[id] != nil; id = r.monitors[id].key("parent") {
		seen[id] = true
		names = append(names, r.groups[id])
	}
	slices.Reverse(names)
	return strings.Join(names, " / ")
}

// nameGroups gives every group a name that none beside it has: groups are told
// apart by their names here.
func (r *kumaReader) nameGroups() {
	beside := map[string]namer{}
	for _, m := range r.source.tables["monitor"] {
		up, name := m.key("parent"), strings.ReplaceAll(nameOf(m), " / ", "/") // which stands between a group and its own
		if m.text("type") != "group" {
			r.groups[m.key("id")] = name
			continue
		}
		if beside[up] == nil {
			beside[up] = namer{}
		}
		r.groups[m.key("id")] = beside[up].take(name, func(n int) string { return fmt.Sprintf("%s (%d)", name, n) })
	}
}

// nameOf is the name of a monitor, notification or window, also where it has
// none.
func nameOf(r row) string {
	for _, column := range []string{"name", "title"} {
		if name := clean(r.text(column)); name != "" {
			return name
		}
	}
	return "Unnamed " + r.key("id")
}

// tellOfOrphans says which groups told somebody where their members tell nobody:
// here it is the members that are told of.
func (r *kumaReader) tellOfOrphans() {
	for _, g := range r.source.tables["monitor"] {
		told := r.told[g.key("id")]
		if g.text("type") != "group" || len(told) == 0 {
			continue
		}
		silent := 0
		for id, e := range r.entries {
			if r.within(r.monitors[id], g.key("id")) && len(listOf(e.Fields.Get("notify"))) == 0 {
				silent++
			}
		}
		if silent > 0 {
			r.doc.look("the group %q told %s of its members, and %s nobody: give them a notify", nameOf(g), r.namesOf(told), check.Count(silent, "of them tells", "of them tell"))
		}
	}
}

func listOf(value any) []string { list, _ := value.([]string); return list }

// within says whether a monitor is anywhere below a group.
func (r *kumaReader) within(m row, group string) bool {
	seen := map[string]bool{}
	for id := m.key("parent"); id != "" && !seen[id]; id = r.monitors[id].key("parent") {
		if id == group {
			return true
		}
		seen[id] = true
	}
	return false
}

// namesOf names notifications.
func (r *kumaReader) namesOf(ids []string) string {
	var names []string
	for _, id := range ids {
		if c := r.channels[id]; c != nil {
			names = append(names, fmt.Sprintf("%q", c.name))
		}
	}
	if len(names) == 0 {
		return "somebody"
	}
	return strings.Join(names, ", ")
}

// count says how many monitors had what has no counterpart.
func (r *kumaReader) count() {
	for _, x := range []struct{ column, what string }{
		{"domain_expiry_notification", "looked after the expiry of the domain, which Watchword does not"},
		{"save_response", "kept the answers that passed, which Watchword does not"},
	} {
		n := 0
		for id := range r.entries {
			if r.monitors[id].flag(x.column, false) {
				n++
			}
		}
		if n > 0 {
			r.doc.Notes = append(r.doc.Notes, check.Count(n, "monitor", "monitors")+" "+x.what)
		}
	}
}

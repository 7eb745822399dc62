package kuma

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/machine"
)

// FromGatus reads a configuration of Gatus: a file, or a folder with all YAML
// below it, put together as Gatus does.
func FromGatus(path string) (*Document, error) {
	files, err := gatusFiles(path)
	if err != nil {
		return nil, err
	}
	k := newDesk(filepath.Base(path)+" of Gatus", "watchword import gatus")
	k.doc.Read = files
	k.dir = filepath.Dir(files[0])
	var root value
	for _, file := range files {
		v, err := parseForeign(file, k.doc.Vault.reserve)
		if err != nil {
			return nil, err
		}
		if root, err = merged(root, v, ""); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
	}
	if !root.get("endpoints").given() && !root.get("suites").given() && !root.get("external-endpoints").given() {
		return nil, fmt.Errorf("%s is no configuration of Gatus: it has no endpoints", path)
	}
	r := &gatusReader{desk: k, root: root, channels: map[string]*gatusChannel{}}
	r.read()
	return r.doc, nil
}

// gatusFiles returns the files that make up a configuration, in Gatus' order.
func gatusFiles(path string) ([]string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, errors.New(machine.Unusable(path, "read", err))
	}
	if !info.IsDir() {
		return []string{path}, nil
	}
	var files []string
	err = filepath.WalkDir(path, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		hidden := strings.HasPrefix(d.Name(), "..") // Kubernetes mounts every file twice
		if d.IsDir() && hidden {
			return filepath.SkipDir
		}
		if ext := filepath.Ext(p); !d.IsDir() && (ext == ".yaml" || ext == ".yml") {
			files = append(files, p)
		}
		return nil
	})
	switch {
	case err != nil:
		return nil, errors.New(machine.Unusable(path, "read", err))
	case len(files) == 0:
		return nil, fmt.Errorf("there is no *.yaml or *.yml in %s", path)
	}
	return files, nil
}

// merged puts two values together: mappings by key, lists one after the other. A
// single value that two files give is an error, as in Gatus.
func merged(a, b value, at string) (value, error) {
	x, y := a.resolved(), b.resolved()
	switch {
	case !a.given():
		return b, nil
	case !b.given():
		return a, nil
	case x.Kind == yaml.SequenceNode && y.Kind == yaml.SequenceNode:
		return value{&yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Content: slices.Concat(x.Content, y.Content)}}, nil
	case x.Kind != yaml.MappingNode || y.Kind != yaml.MappingNode:
		return value{}, fmt.Errorf("%s stands in another file already", strings.TrimPrefix(at, "."))
	}
	out := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
	for _, m := range a.members() {
		sub, err := merged(m.value, b.get(m.key), at+"."+m.key)
		if err != nil {
			return value{}, err
		}
		out.Content = append(out.Content, textNode(m.key), sub.node)
	}
	for _, m := range b.members() {
		if !a.get(m.key).given() {
			out.Content = append(out.Content, textNode(m.key), m.value.node)
		}
	}
	return value{out}, nil
}

func textNode(s string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s}
}

// gatusReader makes a document of a configuration of Gatus.
type gatusReader struct {
	*desk
	root     value
	channels map[string]*gatusChannel // by what they are
	windows  []gatusWindow
}

// gatusWindow is one maintenance of Gatus, of an endpoint or of all (nil).
type gatusWindow struct {
	entry *Entry
	value value
}

func (r *gatusReader) read() {
	taken := map[string]int{}
	for _, e := range r.root.get("endpoints").list() {
		taken[e.get("name").text()]++
	}
	for _, e := range r.root.get("endpoints").list() {
		r.endpoint(e, taken[e.get("name").text()] > 1)
	}
	for _, e := range r.root.get("external-endpoints").list() {
		r.stay("external endpoint", e.get("name").text(), "", "Nobody reports to Watchword: it goes and looks by itself")
	}
	for _, e := range r.root.get("suites").list() {
		r.stay("suite", e.get("name").text(), "", "Watchword's monitors carry nothing from one request to the next")
	}
	r.doc.Identify()
	r.windows = append(r.windows, gatusWindow{nil, r.root.get("maintenance")})
	for _, w := range r.windows {
		r.window(w)
	}
	r.sections()
}

// sections tells of what belongs to Gatus itself.
func (r *gatusReader) sections() {
	for _, s := range []struct{ key, why string }{
		{"security", "Gatus' login did not come over: see server.auth"},
		{"announcements", "its announcements did not come over: there are none here"},
		{"remote", "endpoints of other instances of Gatus did not come over: import there as well"},
		{"connectivity", "its connectivity checker did not come over: Watchword tells by itself when it is offline"},
	} {
		if r.root.get(s.key).given() {
			r.doc.Notes = append(r.doc.Notes, s.why)
		}
	}
	if n := len(r.doc.outside); n > 0 {
		slices.Sort(r.doc.outside)
		r.doc.Notes = append(r.doc.Notes, "it takes "+check.Count(n, "variable", "variables")+" from the environment as before, and an unset one is an error here: "+check.Some(r.doc.outside, 10))
	}
	if len(r.doc.Monitors) > 0 {
		r.doc.Notes = append(r.doc.Notes, "every run makes a fresh connection here, and certificates are told of 21, 14 and 7 days before they expire unless a condition said when")
	}
}

// window takes over a maintenance.
func (r *gatusReader) window(w gatusWindow) {
	v := w.value
	if !v.given() || !v.get("enabled").flag(true) {
		return
	}
	e := &Entry{Name: r.windowName(w.entry)}
	length := v.get("duration").duration(0)
	if length <= 0 || !v.get("start").given() {
		r.object(e, "its start or duration is none, so it did not come over")
		return
	}
	days, ok := gatusDays(v.get("every").texts())
	if !ok {
		r.object(e, "a day of it is none, so it did not come over")
		return
	}
	e.Fields.Set("weekdays", days)
	e.Fields.Set("start", r.raw(v.get("start").text()))
	e.Fields.Set("duration", length)
	e.Fields.Set("timezone", r.raw(cmp.Or(v.get("timezone").text(), "UTC")))
	if w.entry != nil {
		e.Fields.Set("monitors", []string{IDOf(w.entry)})
	} else {
		e.Fields.Set("all", true)
	}
	r.doc.Maintenance = append(r.doc.Maintenance, e)
}

// windowName gives a name that no other maintenance has: an endpoint may have
// several.
func (r *gatusReader) windowName(of *Entry) string {
	name, taken := "Maintenance", namer{}
	if of != nil {
		name += " of " + of.Name
	}
	for _, e := range r.doc.Maintenance {
		taken[e.Name] = true
	}
	return taken.take(name, func(n int) string { return fmt.Sprintf("%s (%d)", name, n) })
}

// gatusDays names days as ours; none are all of them.
func gatusDays(every []string) ([]string, bool) {
	names := []string{"MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"}
	if len(every) == 0 {
		return names, true
	}
	var days []string
	for _, day := range every {
		short := strings.ToUpper(day[:min(len(day), 3)])
		if !slices.Contains(names, short) {
			return nil, false
		}
		days = append(days, short)
	}
	return days, true
}

// Where an endpoint says nothing.
const (
	gatusInterval = time.Minute
	gatusTimeout  = 10 * time.Second
)

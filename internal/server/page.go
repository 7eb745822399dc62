package server

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"time"

	"github.com/watchword/watchword/internal/board"
	"github.com/watchword/watchword/internal/check"
)

//go:embed page
var assets embed.FS //nolint:gochecknoglobals // embed works on package variables only

const fewMonitors = 100 // up to here every row is open to the eye

// overview is all that the page shows, in order.
type overview struct {
	Title     string
	Headline  []clause
	More      int    // clauses left out
	Plain     string // the headline where no incident speaks
	Tally     string
	Now       stamp
	Day       string
	Storage   string // what is wrong with the disk
	Unread    bool   // the open incidents could not be read
	Causes    string
	Incidents []incidentRow
	Groups    []*group
	Windows   []windowRow // of maintenance, in force and to come
	Further   int         // that are not among them
	Writes    bool        // whether who asks may do something
	Version   string
	Location  string
	Zone      string
}

type incidentRow struct {
	ID       string
	Exposed  bool
	Hop      hop
	What     clause
	Message  string
	Hint     string
	Members  []check.Member
	Summary  string
	For      string
	Since    stamp
	Class    check.Class
	Reason   check.Reason
	Unnamed  int // members beyond those listed
	ByItself bool
}

func parsePage() (*template.Template, error) {
	t, err := template.New("overview.html").Funcs(template.FuncMap{"plural": check.Count}).ParseFS(assets, "page/*.html")
	if err != nil {
		return nil, fmt.Errorf("parse the page: %w", err)
	}
	return t, nil
}

// page writes the overview. Everything is taken off the board before the first
// byte is written: a slow reader must not hold the board.
func (s *Server) page(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	b := bufio.NewWriterSize(w, 32<<10)
	if err := s.write(r.Context(), b); err != nil {
		s.log.Debug("write the page", "error", err)
		return
	}
	_ = b.Flush()
}

// write writes the page that who asks may see.
func (s *Server) write(ctx context.Context, w io.Writer) error {
	if visitOf(ctx).reduced {
		return s.template.ExecuteTemplate(w, "public.html", s.publicPage(ctx))
	}
	return s.template.Execute(w, s.overview(ctx))
}

func (s *Server) overview(ctx context.Context) *overview {
	now := s.o.Now()
	o := &overview{
		Now: stampOf(now, now, s.o.Zone), Day: now.In(s.o.Zone).Format("Mon 2 Jan"),
		Version: s.o.Version, Location: s.o.Location, Zone: s.o.Zone.String(),
	}
	if p := s.storage(); p != nil {
		o.Storage = p.Message
		if o.Storage == "" {
			o.Storage = "it cannot be written"
		}
	}
	records, err := s.o.Incidents(ctx, "open")
	if err != nil {
		s.log.Warn("read incidents", "state", "open", "error", err)
		o.Unread = true
	}
	records = sorted(records)
	held := heldBy(records)
	s.addHolds(held)
	o.Writes = visitOf(ctx).writes
	o.addWindows(s.windowRows(now))
	c := &counts{}
	list := newGroups()
	s.o.Each(func(v *board.View) bool {
		row := newRow(v, held[v.Monitor.ID], now, s.o.Zone)
		row.Writes = o.Writes
		c.add(&row)
		list.add(v.Monitor.Group, row)
		return true
	})
	o.Groups = list.finish(c.all)
	o.addIncidents(records, now, s.o.Zone)
	o.headline(records, c)
	return o
}

func (o *overview) addIncidents(records []check.IncidentRecord, now time.Time, zone *time.Location) {
	members := 0
	for i := range records {
		r := &records[i]
		members += len(r.Members)
		row := incidentRow{
			ID: r.ID, Exposed: r.Fault.Class == check.ExposedTo, Hop: hopOf(&r.Fault), What: clauseOf(r).upper(),
			Message: r.Fault.Message, Hint: r.Fault.Hint, Members: r.Members, Summary: membersText(r),
			For: length(now.Sub(r.Opened)), Since: stampOf(r.Opened, now, zone), Class: r.Fault.Class, Reason: r.Fault.Reason,
			ByItself: len(r.Members) == 1,
		}
		if len(r.Members) > fewMonitors {
			row.Members, row.Unnamed = r.Members[:fewMonitors], len(r.Members)-fewMonitors
		}
		o.Incidents = append(o.Incidents, row)
	}
	o.Causes = check.Count(len(records), "cause", "causes") + ", " + check.Count(members, "monitor", "monitors")
}

func membersText(r *check.IncidentRecord) string {
	if r.Fault.Class != check.ExposedTo && r.Cause.Shared() {
		return check.Count(len(r.Members), "monitor behind it is held", "monitors behind it are held")
	}
	return check.Count(len(r.Members), "monitor", "monitors")
}

// file is a part of the page that is served by itself.
type file struct {
	body []byte
	tag  string // for ETag
}

func readAssets() (map[string]file, error) {
	files := map[string]file{}
	for _, name := range []string{"style.css", "icon.svg"} {
		b, err := assets.ReadFile("page/" + name)
		if err != nil {
			return nil, fmt.Errorf("read the page: %w", err)
		}
		sum := sha256.Sum256(b)
		files[name] = file{b, `"` + hex.EncodeToString(sum[:8]) + `"`}
	}
	return files, nil
}

// asset serves a file of the page. The browser asks each time whether it has
// changed; only a new build changes it.
func (s *Server) asset(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("file")
	f, found := s.files[name]
	if !found {
		missing(w, r)
		return
	}
	w.Header().Set("Cache-Control", "no-cache")
	w.Header().Set("ETag", f.tag)
	http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(f.body))
}

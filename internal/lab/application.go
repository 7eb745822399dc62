package lab

import (
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// ApplicationOptions configure an [Application].
type ApplicationOptions struct {
	// Keyword is the word its pages hold; "" is [DefaultKeyword].
	Keyword string
}

// DefaultKeyword is on every healthy page.
const DefaultKeyword = "Dashboard"

// Application is what stands behind the gate. Every path is a page with the
// keyword, so that one instance serves thousands of monitors (/m/1, /m/2 …);
// paths that do something of their own are listed in doc.go. The embedded
// [Switch] and SetPage concern all paths, [Application.At] one of them.
type Application struct {
	Switch

	keyword string
	plain   *content
	page    atomic.Pointer[content] // set for all paths, nil: plain
	spots   sync.Map                // path → *Spot
	size    atomic.Int64
	mux     *http.ServeMux
}

// Spot is one path of the [Application], with switches and counters of its
// own.
type Spot struct {
	Switch

	app     *Application
	page    atomic.Pointer[content]
	failing atomic.Bool
	runs    atomic.Int64
	first   atomic.Int64
	last    atomic.Int64
	gap     atomic.Int64
}

// maxSpots bounds what strange paths can make the application remember.
const maxSpots = 200_000

// NewApplication returns a healthy application.
func NewApplication(o ApplicationOptions) *Application {
	a := &Application{keyword: cmpOr(o.Keyword, DefaultKeyword)}
	a.plain = a.mustRender(Page{})
	a.mux = a.routes()
	return a
}

// Keyword returns the word on healthy pages.
func (a *Application) Keyword() string { return a.keyword }

// mustRender renders a page of known encoding; that cannot fail.
func (a *Application) mustRender(p Page) *content {
	c, err := p.render(a.keyword)
	if err != nil {
		return &content{kind: []string{"text/plain"}, length: []string{"0"}}
	}
	return c
}

// At returns the path's own switches and counters.
func (a *Application) At(path string) *Spot {
	if s, ok := a.spots.Load(path); ok {
		return s.(*Spot)
	}
	s, loaded := a.spots.LoadOrStore(path, &Spot{app: a})
	if !loaded {
		a.size.Add(1)
	}
	return s.(*Spot)
}

// SetFailing makes one path answer 500, or work again. It is cheap.
func (a *Application) SetFailing(path string, on bool) { a.At(path).failing.Store(on) }

// SetPage changes what all paths without a page of their own show.
func (a *Application) SetPage(p Page) error {
	c, err := p.render(a.keyword)
	if err != nil {
		return err
	}
	a.page.Store(c)
	return nil
}

// ResetPage goes back to the healthy page.
func (a *Application) ResetPage() { a.page.Store(nil) }

// SetPage changes what the path shows.
func (s *Spot) SetPage(p Page) error {
	c, err := p.render(s.app.keyword)
	if err != nil {
		return err
	}
	s.page.Store(c)
	return nil
}

// MendAll makes the application and every path healthy again and keeps the
// counters.
func (a *Application) MendAll() {
	a.Mend()
	a.ResetPage()
	a.spots.Range(func(_, v any) bool {
		s := v.(*Spot)
		s.Mend()
		s.page.Store(nil)
		s.failing.Store(false)
		return true
	})
}

// ServeHTTP answers with the path's page.
func (a *Application) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s := a.visit(r.URL.Path)
	switch {
	case a.intercept(w, r) != "" || s.intercept(w, r) != "":
	case s.failing.Load():
		writeBody(w, http.StatusInternalServerError, "text/html; charset=utf-8", errorPage("500 Internal Server Error"))
	case s.page.Load() != nil:
		s.page.Load().write(w, http.StatusOK)
	case strings.HasPrefix(r.URL.Path, "/m/"):
		a.write(w)
	default:
		a.mux.ServeHTTP(w, r)
	}
}

func (a *Application) write(w http.ResponseWriter) {
	c := a.page.Load()
	if c == nil {
		c = a.plain
	}
	c.write(w, http.StatusOK)
}

func (a *Application) visit(path string) *Spot {
	v, ok := a.spots.Load(path)
	if !ok {
		if a.size.Load() >= maxSpots {
			return &Spot{app: a}
		}
		v = a.At(path)
	}
	s := v.(*Spot)
	s.count(time.Now().UnixNano())
	return s
}

func (s *Spot) count(now int64) {
	s.runs.Add(1)
	s.first.CompareAndSwap(0, now)
	last := s.last.Swap(now)
	if last == 0 {
		return
	}
	for gap := s.gap.Load(); now-last > gap; gap = s.gap.Load() {
		if s.gap.CompareAndSwap(gap, now-last) {
			return
		}
	}
}

// unreachable says whether a gate in front finds nobody to talk to.
func (a *Application) unreachable(r *http.Request) bool {
	if t := a.now.Load(); t != nil && t.Down {
		return true
	}
	v, ok := a.spots.Load(r.URL.Path)
	if !ok {
		return false
	}
	t := v.(*Spot).now.Load()
	return t != nil && t.Down
}

// Visits are the requests a path has seen. MaxGap is the longest time between
// two of them.
type Visits struct {
	Runs        int           `json:"runs"`
	First, Last time.Time     `json:"-"`
	MaxGap      time.Duration `json:"max_gap_ns"`
}

// Visits returns the requests the path has seen.
func (s *Spot) Visits() Visits {
	v := Visits{Runs: int(s.runs.Load()), MaxGap: time.Duration(s.gap.Load())}
	if v.Runs > 0 {
		v.First, v.Last = time.Unix(0, s.first.Load()), time.Unix(0, s.last.Load())
	}
	return v
}

// Visits returns the requests of every path that starts with the prefix.
func (a *Application) Visits(prefix string) map[string]Visits {
	out := map[string]Visits{}
	a.spots.Range(func(k, v any) bool {
		if path := k.(string); strings.HasPrefix(path, prefix) {
			out[path] = v.(*Spot).Visits()
		}
		return true
	})
	return out
}

// Runs returns how many requests all paths with the prefix have seen.
func (a *Application) Runs(prefix string) int {
	n := 0
	a.spots.Range(func(k, v any) bool {
		if strings.HasPrefix(k.(string), prefix) {
			n += int(v.(*Spot).runs.Load())
		}
		return true
	})
	return n
}

// ResetVisits sets all counters to zero.
func (a *Application) ResetVisits() {
	a.spots.Range(func(_, v any) bool {
		s := v.(*Spot)
		for _, n := range []*atomic.Int64{&s.runs, &s.first, &s.last, &s.gap} {
			n.Store(0)
		}
		return true
	})
}

package lab

import (
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

//go:embed control_page
var controlAssets embed.FS //nolint:gochecknoglobals // embed works on package variables only

// Story is what the watcher of the world says about it; the control page shows
// it beside the switches. The world itself knows nothing of a watcher.
type Story struct {
	Headline  string
	Well      bool   // nothing is wrong
	Page      string // URL of the watcher's own page, "" for none
	Incidents []StoryIncident
	Monitors  []StoryMonitor
}

// StoryIncident is one cause of trouble.
type StoryIncident struct {
	Title, Verdict, Message, Hint string // Verdict is class/reason
	Since                         time.Time
	Monitors                      []string
	Exposed                       bool
}

// StoryMonitor is one thing that is watched.
type StoryMonitor struct {
	Name, Group, Status string
	Note                string // class/reason, or how long the last run took
}

// SetStory has the control page tell what f returns. f is called for each look.
func (w *World) SetStory(f func() Story) { w.story.Store(&f) }

// OnSwitch has f called after each switch, from the goroutine that switched.
func (w *World) OnSwitch(f func(name, title string, on bool)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.onSwitch = f
}

// controlView is all that the page shows.
type controlView struct {
	Places []controlPlace
	Story  Story
	Chat   []chatView
	Last   int
	State  State
}

type controlPlace struct {
	Place, Title string
	Switches     []SwitchState
}

// chatView is one message as the page shows it.
type chatView struct {
	ID      int
	Channel string
	At      string
	HTML    template.HTML
}

func chatChannels() []string { return []string{"telegram", "slack", "discord", "teams", "webhook"} }

const shownMessages = 100 // of all channels together

func (w *World) view(after int) controlView {
	v := controlView{State: w.state(), Last: after}
	if f := w.story.Load(); f != nil {
		v.Story = (*f)()
	}
	for _, p := range [][2]string{
		{PlaceProvider, "Identity provider"}, {PlaceGate, "Gate"}, {PlaceApplication, "Application"},
		{PlaceFar, "Public sites"}, {PlaceLine, "Watchword's own line"},
	} {
		place := controlPlace{Place: p[0], Title: p[1]}
		for _, s := range v.State.Switches {
			if s.Place == p[0] {
				place.Switches = append(place.Switches, s)
			}
		}
		if place.Switches != nil {
			v.Places = append(v.Places, place)
		}
	}
	if chat, ok := w.Chat.(*Chat); ok {
		v.Chat = chat.since(after)
	}
	if len(v.Chat) > 0 {
		v.Last = v.Chat[0].ID
	}
	return v
}

// since returns the messages after the given id, newest first.
func (c *Chat) since(after int) []chatView {
	all := c.after(after)
	slices.SortFunc(all, func(a, b Message) int { return b.ID - a.ID })
	out := make([]chatView, 0, min(len(all), shownMessages))
	for _, m := range all[:min(len(all), shownMessages)] {
		out = append(out, chatView{m.ID, m.Channel, m.Time.Format("15:04:05"), RenderHTML(m)})
	}
	return out
}

// after returns the messages of all channels with greater ids, as of one moment:
// who goes on from the greatest misses none.
func (c *Chat) after(id int) []Message {
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []Message
	for _, channel := range chatChannels() {
		for _, m := range c.accepted[channel] {
			if m.ID > id {
				all = append(all, m)
			}
		}
	}
	return all
}

func (w *World) servePage(rw http.ResponseWriter) {
	var b strings.Builder
	if err := w.page.ExecuteTemplate(&b, "control.html", w.view(0)); err != nil {
		http.Error(rw, err.Error(), http.StatusInternalServerError)
		return
	}
	pageHeader(rw)
	writeBody(rw, http.StatusOK, "text/html; charset=utf-8", b.String())
}

func pageHeader(rw http.ResponseWriter) {
	h := rw.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self' data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
}

// serveLive answers the page's script: what is on, the story and the messages
// after ?after= as HTML.
func (w *World) serveLive(rw http.ResponseWriter, r *http.Request) {
	after, err := strconv.Atoi(cmpOr(r.FormValue("after"), "0"))
	if err != nil {
		writeJSON(rw, http.StatusBadRequest, map[string]string{"error": fmt.Sprintf("read after=%q: want a number", r.FormValue("after"))})
		return
	}
	v := w.view(after)
	var story, chat strings.Builder
	if err = w.page.ExecuteTemplate(&story, "story", v.Story); err == nil {
		err = w.page.ExecuteTemplate(&chat, "chat", v.Chat)
	}
	if err != nil {
		http.Error(rw, err.Error(), http.StatusInternalServerError)
		return
	}
	on := []string{}
	for _, s := range v.State.Switches {
		if s.On {
			on = append(on, s.Name)
		}
	}
	pageHeader(rw)
	writeJSON(rw, http.StatusOK, map[string]any{"on": on, "story": story.String(), "chat": chat.String(), "last": v.Last})
}

func (w *World) serveAsset(rw http.ResponseWriter, r *http.Request) {
	kind := map[string]string{"control.css": "text/css; charset=utf-8", "control.js": "text/javascript; charset=utf-8"}[r.PathValue("file")]
	b, err := controlAssets.ReadFile("control_page/" + r.PathValue("file"))
	if err != nil || kind == "" {
		http.NotFound(rw, r)
		return
	}
	pageHeader(rw)
	writeBody(rw, http.StatusOK, kind, string(b))
}

// asksForPage tells a browser, which lists what it wants, from a program.
func asksForPage(r *http.Request) bool {
	return strings.Contains(r.Header.Get("Accept"), "text/html")
}

func parseControlPage() (*template.Template, error) {
	t, err := template.New("control.html").Funcs(template.FuncMap{
		"clock":    func(t time.Time) string { return t.Format("15:04:05") },
		"channels": chatChannels,
		"join":     func(names []string) string { return strings.Join(names, ", ") },
	}).ParseFS(controlAssets, "control_page/*.html")
	if err != nil {
		return nil, fmt.Errorf("parse the control page: %w", err)
	}
	return t, nil
}

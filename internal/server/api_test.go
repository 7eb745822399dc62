package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/watchword/watchword/internal/board"
)

var update = flag.Bool("update", false, "write the golden files")

func TestGolden(t *testing.T) {
	well, ill := sample(), sample()
	ill.views, ill.open, ill.storage = ill.views[:1], nil, Storage{Message: "write watchword.db: no space left on device"}
	for _, c := range []struct {
		file, path string
		world      *world
	}{
		{"monitors", "/api/v1/monitors", well},
		{"monitor-down", "/api/v1/monitors/billing", well},
		{"monitor-new", "/api/v1/monitors/printer", well},
		{"incidents-open", "/api/v1/incidents", well},
		{"incidents-all", "/api/v1/incidents?state=all", well},
		{"monitors-disk", "/api/v1/monitors", ill},
		{"incidents-disk", "/api/v1/incidents", ill},
		{"monitors-none", "/api/v1/monitors", &world{}},
	} {
		t.Run(c.file, func(t *testing.T) {
			r := ask(t, start(t, c.world.options()), "GET", c.path, nil)
			var got bytes.Buffer
			if err := json.Indent(&got, []byte(r.body), "", "  "); err != nil {
				t.Fatalf("not JSON: %v: %s", err, r.body)
			}
			name := filepath.Join("testdata", c.file+".json")
			if *update {
				if err := os.WriteFile(name, got.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if got.String() != string(want) {
				t.Errorf("got\n%s\nwant\n%s", &got, want)
			}
		})
	}
}

func TestIncidentsThatCannotBeRead(t *testing.T) {
	w := sample()
	w.err = errors.New("open /secret/path: input/output error")
	s := start(t, w.options())
	r := ask(t, s, "GET", "/api/v1/incidents?state=all", nil)
	if r.problem(t); r.status != http.StatusServiceUnavailable || strings.Contains(r.body, "secret") {
		t.Errorf("got %d %s", r.status, r.body)
	}
	if r := ask(t, s, "GET", "/", nil); r.status != 200 || !strings.Contains(r.body, "cannot be read at the moment") {
		t.Errorf("the page: got %d", r.status)
	}
}

func TestReload(t *testing.T) {
	w := sample()
	s := start(t, w.options())
	if r := ask(t, s, "POST", "/-/reload", nil); r.status != http.StatusOK || r.body != `{"reloaded":true}`+"\n" {
		t.Errorf("got %d %s", r.status, r.body)
	}
	w.refused = []string{`a.yaml:3:5: unknown key "urll"; did you mean "url"?`, "a.yaml:9:1: <b>"}
	r := ask(t, s, "POST", "/-/reload", nil)
	if p := r.problem(t); r.status != http.StatusUnprocessableEntity || !slices.Equal(p.Errors, w.refused) {
		t.Errorf("got %d, errors %q, want %q", r.status, p.Errors, w.refused)
	}
}

// Health depends on the agent alone.
func TestHealthAsksNobody(t *testing.T) {
	w := sample()
	w.err, w.storage = errors.New("disk"), Storage{Message: "disk"}
	o := w.options()
	o.Each = func(func(*board.View) bool) { t.Error("the board was asked") }
	s := start(t, o)
	if r := ask(t, s, "GET", "/healthz", nil); r.status != 200 || r.body != "ok\n" {
		t.Errorf("healthz: got %d %q", r.status, r.body)
	}
	w.notReady = true
	if r := ask(t, s, "GET", "/readyz", nil); r.status != http.StatusServiceUnavailable || r.problem(t).Detail == "" {
		t.Errorf("readyz before the first run: got %d %q", r.status, r.body)
	}
	if r := ask(t, s, "GET", "/healthz", nil); r.status != 200 {
		t.Errorf("healthz before the first run: got %d", r.status)
	}
	w.notReady = false
	if r := ask(t, s, "GET", "/readyz", nil); r.status != 200 {
		t.Errorf("readyz: got %d %q", r.status, r.body)
	}
}

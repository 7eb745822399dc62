package agent_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/watchword/watchword/internal/lab"
)

// pages is a configuration of pages behind the gate.
func (w *world) pages(dir, more string, names ...string) string {
	var y strings.Builder
	y.WriteString(head(dir) + "credentials:\n" + w.credential("door", lab.ClientID, ""))
	fmt.Fprintf(&y, "notifiers:\n  chat: {type: slack, webhook_url: %q}\n%s", w.slack(), more)
	fmt.Fprintf(&y, "defaults: {interval: 2s, timeout: 1900ms, retries: 0, retry_interval: 1s, credential: door, expect: {keyword: %s}}\nmonitors:\n", lab.DefaultKeyword)
	for _, name := range names {
		fmt.Fprintf(&y, "  - {name: %s, url: \"%s/m/%s\"}\n", name, w.GatewayURL(), name)
	}
	return y.String()
}

// A reload touches what was changed and nothing else.
func TestReload(t *testing.T) {
	t.Parallel()
	w := newWorld(t, lab.Config{}, lab.ChatOptions{})
	dir := t.TempDir()
	file := filepath.Join(dir, "watch.yaml")
	save(t, file, w.pages(dir, "", "kept", "doomed"))
	a := start(t, file)
	until(t, 10*time.Second, "both up", func() bool { return a.states()["up"] == 2 })
	w.Application.SetFailing("/m/doomed", true)
	until(t, 10*time.Second, "the failing one is told", func() bool { return w.said("[Down] doomed") == 1 })
	w.Application.At("/m/kept").Visits()
	w.Application.ResetVisits()
	since := a.monitors()["kept"].Since

	save(t, file, w.pages(dir, "", "fresh", "kept"))
	if code, body := a.ask(http.MethodPost, "/-/reload"); code != http.StatusOK {
		t.Fatalf("reload: %d %s", code, body)
	}
	until(t, 10*time.Second, "the new one is up", func() bool { return a.monitors()["fresh"].Status == "up" })
	until(t, 10*time.Second, "the removed one's incident is closed with a note", func() bool { return w.said("no longer monitored") == 1 })
	if _, known := a.monitors()["doomed"]; known {
		t.Error("the API still shows the removed monitor")
	}
	if _, text := a.ask(http.MethodGet, "/metrics"); strings.Contains(text, `"doomed"`) {
		t.Error("the metrics still show the removed monitor")
	}
	if is := a.incidents("open"); len(is) > 0 {
		t.Errorf("incidents still open: %+v", is)
	}
	if got := a.monitors()["kept"].Since; !got.Equal(*since) {
		t.Errorf("the unchanged one is up since %s, before the reload since %s", got, since)
	}
	until(t, 10*time.Second, "a few more runs", func() bool { return w.Application.At("/m/kept").Visits().Runs >= 4 })
	if gap := w.Application.At("/m/kept").Visits().MaxGap; gap > 3*time.Second {
		t.Errorf("the unchanged one paused for %s at the reload", gap)
	}
	if got := w.Provider.TokenRequests(); got != 1 {
		t.Errorf("%d token requests, want the first one only: the credential did not change", got)
	}
	if n := len(w.texts()); n != 2 {
		t.Errorf("%d messages, want a Down and a note: %s", n, w.texts())
	}
	a.checkBadFile(w, dir, file)
}

// checkBadFile puts a file with errors in place: nothing changes.
func (a *watch) checkBadFile(w *world, dir, file string) {
	t := a.t
	t.Helper()
	runs := w.Application.Runs("/m/kept")
	save(t, file, strings.Replace(w.pages(dir, "", "fresh", "kept", "another"), "keyword:", "keywrd:", 1))
	code, body := a.ask(http.MethodPost, "/-/reload")
	var problem struct {
		Status int
		Errors []string
	}
	if err := json.Unmarshal([]byte(body), &problem); err != nil || code != http.StatusUnprocessableEntity {
		t.Errorf("reload of a bad file: %d %s", code, body)
	}
	if len(problem.Errors) == 0 || !strings.Contains(problem.Errors[0], "watch.yaml:") || !strings.Contains(problem.Errors[0], `"keyword"`) {
		t.Errorf("errors: %q, want the place and the nearest key", problem.Errors)
	}
	if v, ok := a.metric("watchword_config_last_reload_successful"); !ok || v != 0 {
		t.Errorf("watchword_config_last_reload_successful is %v (%v), want 0", v, ok)
	}
	if n := len(a.monitors()); n != 2 {
		t.Errorf("%d monitors after a bad file, want the 2 of before", n)
	}
	until(t, 10*time.Second, "the old ones go on", func() bool { return w.Application.Runs("/m/kept") > runs+1 })
	save(t, file, w.pages(dir, "", "fresh", "kept"))
	if code, body := a.ask(http.MethodPost, "/-/reload"); code != http.StatusOK {
		t.Errorf("reload of the mended file: %d %s", code, body)
	}
	if v, _ := a.metric("watchword_config_last_reload_successful"); v != 1 {
		t.Errorf("watchword_config_last_reload_successful is %v after the mended file, want 1", v)
	}
}

// A changed file is taken over by itself, also when it is a link into a folder
// that is swapped, as Kubernetes mounts configuration.
func TestChangedFileIsTakenOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t, lab.Config{}, lab.ChatOptions{})
	dir := t.TempDir()
	volume := filepath.Join(dir, "volume")
	file := filepath.Join(volume, "watch.yaml")
	swap := func(version string, names ...string) {
		t.Helper()
		folder := filepath.Join(volume, "..."+version)
		if err := os.MkdirAll(folder, 0o700); err != nil {
			t.Fatal(err)
		}
		save(t, filepath.Join(folder, "watch.yaml"), w.pages(dir, "", names...))
		tmp := filepath.Join(volume, "..data_tmp")
		if err := os.Symlink("..."+version, tmp); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(tmp, filepath.Join(volume, "..data")); err != nil {
			t.Fatal(err)
		}
	}
	swap("1", "one")
	if err := os.Symlink(filepath.Join("..data", "watch.yaml"), file); err != nil {
		t.Fatal(err)
	}
	a := start(t, file)
	until(t, 10*time.Second, "it runs", func() bool { return a.all("up") })
	changed := time.Now()
	swap("2", "one", "two")
	until(t, 10*time.Second, "the swapped file is in force", func() bool { return len(a.monitors()) == 2 })
	took := time.Since(changed)
	t.Logf("a swapped link was in force after %s", took.Round(10*time.Millisecond))
	if took < 2*time.Second {
		t.Errorf("in force after %s: a change is to settle for 2 s", took)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	save(t, file, w.pages(dir, "", "one", "two", "three"))
	until(t, 10*time.Second, "the replaced file is in force", func() bool { return len(a.monitors()) == 3 })
}

// A secret's file is read when it is used: a rotated one needs no reload.
func TestRotatedSecretFile(t *testing.T) {
	t.Parallel()
	w := newWorld(t, lab.Config{}, lab.ChatOptions{})
	dir := t.TempDir()
	file, secretFile := filepath.Join(dir, "watch.yaml"), filepath.Join(dir, "client-secret")
	save(t, secretFile, lab.ClientSecret+"\n")
	save(t, file, strings.Replace(w.pages(dir, "", "one", "two"), `"`+lab.ClientSecret+`"`, "${file:client-secret}", 1))
	a := start(t, file)
	until(t, 10*time.Second, "both up", func() bool { return a.all("up") })
	w.flip("secret-rotated", true)
	until(t, 10*time.Second, "both down", func() bool { return a.all("down") })
	save(t, secretFile, lab.RotatedSecret+"\n")
	changed := time.Now()
	until(t, 10*time.Second, "both up with the new secret", func() bool { return a.all("up") })
	t.Logf("up again %s after the file was changed", time.Since(changed).Round(10*time.Millisecond))
	if got := time.Since(changed); got > 10*time.Second {
		t.Errorf("the new secret was used after %s: it ends the back-off", got)
	}
}

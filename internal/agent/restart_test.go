package agent_test

import (
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/watchword/watchword/internal/lab"
)

// What an agent knew and owed survives its end.
func TestRestartKeepsStateAndMessages(t *testing.T) {
	t.Parallel()
	w := newWorld(t, lab.Config{}, lab.ChatOptions{})
	dir := t.TempDir()
	file := filepath.Join(dir, "watch.yaml")
	save(t, file, w.pages(dir, "", "good", "bad"))
	first := start(t, file)
	until(t, 10*time.Second, "both up", func() bool { return first.all("up") })
	w.chat.Fail("slack", lab.ChatMode{Do: lab.ChatServerError})
	w.Application.SetFailing("/m/bad", true)
	until(t, 10*time.Second, "an attempt failed", func() bool { return w.chat.Requests("slack") > 0 })
	incident := first.incidents("open")[0]
	bad, good := first.monitors()["bad"], first.monitors()["good"]
	if bad.Uptime.Day == nil || *bad.Uptime.Day >= 1 || good.Uptime.Day == nil {
		t.Errorf("uptime before: bad %v, good %v", bad.Uptime.Day, good.Uptime.Day)
	}
	if err := first.stop(); err != nil {
		t.Fatalf("stop: %v", err)
	}
	w.chat.Fail("slack", lab.ChatMode{})
	if n := len(w.texts()); n > 0 {
		t.Fatalf("%d messages arrived while the channel was down", n)
	}

	second := start(t, file)
	at := second.monitors()["bad"]
	if at.Status != "down" || at.Fault == nil || at.Fault.Reason != "status" || !at.Since.Equal(*bad.Since) {
		t.Errorf("after the restart it is %s since %s with %+v, before %s since %s", at.Status, at.Since, at.Fault, bad.Status, bad.Since)
	}
	if is := second.incidents("open"); len(is) != 1 || is[0].ID != incident.ID || !is[0].Opened.Equal(incident.Opened) {
		t.Errorf("open incidents after the restart: %+v, before: %+v", is, incident)
	}
	until(t, 10*time.Second, "the message arrives", func() bool { return w.said("[Down] bad") == 1 })
	until(t, 10*time.Second, "new runs", func() bool { m := second.monitors()["good"]; return m.LastRun != nil && m.LastRun.After(second.began) })
	if up := second.monitors()["bad"].Uptime.Day; up == nil || *up <= 0 || *up >= 1 {
		t.Errorf("uptime of the failing one after the restart: %v, want what was before to count", show(up))
	}
	w.Application.SetFailing("/m/bad", false)
	until(t, 10*time.Second, "the recovery is told", func() bool { return w.said("[Up] bad") == 1 })
	if n := len(w.texts()); n != 2 {
		t.Errorf("%d messages, want one Down and one Up: %s", n, w.texts())
	}
	if is := second.incidents("all"); len(is) != 1 || is[0].Closed == nil {
		t.Errorf("incidents in the end: %+v", is)
	}
	if err := second.stop(); err != nil {
		t.Fatalf("stop: %v", err)
	}
	third := start(t, file)
	if is := third.incidents("all"); len(is) != 1 || is[0].ID != incident.ID {
		t.Errorf("incidents after another restart: %+v", is)
	}
	during(t, 3*time.Second, "nothing is told twice", func() bool { return len(w.texts()) == 2 })
}

func show(f *float64) string {
	if f == nil {
		return "unknown"
	}
	return strconv.FormatFloat(*f, 'g', -1, 64)
}

// Two agents on one database would tell everything twice.
func TestSecondAgentNamesTheHolder(t *testing.T) {
	t.Parallel()
	w := newWorld(t, lab.Config{}, lab.ChatOptions{})
	dir := t.TempDir()
	file := filepath.Join(dir, "watch.yaml")
	save(t, file, w.pages(dir, "", "one"))
	a := start(t, file)
	other, err := create(t, file, io.Discard, slog.LevelInfo)
	if err == nil || other != nil {
		t.Fatal("a second agent runs on the same database")
	}
	for _, want := range []string{"watch.db", "pid " + strconv.Itoa(os.Getpid()), "two agents cannot share"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error lacks %q: %v", want, err)
		}
	}
	if err := a.stop(); err != nil {
		t.Fatalf("stop: %v", err)
	}
	start(t, file) // the lock is free again
}

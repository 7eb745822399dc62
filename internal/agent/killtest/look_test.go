package killtest

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/watchword/watchword/internal/store"
)

// autopsy reads a copy of the database that the dead agent left.
func (l *lane) autopsy() {
	l.t.Helper()
	sending := map[string]bool{}
	for _, d := range l.left() {
		if !d.Sending {
			continue
		}
		if sending[d.Notifier] {
			l.t.Errorf("two messages were on their way to %s at once", d.Notifier)
		}
		sending[d.Notifier] = true
	}
	if len(sending) > 0 {
		l.flying++
	}
	l.book.killed(sending)
}

// left returns the messages that the database says are not delivered.
func (l *lane) left() []store.StoredDelivery {
	l.t.Helper()
	dir, err := os.MkdirTemp(l.dir, "copy")
	if err != nil {
		l.t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	for _, suffix := range []string{"", "-wal"} {
		data, err := os.ReadFile(l.file("watchword.db" + suffix))
		if os.IsNotExist(err) {
			continue
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, "watchword.db"+suffix), data, 0o600)
		}
		if err != nil {
			l.t.Fatal(err)
		}
	}
	s, err := store.Open(l.t.Context(), store.Options{Path: filepath.Join(dir, "watchword.db")})
	if err != nil {
		l.t.Fatalf("open what kill %d left: %v", l.epoch, err)
	}
	defer s.Close(context.WithoutCancel(l.t.Context()))
	found, err := s.Load(l.t.Context())
	if err != nil || found.Unread {
		l.t.Fatalf("read what kill %d left: %v", l.epoch, err)
	}
	return found.Deliveries
}

// told waits until each channel heard all that is the case, and the agent sees
// it so too.
func (l *lane) told(broken map[string]bool) {
	l.t.Helper()
	ctx, cancel := context.WithTimeout(l.t.Context(), patient)
	defer cancel()
	for quiet := 0; quiet < 2; {
		missing := l.book.missing()
		if len(missing) == 0 {
			missing = l.agrees(ctx, broken)
		}
		if quiet++; len(missing) > 0 {
			quiet = 0
		}
		if wrong := l.book.verdict(); len(wrong) > 0 {
			l.t.Fatalf("round %d, kill %d: %s\n%s", l.rounds, l.epoch, strings.Join(wrong, "\n"), l.agent.Load().log)
		}
		if c := l.agent.Load(); c.died() {
			l.t.Fatalf("the agent ended by itself: %v\n%s", c.err, c.log)
		}
		if !pause(ctx, 50*time.Millisecond) {
			l.t.Fatalf("lost: round %d, after kill %d, in %s: %s\n%s", l.rounds, l.epoch, patient, strings.Join(missing, "; "), l.agent.Load().log)
		}
	}
}

// agrees asks the agent itself; it returns how it sees things otherwise.
func (l *lane) agrees(ctx context.Context, broken map[string]bool) []string {
	base, err := l.agent.Load().address(ctx)
	if err != nil {
		return []string{err.Error()}
	}
	var list struct {
		Monitors []struct{ Name, Status string }
	}
	if err := get(ctx, base+"api/v1/monitors", &list); err != nil {
		return []string{err.Error()}
	}
	var out []string
	for _, m := range list.Monitors {
		want := "up"
		if broken[m.Name] {
			want = "down"
		}
		if m.Status != want {
			out = append(out, "agent: "+m.Name+" is "+m.Status)
		}
	}
	if len(broken) > 0 || len(out) > 0 {
		return out
	}
	return l.untold(ctx, base)
}

// untold returns incidents of which something is still to be said: they are
// not closed before.
func (l *lane) untold(ctx context.Context, base string) []string {
	var list struct {
		Incidents []struct {
			ID     string
			Closed *string
		}
	}
	if err := get(ctx, base+"api/v1/incidents?state=all", &list); err != nil {
		return []string{err.Error()}
	}
	var out []string
	for _, i := range list.Incidents {
		if i.Closed == nil {
			out = append(out, "agent: incident "+i.ID+" is not closed")
		}
	}
	if len(out) > 0 {
		return out
	}
	return pending(ctx, base)
}

// pending returns the channels for which messages wait.
func pending(ctx context.Context, base string) []string {
	text, err := fetch(ctx, base+"metrics")
	if err != nil {
		return []string{err.Error()}
	}
	var out []string
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "watchword_notifications_pending{") && !strings.HasSuffix(line, " 0") {
			out = append(out, "agent: "+line)
		}
	}
	return out
}

func get(ctx context.Context, url string, v any) error {
	text, err := fetch(ctx, url)
	if err != nil {
		return err
	}
	return json.Unmarshal([]byte(text), v)
}

func fetch(ctx context.Context, url string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	req.Close = true
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	return string(text), err
}

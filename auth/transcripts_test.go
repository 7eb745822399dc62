package auth

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/watchword/watchword/internal/secret"
)

// exchange of a real provider, as it was recorded.
type recorded struct {
	Name    string
	Error   string // no answer came
	Status  int
	Headers map[string]string
	Body    string
}

func (e recorded) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	if e.Error != "" { // ECONNRESET
		conn, _, err := http.NewResponseController(w).Hijack()
		if err == nil {
			conn.(*net.TCPConn).SetLinger(0)
			conn.Close()
		}
		return
	}
	for k, v := range e.Headers {
		w.Header().Set(k, v)
	}
	w.WriteHeader(e.Status)
	io.WriteString(w, e.Body)
}

// TestRecordedExchanges replays what Authelia, node-oidc-provider and Pocket ID
// answered at their token endpoints. testdata/verdicts.txt says what each means.
func TestRecordedExchanges(t *testing.T) {
	var exchanges []recorded
	readJSON(t, "testdata/exchanges.json", &exchanges)
	b, err := os.ReadFile("testdata/verdicts.txt")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{}
	for line := range strings.Lines(string(b)) {
		name, v, ok := strings.Cut(strings.TrimSpace(line), "\t")
		if !ok {
			t.Errorf("line %q is not NAME TAB VERDICT", line)
		}
		want[name] = v
	}
	if len(want) != len(exchanges) {
		t.Errorf("%d verdicts for %d exchanges", len(want), len(exchanges))
	}
	for _, e := range exchanges {
		t.Run(e.Name, func(t *testing.T) {
			s := tokenServer(t, e.ServeHTTP)
			h := newSource(t, options(s.URL+"/api/oidc/token")).Handle(origin)
			header, _, f := authorize(t, h, 5*time.Second)
			if got := verdict(f); got != want[e.Name] {
				t.Errorf("%s\t%s (want %q)\n%v", e.Name, got, want[e.Name], f)
			}
			if f == nil && !strings.HasPrefix(header.Get("Authorization"), "Bearer ") {
				t.Errorf("Authorization is %q", header.Get("Authorization"))
			}
			if f != nil && (f.Hint == "" || f.Cause.Key == "" || secret.Line(f.Message, 400) != f.Message) {
				t.Errorf("fault %+v is not fit to be told", f)
			}
		})
	}
}

func readJSON(t *testing.T, path string, to any) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, to); err != nil {
		t.Fatal(err)
	}
}

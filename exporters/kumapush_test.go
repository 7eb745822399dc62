package exporters

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/watchword/watchword/internal/board"
	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/lab"
	"github.com/watchword/watchword/internal/secret"
)

const (
	firstToken  = "Ab3dEf6hIj9lMn2pQr5tUv8xYz1bCd4f"
	secondToken = "Zz3dEf6hIj9lMn2pQr5tUv8xYz1bCd4g"
)

// kuma is a server that answers pushes as Uptime Kuma does.
type kuma struct {
	mu     sync.Mutex
	known  map[string]bool // tokens
	beats  []beat
	answer func(w http.ResponseWriter, r *http.Request) bool // true: it answered itself
	asked  int
	pipe   *lab.Pipe
}

type beat struct {
	at                      time.Duration // since the test began
	token, status, msg, png string
}

func (b beat) String() string {
	return fmt.Sprintf("%s %s %q %s", b.at, b.status, b.msg, b.png)
}

func newKuma(t *testing.T, tokens ...string) *kuma {
	k := &kuma{known: map[string]bool{}, pipe: lab.NewPipe()}
	for _, token := range tokens {
		k.known[token] = true
	}
	began := time.Now()
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { k.serve(w, r, time.Since(began)) })}
	go func() { _ = srv.Serve(k.pipe) }()
	t.Cleanup(func() { _ = srv.Close() })
	return k
}

func (k *kuma) serve(w http.ResponseWriter, r *http.Request, at time.Duration) {
	k.mu.Lock()
	k.asked++
	answer, token := k.answer, strings.TrimPrefix(r.URL.Path, "/api/push/")
	known := k.known[token]
	k.mu.Unlock()
	if answer != nil && answer(w, r) {
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	if r.Method != http.MethodGet || !known {
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprint(w, `{"ok":false,"msg":"Monitor not found or not active."}`)
		return
	}
	q := r.URL.Query()
	k.mu.Lock()
	k.beats = append(k.beats, beat{at, token, q.Get("status"), q.Get("msg"), q.Get("ping")})
	k.mu.Unlock()
	fmt.Fprint(w, `{"ok":true}`)
}

func (k *kuma) be(answer func(http.ResponseWriter, *http.Request) bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.answer = answer
}

// took returns what was taken since the last call.
func (k *kuma) took() []beat {
	k.mu.Lock()
	defer k.mu.Unlock()
	beats := k.beats
	k.beats = nil
	return beats
}

func (k *kuma) requests() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.asked
}

// rows are the live table.
type rows struct {
	mu   sync.Mutex
	all  map[string]board.View
	push *KumaPush
}

func (r *rows) get(id string) (board.View, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	v, ok := r.all[id]
	return v, ok
}

// put changes a row and says so, as the agent does.
func (r *rows) put(v board.View) {
	r.mu.Lock()
	r.all[v.Monitor.ID] = v
	r.mu.Unlock()
	r.push.Wake(v.Monitor.ID)
}

// mirror is a KumaPush at work within a bubble of synctest.
type mirror struct {
	*rows
	log      bytes.Buffer
	attempts map[string]int
	stop     context.CancelFunc
	ended    chan struct{}
}

func newMirror(t *testing.T) *mirror {
	m := &mirror{rows: &rows{all: map[string]board.View{}}, attempts: map[string]int{}, ended: make(chan struct{})}
	var mu sync.Mutex
	m.push = NewKumaPush(KumaPusherOptions{
		Board: m.get, UserAgent: "Watchword/test", Log: slog.New(slog.NewTextHandler(&m.log, nil)),
		Attempted: func(result string) { mu.Lock(); defer mu.Unlock(); m.attempts[result]++ },
	})
	ctx, cancel := context.WithCancel(t.Context())
	m.stop = cancel
	go func() { defer close(m.ended); m.push.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-m.ended })
	return m
}

func target(id, token string, k *kuma, change func(*KumaPushOptions)) KumaTarget {
	o := DefaultKumaPushOptions()
	o.URL = "http://kuma.example.com/"
	if change != nil {
		change(&o)
	}
	transport := k.pipe.Transport()
	transport.DisableKeepAlives = true // an idle connection would outlive the bubble
	return KumaTarget{Monitor: id, Token: secret.Literal(token), Options: o, RT: transport, Key: sha256.Sum256([]byte(fmt.Sprint(id, token, o)))}
}

func after(d time.Duration) { time.Sleep(d); synctest.Wait() } // of virtual time

func up(id string) board.View {
	v := passed(id)
	v.Last.Took, v.Last.Fault = 123*time.Millisecond, nil
	return v
}

func down(id, message string) board.View {
	v := failed(id, check.Target, check.Status)
	v.Last.Fault.Message = message
	return v
}

func expectBeats(t *testing.T, k *kuma, want ...string) {
	t.Helper()
	synctest.Wait()
	var got []string
	for _, b := range k.took() {
		got = append(got, b.String())
	}
	if !slices.Equal(got, want) {
		t.Errorf("Kuma took %q, want %q", got, want)
	}
}

func TestKumaHearsOfChangesAtOnceAndOfTheRestByInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, m := newKuma(t, firstToken), newMirror(t)
		m.push.Set([]KumaTarget{target("web", firstToken, k, nil)})
		m.put(fresh("web"))
		after(40 * time.Second)
		expectBeats(t, k) // it has not run: neither up nor down would be true
		m.put(up("web"))
		expectBeats(t, k, `40s up "200 - OK" 123`)
		after(time.Second)
		m.put(up("web")) // nothing new
		expectBeats(t, k)
		after(60 * time.Second)
		expectBeats(t, k, `1m10s up "200 - OK" 123`, `1m40s up "200 - OK" 123`)
		after(5 * time.Second)
		m.put(down("web", "expected 200-299, got 503"))
		expectBeats(t, k, `1m46s down "expected 200-299, got 503" `)
		m.put(down("web", "expected 200-299, got 502")) // the same fault, in other words
		after(30 * time.Second)
		expectBeats(t, k, `2m16s down "expected 200-299, got 502" `)
	})
}

func TestKumaStates(t *testing.T) {
	pending := down("web", "no answer\nin time \u202e")
	pending.State = check.Pending
	exposed := down("web", "the page came without a login")
	exposed.State = check.Exposed
	recovering := up("web")
	recovering.State = check.Down
	maintenance := up("web")
	maintenance.State = check.Maintenance
	paused := up("web")
	paused.State = check.Paused
	restored := up("web") // of a former run of the agent
	restored.Last = board.Last{}
	long := down("web", strings.Repeat("ä", 400))
	for _, c := range []struct {
		name, pending string
		view          board.View
		want          string
	}{
		{"up", "up", up("web"), `up "200 - OK" 123ms`},
		{"restored", "up", restored, `up "OK" 0s`},
		{"down", "up", down("web", "m"), `down "m" 0s`},
		{"long", "up", long, `down "` + strings.Repeat("ä", 249) + `…" 0s`},
		{"recovering", "up", recovering, `down "not up again yet" 0s`},
		{"exposed", "up", exposed, `down "exposed: the page came without a login" 0s`},
		{"maintenance", "up", maintenance, `up "maintenance" 123ms`},
		{"paused", "up", paused, `up "paused" 0s`},
		{"pending", "up", pending, `up "pending: no answer in time" 0s`},
		{"pending as down", "down", pending, `down "pending: no answer in time" 0s`},
		{"pending skipped", "skip", pending, ` "" 0s`},
		{"never run", "down", fresh("web"), ` "" 0s`},
	} {
		s := kumaStateOf(&c.view, c.pending)
		if got := fmt.Sprintf("%s %q %s", s.status, s.msg, s.ping); got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
}

// TestKumaLatestStateWins: what was overtaken while Kuma could not be reached is
// never told.
func TestKumaLatestStateWins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, m := newKuma(t, firstToken), newMirror(t)
		k.be(func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(http.StatusBadGateway); return true })
		m.push.Set([]KumaTarget{target("web", firstToken, k, nil)})
		m.put(up("web"))
		after(10 * time.Second) // tried at 0, 1, 3, 7 s
		if n := k.requests(); n != 4 {
			t.Errorf("got %d requests in 10 s, want 4", n)
		}
		m.put(down("web", "first"))
		m.put(down("web", "second"))
		after(time.Second)
		k.be(nil)
		after(30 * time.Second)
		expectBeats(t, k, `15s down "second" `)
		if got := m.attempts["retry"]; got != 4 {
			t.Errorf("counted %d retries, want 4", got)
		}
		said := m.log.String()
		if strings.Count(said, "could not be told") != 1 || strings.Count(said, "told all states again") != 1 || strings.Contains(said, firstToken) {
			t.Errorf("the log says:\n%s", said)
		}
	})
}

func TestKumaRetryAfterIsForAllOfOneKuma(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, m := newKuma(t, firstToken, secondToken), newMirror(t)
		k.be(func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("Retry-After", "100")
			w.WriteHeader(http.StatusTooManyRequests)
			return true
		})
		m.put(up("a"))
		m.put(up("b"))
		m.push.Set([]KumaTarget{target("a", firstToken, k, nil)})
		synctest.Wait()
		m.push.Set([]KumaTarget{target("a", firstToken, k, nil), target("b", secondToken, k, nil)})
		synctest.Wait()
		k.be(nil)
		after(99 * time.Second)
		m.put(down("a", "m"))
		if n := k.requests(); n != 1 {
			t.Errorf("got %d requests before the 100 s were over, want 1", n)
		}
		after(2 * time.Second)
		beats := k.took()
		if len(beats) != 2 {
			t.Errorf("Kuma took %v, want two", beats)
		}
	})
}

func TestKumaRefusesOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, m := newKuma(t), newMirror(t)
		m.put(up("web"))
		m.push.Set([]KumaTarget{target("web", firstToken, k, nil)})
		after(9 * time.Minute)
		m.put(down("web", "m")) // news do not make it known either
		synctest.Wait()
		if n := k.requests(); n != 2 {
			t.Errorf("got %d requests in 9 min, want 2", n)
		}
		said := m.log.String()
		if strings.Count(said, "refuses a monitor") != 1 || !strings.Contains(said, "no active push monitor has this token") || !strings.Contains(said, "paused or deleted in Kuma") {
			t.Errorf("the log says:\n%s", said)
		}
		if strings.Contains(said, firstToken) {
			t.Errorf("the log holds the token:\n%s", said)
		}
		k.mu.Lock()
		k.known[firstToken] = true
		k.mu.Unlock()
		after(time.Minute)
		expectBeats(t, k, `10m0s down "m" `)
		if want := map[string]int{"refused": 2, "ok": 1}; !maps.Equal(m.attempts, want) {
			t.Errorf("counted %v, want %v", m.attempts, want)
		}
	})
}

// TestKumaThatHangs keeps nobody waiting: not who tells of a state, not another
// Kuma, not the end.
func TestKumaThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hanging, well, m := newKuma(t), newKuma(t, secondToken), newMirror(t)
		hanging.be(func(_ http.ResponseWriter, r *http.Request) bool { <-r.Context().Done(); return true })
		m.put(up("web"))
		var ts []KumaTarget
		for i := range 20 {
			ts = append(ts, target("web", fmt.Sprintf("%s%d", firstToken, i), hanging, nil))
		}
		ts = append(ts, target("web", secondToken, well, func(o *KumaPushOptions) { o.URL = "http://well.example.com" }))
		m.push.Set(ts)
		expectBeats(t, well, `0s up "200 - OK" 123`)
		if n := hanging.requests(); n != kumaAtOnce {
			t.Errorf("%d requests go on at once, want %d", n, kumaAtOnce)
		}
		began := time.Now()
		for range 1000 {
			m.put(down("web", "m"))
			m.put(up("web"))
		}
		m.put(down("web", "m"))
		if d := time.Since(began); d != 0 {
			t.Errorf("telling took %s", d)
		}
		expectBeats(t, well, `0s down "m" `)
		m.stop()
		<-m.ended
		if d := time.Since(began); d != kumaLast {
			t.Errorf("the end took %s, want %s", d, kumaLast)
		}
	})
}

// TestKumaIsNotSaidToHearWhatItDoesNot: neither a reload that ends the telling
// nor the end of the agent makes good what Kuma did not take.
func TestKumaIsNotSaidToHearWhatItDoesNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hanging, m := newKuma(t), newMirror(t)
		hanging.be(func(_ http.ResponseWriter, r *http.Request) bool { <-r.Context().Done(); return true })
		m.put(up("web"))
		m.push.Set([]KumaTarget{target("web", firstToken, hanging, nil)})
		after(30 * time.Second)
		m.push.Set([]KumaTarget{target("web", secondToken, hanging, nil)})
		after(30 * time.Second)
		m.stop()
		<-m.ended
		said := m.log.String()
		if strings.Count(said, "could not be told") != 2 || strings.Contains(said, "told all states again") {
			t.Errorf("the log says:\n%s", said)
		}
	})
}

func TestKumaHearsTheLastState(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, m := newKuma(t, firstToken), newMirror(t)
		m.put(up("web"))
		m.push.Set([]KumaTarget{target("web", firstToken, k, nil)})
		expectBeats(t, k, `0s up "200 - OK" 123`)
		k.be(func(w http.ResponseWriter, _ *http.Request) bool {
			w.WriteHeader(http.StatusServiceUnavailable)
			return true
		})
		m.put(down("web", "m"))
		synctest.Wait()
		k.be(nil)
		m.stop()
		<-m.ended
		expectBeats(t, k, `0s down "m" `)
		after(time.Hour)
		expectBeats(t, k)
	})
}

func TestKumaReload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, m := newKuma(t, firstToken, secondToken), newMirror(t)
		m.put(up("a"))
		m.put(up("b"))
		a, b := target("a", firstToken, k, nil), target("b", secondToken, k, nil)
		m.push.Set([]KumaTarget{a})
		expectBeats(t, k, `0s up "200 - OK" 123`)
		after(10 * time.Second)
		m.push.Set([]KumaTarget{a, b}) // a goes on as it was
		expectBeats(t, k, `10s up "200 - OK" 123`)
		after(20 * time.Second)
		expectBeats(t, k, `30s up "200 - OK" 123`)
		m.push.Set([]KumaTarget{b})
		m.put(down("a", "m"))
		after(30 * time.Second)
		expectBeats(t, k, `40s up "200 - OK" 123`)
		m.push.Set(nil)
		after(time.Hour)
		expectBeats(t, k)
	})
}

func TestKumaAnswers(t *testing.T) {
	for _, c := range []struct {
		code      int
		body      string
		permanent bool
		says      string
	}{
		{200, `{"ok":true}`, false, ""},
		{404, `{"ok":false,"msg":"Monitor not found or not active."}`, true, "no active push monitor"},
		{404, `{"ok":false,"msg":"Knex: Timeout acquiring a connection"}`, false, "answered 404: Knex: Timeout"},
		{404, `{"ok":false,"msg":"/api/push/` + firstToken + `"}`, false, "/api/push/[secret]"},
		{500, `{"ok":false,"msg":"Monitor not found or not active."}`, true, "no active push monitor"},
		{500, `{"ok":false,"msg":"SQLITE_BUSY"}`, false, "answered 500: SQLITE_BUSY"},
		{404, `<html>nginx</html>`, true, "not as Uptime Kuma does"},
		{200, `<html>Sign in</html>`, true, "not as Uptime Kuma does"},
		{200, `{"ok":false}`, false, "answered 200"},
		{302, ``, true, "a redirect"},
		{401, ``, true, "answered 401"},
		{502, `<html>`, false, "bad gateway"},
		{429, `{"ok":false,"msg":"Too frequently, try again later."}`, false, "answered 429: Too frequently"},
	} {
		e := judgeKuma(&http.Response{StatusCode: c.code, Header: http.Header{}}, []byte(c.body), firstToken)
		if e == nil {
			e = &kumaError{}
		}
		if e.permanent != c.permanent || !strings.Contains(e.text, c.says) || (c.says == "") != (e.text == "") || strings.Contains(e.text+e.hint, firstToken) {
			t.Errorf("%d %s: got %+v", c.code, c.body, *e)
		}
	}
}

func TestCheckKumaPush(t *testing.T) {
	good := DefaultKumaPushOptions()
	good.URL, good.Tokens = "https://kuma.example.com/", map[string]secret.Text{"web": secret.Literal(firstToken)}
	for _, c := range []struct {
		name   string
		change func(*KumaPushOptions)
		want   string
	}{
		{"good", func(*KumaPushOptions) {}, ""},
		{"no url", func(o *KumaPushOptions) { o.URL = "" }, "url: is required"},
		{"no scheme", func(o *KumaPushOptions) { o.URL = "kuma.example.com" }, "url: must be an absolute"},
		{"push url", func(o *KumaPushOptions) { o.URL = "https://kuma.example.com/api/push/" + firstToken }, "url: the address of Uptime Kuma is wanted"},
		{"query", func(o *KumaPushOptions) { o.URL += "?x=1" }, "url: the address of Uptime Kuma is wanted, without a query"},
		{"no token", func(o *KumaPushOptions) { o.Tokens = nil }, "tokens: no monitor is named"},
		{"url as token", func(o *KumaPushOptions) {
			o.Tokens["web"] = secret.Literal("https://kuma.example.com/api/push/" + firstToken + "?status=up")
		}, "tokens.web: the token alone is wanted"},
		{"odd token", func(o *KumaPushOptions) { o.Tokens["web"] = secret.Literal("a b") }, "tokens.web: a token of Uptime Kuma holds letters"},
		{"same token", func(o *KumaPushOptions) { o.Tokens["zoo"] = secret.Literal(firstToken) }, `tokens.zoo: this is the token of "web" as well`},
		{"interval", func(o *KumaPushOptions) { o.Interval = 0 }, "interval: at least 1s"},
		{"timeout", func(o *KumaPushOptions) { o.Timeout = time.Minute }, "timeout: 1m0s is longer"},
		{"pending", func(o *KumaPushOptions) { o.Pending = "maybe" }, `pending: "maybe" is none of up, down, skip`},
		{"proxy", func(o *KumaPushOptions) { o.ProxyURL = secret.Literal("ftp://swordfish@p") }, "proxy_url: "},
		{"no_proxy", func(o *KumaPushOptions) { o.NoProxy = []string{"10.0.0.0/99"} }, "no_proxy[0]: "},
		{"tls", func(o *KumaPushOptions) { o.TLS.CertFile = "a" }, "tls.cert_file: "},
	} {
		o := good
		o.Tokens = maps.Clone(good.Tokens)
		c.change(&o)
		var got []string
		for _, p := range CheckKumaPush(o) {
			got = append(got, p.Path+": "+p.Message)
		}
		all := strings.Join(got, "\n")
		if (c.want == "") != (all == "") || !strings.HasPrefix(all, c.want) || strings.Contains(all, firstToken) {
			t.Errorf("%s: got %q, want %q", c.name, all, c.want)
		}
	}
}

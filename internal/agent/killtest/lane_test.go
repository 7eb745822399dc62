package killtest

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/watchword/watchword/internal/lab"
	"github.com/watchword/watchword/internal/store"
)

// lane is one agent, its database and the world that it watches.
type lane struct {
	t      *testing.T
	bin    string
	dir    string
	dice   *rand.Rand
	world  *lab.World
	ear    *ear
	book   *book
	agent  atomic.Pointer[child]
	epoch  int
	kills  map[moment]int
	flying int // kills that found a message on its way
	rounds int
	toggle sync.WaitGroup // flickering monitors
}

var channels = []string{"telegram", "slack", "discord", "teams", "webhook"}

const (
	alone   = 9 // monitors that fail by themselves
	grouped = 3 // monitors behind one gate
	patient = 30 * time.Second
)

func name(i int) string { return fmt.Sprintf("K%02dK", i) }

func groupNames() []string {
	var ns []string
	for i := range grouped {
		ns = append(ns, name(alone+i))
	}
	return ns
}

func newLane(t *testing.T, bin, groupWait string, dice *rand.Rand) *lane {
	t.Helper()
	l := &lane{t: t, bin: bin, dir: t.TempDir(), dice: dice, kills: map[moment]int{}, book: newBook(channels, groupNames())}
	l.ear = newEar(l.book)
	l.ear.kill = func() { l.agent.Load().kill() }
	w, err := lab.Start(t.Context(), lab.Config{Chat: l.ear})
	if err != nil {
		t.Fatal(err)
	}
	l.world = w
	if err := os.WriteFile(l.file("watchword.yaml"), []byte(l.config(groupWait)), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if c := l.agent.Load(); c != nil {
			c.kill()
		}
		l.toggle.Wait()
		l.ear.chat.Close()
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := w.Close(ctx); err != nil {
			t.Errorf("close the world: %v", err)
		}
	})
	return l
}

func (l *lane) file(name string) string { return filepath.Join(l.dir, name) }

func (l *lane) config(groupWait string) string {
	chat := l.world.ControlURL() + "/e${KILLTEST_EPOCH}"
	var b strings.Builder
	fmt.Fprintf(&b, `server: {listen: "127.0.0.1:0"}
storage: {path: %q}
alerting: {group_wait: %s}
credentials:
  gate: {token_url: %q, client_id: %q, client_secret: %q, scopes: [%q]}
notifiers:
  telegram: {type: telegram, bot_token: "123456:token", chat_id: "-100", api_url: "%s"}
  slack: {type: slack, webhook_url: "%[7]s/services/T0/B0/X0"}
  discord: {type: discord, webhook_url: "%[7]s/api/webhooks/1/x"}
  teams: {type: teams, webhook_url: "%[7]s/workflows/w?sig=s"}
  webhook: {type: webhook, url: "%[7]s/hook/a"}
defaults: {interval: 1s, retry_interval: 1s}
monitors:
`, l.file("watchword.db"), groupWait, l.world.TokenURL(), lab.ClientID, lab.ClientSecret, lab.BearerScope, chat)
	for i := range alone {
		fmt.Fprintf(&b, "  - {name: %s, url: %q, retries: %d, recoveries: %d}\n", name(i), l.world.ApplicationURL()+l.path(i), i%2, 1+i/(alone-1))
	}
	for i := alone; i < alone+grouped; i++ {
		fmt.Fprintf(&b, "  - {name: %s, url: %q, retries: %d, credential: gate}\n", name(i), l.world.GatewayURL()+l.path(i), i%2)
	}
	return b.String()
}

func (l *lane) path(i int) string { return fmt.Sprintf("/m/%d", i) }

// boot starts the next process.
func (l *lane) boot() {
	l.t.Helper()
	c, err := start(l.bin, l.file("watchword.yaml"), l.epoch)
	if err != nil {
		l.t.Fatal(err)
	}
	l.agent.Store(c)
}

// murder kills the agent at the moment, looks at what its database says, and
// starts the next one.
func (l *lane) murder(m moment) {
	l.t.Helper()
	switch m {
	case onRequest, onTaken, onAnswer:
		fired := l.ear.arm(m, 1+l.dice.IntN(12), time.Duration(l.dice.IntN(6000))*time.Microsecond)
		if !l.wait(fired, 2*time.Second) && l.ear.disarm() {
			m = anytime // nobody had anything to say
			l.agent.Load().kill()
		} else {
			<-fired
		}
	case onStart:
		pause(l.t.Context(), time.Duration(l.dice.IntN(120))*time.Millisecond)
		l.agent.Load().kill()
	default:
		pause(l.t.Context(), time.Duration(l.dice.IntN(1500))*time.Millisecond)
		l.agent.Load().kill()
	}
	if c := l.agent.Load(); c.cmd.ProcessState.ExitCode() != -1 {
		l.t.Fatalf("the agent ended by itself: %v\n%s", c.err, c.log)
	}
	l.kills[m]++
	l.autopsy()
	l.epoch++
	l.boot()
}

func (l *lane) wait(c <-chan struct{}, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-c:
		return true
	case <-timer.C:
		return false
	}
}

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

// round breaks some monitors, waits until everybody was told, mends them and
// waits again, and kills in between.
func (l *lane) round(budget int) {
	l.t.Helper()
	l.rounds++
	roles, broken := l.cast()
	l.book.begin(roles, 1)
	l.misbehave()
	l.set(roles, true)
	spent := l.kill(min(budget, 1+l.dice.IntN(3)))
	l.toggle.Wait() // who flickers may be anything before
	l.told(broken)
	l.book.mend()
	l.set(roles, false)
	l.kill(min(budget-spent, 1+l.dice.IntN(3)))
	l.told(nil)
	l.book.end()
}

// cast gives everybody a role; the group fails as a whole.
func (l *lane) cast() (map[string]role, map[string]bool) {
	roles, broken := map[string]role{}, map[string]bool{}
	for i := range alone {
		roles[name(i)] = role(l.dice.IntN(3))
	}
	roles[name(l.dice.IntN(alone))] = steady // at least one
	group := steady
	if l.dice.IntN(3) == 0 {
		group = calm
	}
	for _, n := range groupNames() {
		roles[n] = group
	}
	for n, r := range roles {
		if r == steady {
			broken[n] = true
		}
	}
	return roles, broken
}

// misbehave makes a channel slow now and then, so that requests are longer on
// their way, or has it refuse once.
func (l *lane) misbehave() {
	for _, c := range channels {
		switch l.dice.IntN(8) {
		case 0:
			l.ear.chat.Fail(c, lab.ChatMode{Delay: time.Duration(10+l.dice.IntN(200)) * time.Millisecond})
		case 1:
			l.ear.chat.Fail(c, lab.ChatMode{Do: lab.ChatServerError, Times: 1})
		default:
			l.ear.chat.Fail(c, lab.ChatMode{})
		}
	}
}

// set breaks or mends what the roles say.
func (l *lane) set(roles map[string]role, on bool) {
	for i := range alone {
		switch roles[name(i)] {
		case steady:
			l.world.Application.SetFailing(l.path(i), on)
		case flicker:
			if !on {
				break
			}
			before, lasts := time.Duration(l.dice.IntN(1000))*time.Millisecond, time.Duration(l.dice.IntN(2500))*time.Millisecond
			l.toggle.Go(func() {
				if pause(l.t.Context(), before) {
					l.world.Application.SetFailing(l.path(i), true)
					pause(l.t.Context(), lasts)
					l.world.Application.SetFailing(l.path(i), false)
				}
			})
		}
	}
	if roles[groupNames()[0]] == steady {
		l.world.Access.SetRefuseTokens(on)
	}
}

// kill kills n times and returns n.
func (l *lane) kill(n int) int {
	for range n {
		l.murder(l.choose())
	}
	return n
}

// choose prefers the moments about a request.
func (l *lane) choose() moment {
	return []moment{anytime, anytime, onRequest, onTaken, onTaken, onTaken, onAnswer, onAnswer, onStart}[l.dice.IntN(9)]
}

func (l *lane) total() int {
	n := 0
	for _, k := range l.kills {
		n += k
	}
	return n
}

// live goes through rounds until the agent was killed so many times.
func (l *lane) live(kills int) {
	l.t.Helper()
	l.boot()
	l.book.begin(calmly(), 0)
	l.told(nil) // all are up before the first kill
	for l.total() < kills {
		l.round(kills - l.total())
	}
	l.finish()
	for _, wrong := range l.book.verdict() {
		l.t.Error(wrong)
	}
}

// summary tells what lanes went through that lost nothing.
func summary(lanes ...*lane) string {
	kills := map[moment]int{}
	var all, flying, rounds, messages, repeats int
	for _, l := range lanes {
		for m, n := range l.kills {
			kills[m] += n
			all += n
		}
		flying, rounds = flying+l.flying, rounds+l.rounds
		messages, repeats = messages+l.book.messages, repeats+l.book.repeats
	}
	var how []string
	for m := range moments {
		how = append(how, fmt.Sprintf("%d %s", kills[m], m))
	}
	return fmt.Sprintf("%d kills (%s; %d with a message on its way) in %d rounds, %d messages, %d repeats, lost 0",
		all, strings.Join(how, ", "), flying, rounds, messages, repeats)
}

// finish stops the last agent as a service manager does.
func (l *lane) finish() {
	l.t.Helper()
	ctx, cancel := context.WithTimeout(l.t.Context(), 10*time.Second)
	defer cancel()
	c := l.agent.Load()
	if err := c.stop(ctx); err != nil {
		l.t.Errorf("stop the agent: %v\n%s", err, c.log)
	}
	if left := l.left(); len(left) > 0 {
		l.t.Errorf("%d messages were left in the database", len(left))
	}
	if missing := l.book.missing(); len(missing) > 0 {
		l.t.Errorf("missing at the end: %s", strings.Join(missing, "; "))
	}
	if problems := l.ear.chat.Problems(); len(problems) > 0 {
		l.t.Errorf("messages that the services would refuse: %v", slices.Compact(problems))
	}
}

package killtest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/watchword/watchword/internal/lab"
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

package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/watchword/watchword/internal/lab"
)

type benchCommand struct {
	Monitors   int           `default:"1000" help:"How many monitors."`
	Rate       float64       `default:"500" help:"Runs a second, all monitors together."`
	Connection string        `enum:"fresh,reuse" default:"fresh" help:"A new connection for each run, or kept ones: ${enum}."`
	Window     time.Duration `default:"20s" help:"How long to measure each time."`
	Rounds     int           `default:"3" help:"How often to measure agent and bare loop, in turn."`

	Bare  []string `hidden:"" help:"Be the bare loop over these URLs' prefix and count."`
	Token string   `hidden:"" env:"WATCHWORD_BENCH_TOKEN"`
}

func (benchCommand) Help() string {
	return `Both run against a small world on loopback, so that nothing leaves this machine. It takes some minutes, and the machine should have nothing else to do.

Examples:

    watchword bench
    watchword bench --monitors 200 --rate 100 --window 5s --rounds 1`
}

func (c *benchCommand) Run(ctx context.Context, s *streams) error {
	if len(c.Bare) > 0 {
		return bareLoop(ctx, c)
	}
	if c.Monitors < 1 || c.Rate <= 0 || c.Rounds < 1 {
		return &exitError{2, "watchword: --monitors, --rate and --rounds must be positive"}
	}
	if interval := c.interval(); interval < time.Second {
		return &exitError{2, fmt.Sprintf("watchword: %d monitors at %g/s would have an interval of %s; at least 1s", c.Monitors, c.Rate, interval)}
	}
	dir, err := os.MkdirTemp("", "watchword-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a temporary folder
	b := &bench{benchCommand: *c, dir: dir, out: s.out}
	return b.run(ctx)
}

// interval is that of every monitor.
func (c *benchCommand) interval() time.Duration {
	return time.Duration(float64(c.Monitors) / c.Rate * float64(time.Second)).Round(time.Millisecond)
}

// bench measures the built agent and a bare loop against one small world, each
// in a process of its own, in turn.
type bench struct {
	benchCommand
	dir   string
	out   io.Writer
	world labAddresses
}

// figures are those of one process over one window.
type figures struct {
	runs   float64       // that reached the application
	cpu    time.Duration // user and system
	window time.Duration
	rss    float64 // MiB
	tokens float64 // token requests since the process began
	lag    float64 // share of runs that began at most 10 ms late; NaN when not known
}

func (f figures) perRun() time.Duration { return time.Duration(float64(f.cpu) / f.runs) }

func (b *bench) run(ctx context.Context) error {
	fmt.Fprintf(b.out, "%d monitors, one credential, %g runs/s, %s connections over http, keyword in 4 KiB; %d rounds of %s\n\n",
		b.Monitors, b.Rate, b.Connection, b.Rounds, b.Window)
	world, err := b.startLab(ctx)
	if err != nil {
		return err
	}
	defer world.stop()
	fmt.Fprintf(b.out, "%-8s %12s %12s %12s %10s %10s %12s\n", "", "µs CPU/run", "asked/s", "achieved/s", "RSS MiB", "token req", "≤10 ms late")
	var ratios, rss []float64
	for range b.Rounds {
		agent, err := b.measure(ctx, b.agent)
		if err != nil {
			return err
		}
		b.row("agent", agent)
		bare, err := b.measure(ctx, b.bare)
		if err != nil {
			return err
		}
		b.row("bare", bare)
		ratios = append(ratios, float64(agent.perRun())/float64(bare.perRun()))
		rss = append(rss, agent.rss)
	}
	slices.Sort(ratios)
	fmt.Fprintf(b.out, "\nCPU per run, agent to bare loop: median %.2f (%.2f to %.2f); RSS of the agent at most %.1f MiB\n",
		ratios[len(ratios)/2], ratios[0], ratios[len(ratios)-1], slices.Max(rss))
	return nil
}

func (b *bench) row(name string, f figures) {
	lag, tokens := "-", "-"
	if !math.IsNaN(f.lag) {
		lag, tokens = fmt.Sprintf("%.2f %%", 100*f.lag), fmt.Sprintf("%.0f", f.tokens)
	}
	fmt.Fprintf(b.out, "%-8s %12.1f %12.1f %12.1f %10.1f %10s %12s\n", name, float64(f.perRun())/float64(time.Microsecond),
		b.Rate, f.runs/f.window.Seconds(), f.rss, tokens, lag)
}

// measure starts a process, lets it settle for an interval and three seconds,
// and takes its figures over the window.
func (b *bench) measure(ctx context.Context, start func(context.Context) (*process, error)) (figures, error) {
	if err := b.resetCounters(ctx); err != nil {
		return figures{}, err
	}
	p, err := start(ctx)
	if err != nil {
		return figures{}, err
	}
	defer p.stop()
	if err := p.sleep(ctx, b.interval()+3*time.Second); err != nil {
		return figures{}, err
	}
	before, err := b.look(ctx, p)
	if err != nil {
		return figures{}, err
	}
	began := time.Now()
	if err := p.sleep(ctx, b.Window); err != nil {
		return figures{}, err
	}
	after, err := b.look(ctx, p)
	if err != nil {
		return figures{}, err
	}
	after.window, after.runs, after.cpu = time.Since(began), after.runs-before.runs, after.cpu-before.cpu
	after.lag = p.punctual(ctx)
	if after.runs == 0 {
		return figures{}, fmt.Errorf("nothing was probed; the process said: %s", p.said())
	}
	return after, nil
}

func (b *bench) startLab(ctx context.Context) (*process, error) {
	p, err := start(ctx, []string{"lab", "--any-ports"}, nil)
	if err != nil {
		return nil, err
	}
	if err := p.line(ctx, &b.world); err != nil {
		p.stop()
		return nil, err
	}
	return p, nil
}

func (b *bench) agent(ctx context.Context) (*process, error) {
	port, err := freePort(ctx)
	if err != nil {
		return nil, err
	}
	file := filepath.Join(b.dir, "bench.yaml")
	if err := os.WriteFile(file, []byte(b.config(port)), 0o600); err != nil {
		return nil, err
	}
	_ = os.Remove(filepath.Join(b.dir, "bench.db"))
	p, err := start(ctx, []string{"run", "-c", file, "--log-level", "error"}, nil)
	if err == nil {
		p.metrics = fmt.Sprintf("http://127.0.0.1:%d/metrics", port)
	}
	return p, err
}

func (b *bench) config(port int) string {
	var y strings.Builder
	fmt.Fprintf(&y, "server: {listen: 127.0.0.1:%d}\nstorage: {path: %q}\n", port, filepath.Join(b.dir, "bench.db"))
	fmt.Fprintf(&y, "credentials:\n  lab: {token_url: %q, client_id: %q, client_secret: %q, scopes: [%q]}\n", b.world.Token, lab.ClientID, lab.ClientSecret, lab.BearerScope)
	fmt.Fprintf(&y, "notifiers:\n  hook: {type: webhook, url: %q}\n", b.world.Control+"/hook/bench")
	fmt.Fprintf(&y, "defaults: {interval: %s, credential: lab, connection: %s, expect: {keyword: %q}}\nmonitors:\n", b.interval(), b.Connection, lab.DefaultKeyword)
	for i := range b.Monitors {
		fmt.Fprintf(&y, "  - {name: m%d, url: %q}\n", i, fmt.Sprintf("%s/m/%d", b.world.Gateway, i))
	}
	return y.String()
}

func (b *bench) bare(ctx context.Context) (*process, error) {
	token, err := b.token(ctx)
	if err != nil {
		return nil, err
	}
	args := []string{
		"bench", "--bare", b.world.Gateway, "--monitors", fmt.Sprint(b.Monitors), "--rate", fmt.Sprint(b.Rate), "--connection", b.Connection,
	}
	return start(ctx, args, []string{"WATCHWORD_BENCH_TOKEN=" + token})
}

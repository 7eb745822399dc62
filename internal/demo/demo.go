// Package demo is the command "watchword demo": the small world and the agent
// that watches it, in one process on loopback, a terminal that shows what
// happens, and a tour that breaks one thing after the other. It stands on the
// same floor as cmd, which alone imports it.
package demo

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"text/template"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/watchword/watchword/internal/agent"
	"github.com/watchword/watchword/internal/config"
	"github.com/watchword/watchword/internal/lab"
)

//go:embed watchword.yaml
var configuration string

// Options says how the demo runs.
type Options struct {
	Listen   string // of the agent; "" is 127.0.0.1:9640, or a free port with AnyPorts
	AnyPorts bool   // take free ports for the small world
	Version  string
	Revision string

	Out   io.Writer
	Color bool
	// Size returns the columns and lines of the terminal; nil where Out is none.
	Size func() (width, height int)
	Runs bool // print every run

	Tour bool
	Pace time.Duration // how long the tour stays at what is broken; 0 is 5 s
	End  bool          // end after the tour

	stops []string                     // of the tour; nil: all
	calm  bool                         // for a machine that has more to do: longer intervals and patience
	shown func(*demo, lab.SwitchState) // called by the tour while a thing is broken; may be nil
}

// demo is one running demo.
type demo struct {
	o      Options
	dir    string
	free   func(ctx context.Context, host string) (address string, err error) // finds a free port; nil: freeAddress
	chat   *lab.Chat
	world  *lab.World
	agent  *agent.Agent
	model  *model
	screen *screen

	reloads atomic.Bool // the demo itself has the configuration read again
}

// Run runs the demo until ctx ends, or until the end of the tour with
// Options.End. It leaves nothing behind. The error of a tour says what was not
// told as expected.
func Run(ctx context.Context, o Options) error {
	d := &demo{o: o, model: newModel()}
	defer d.clean()
	if err := d.build(ctx); err != nil {
		return errors.Join(err, d.close(ctx))
	}
	d.screen.begin(d.places())
	running, cancel := context.WithCancel(ctx)
	defer cancel()
	var g errgroup.Group
	g.Go(func() error { defer cancel(); return d.agent.Run(running) })
	g.Go(func() error { defer cancel(); d.screen.run(running); return nil })
	var toured error
	if o.Tour {
		g.Go(func() error {
			toured = d.tour(running)
			if o.End {
				cancel()
			}
			return nil
		})
	}
	err := errors.Join(g.Wait(), d.close(ctx))
	if toured != nil && ctx.Err() == nil {
		err = errors.Join(err, toured)
	}
	return err
}

func (d *demo) build(ctx context.Context) error {
	if err := d.buildWorld(ctx); err != nil {
		return err
	}
	return d.start(ctx)
}

// start makes the agent that watches the world. Between the finding of a free
// port and its use another program may take it: then another one is found.
func (d *demo) start(ctx context.Context) error {
	const tries = 5
	var err error
	for range tries {
		if err = d.tryStart(ctx); !errors.Is(err, syscall.EADDRINUSE) || !d.picksPort() {
			break
		}
	}
	if err != nil {
		return takenHint(err)
	}
	d.model.page = "http://" + d.agent.Addr() + "/"
	d.model.control = d.world.ControlURL() + "/control/"
	d.chat.OnMessage(d.model.told)
	d.world.SetStory(d.model.story)
	d.world.OnSwitch(d.switched)
	return nil
}

func (d *demo) tryStart(ctx context.Context) error {
	listen, err := d.listen(ctx)
	if err != nil {
		return err
	}
	file, err := d.write(listen)
	if err != nil {
		return err
	}
	cfg, problems := config.Load([]string{file}, config.LoadOptions{})
	if cfg == nil {
		return fmt.Errorf("the demo's own configuration is wrong, which is a fault of Watchword's: please report it\n%s", problems)
	}
	d.model.configure(cfg)
	d.screen = newScreen(d.o, d.model)
	d.agent, err = agent.New(ctx, cfg, agent.Options{
		Paths: []string{file}, Version: d.o.Version, Revision: d.o.Revision,
		Log: slog.New(&logHandler{m: d.model, quiet: &d.reloads}), Observer: d.model, Dial: d.world.Dial,
	})
	return err
}

func (d *demo) buildWorld(ctx context.Context) error {
	c := lab.Config{}
	if !d.o.AnyPorts {
		c = lab.FixedPorts()
	}
	d.chat = lab.NewChat(lab.ChatOptions{Keep: 200})
	c.Chat, c.Far = d.chat, true
	w, err := lab.Start(ctx, c)
	if err != nil {
		return takenHint(err)
	}
	d.world = w
	return nil
}

// site is a public site as the configuration names it.
type site struct{ Title, Name, Address, URL string }

// write puts configuration, secret and certificate into a folder of their own.
func (d *demo) write(listen string) (file string, err error) {
	if d.dir == "" {
		if d.dir, err = os.MkdirTemp("", "watchword-demo-"); err != nil {
			return "", fmt.Errorf("make a folder for the demo: %w", err)
		}
	}
	var sites []site
	for _, s := range d.world.FarSites() {
		name, _, _ := strings.Cut(s.Name, ".")
		sites = append(sites, site{strings.ToUpper(name[:1]) + name[1:], s.Name, s.Address, s.URL()})
	}
	var yaml strings.Builder
	t, err := template.New("watchword.yaml").Parse(configuration)
	if err == nil {
		interval, timeout, token := "2s", "1500ms", "1400ms"
		if d.o.calm {
			interval, timeout, token = "6s", "4500ms", "4s"
		}
		err = t.Execute(&yaml, map[string]any{
			"Interval": interval, "Timeout": timeout, "TokenTimeout": token,
			"Listen": listen, "Dir": filepath.ToSlash(d.dir), "TokenURL": d.world.TokenURL(), "Gate": d.world.GatewayURL(),
			"Provider": d.world.ProviderURL(), "Application": d.world.ApplicationURL(), "Chat": d.world.ControlURL(), "Sites": sites,
		})
	}
	if err != nil {
		return "", fmt.Errorf("fill in the demo's configuration: %w", err)
	}
	file = filepath.Join(d.dir, "watchword.yaml")
	for path, content := range map[string]string{
		file: yaml.String(), filepath.Join(d.dir, "client-secret"): lab.ClientSecret + "\n", filepath.Join(d.dir, "ca.pem"): string(d.world.FarCA()),
	} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			return "", fmt.Errorf("write the demo's files: %w", err)
		}
	}
	return file, nil
}

// switched notes a switch. What was broken or mended shows at once: a reload
// ends the times for which a refused credential is left alone.
func (d *demo) switched(_, title string, on bool) {
	d.model.switched(title, on)
	d.reloads.Store(true)
	defer d.reloads.Store(false)
	d.agent.Reload(context.Background())
}

const closing = 5 * time.Second

func (d *demo) close(ctx context.Context) error {
	if d.chat != nil {
		d.chat.Close()
	}
	if d.world == nil {
		return nil
	}
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), closing)
	defer cancel()
	if err := d.world.Close(end); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return nil
}

func (d *demo) clean() {
	if d.dir != "" {
		_ = os.RemoveAll(d.dir)
	}
}

// place is where to look.
type place struct{ what, where string }

func (d *demo) places() []place {
	return []place{
		{"Break something", d.model.control},
		{"or from a shell", "curl -X POST " + d.model.control + "keyword-gone"},
		{"Status page", d.model.page},
		{"Metrics, API", d.model.page + "metrics  " + d.model.page + "api/v1/monitors"},
		{"Configuration", filepath.Join(d.dir, "watchword.yaml") + " (read again when saved)"},
	}
}

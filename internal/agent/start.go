package agent

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/watchword/watchword/internal/config"
	"github.com/watchword/watchword/internal/machine"
	"github.com/watchword/watchword/internal/store"
	"github.com/watchword/watchword/internal/transport"
)

// What a start has to say of the machine it happens on.

// startError is why a start cannot be, in one message for people. What the
// system said is for the program only.
type startError struct {
	text string
	err  error
}

func (e *startError) Error() string { return e.text }

func (e *startError) Unwrap() error { return e.err }

// notListening says why an address cannot be had, and what to do.
func notListening(ctx context.Context, cfg *config.Config, err error) error {
	at := cfg.Server.Listen
	say := func(format string, args ...any) error {
		return &startError{"server.listen " + at + ": " + fmt.Sprintf(format, args...), err}
	}
	_, port, _ := net.SplitHostPort(at) //nolint:errcheck // it is good, or err says so
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return say("%s", taken(ctx, cfg, at, port))
	case errors.Is(err, syscall.EACCES):
		who, _ := machine.Me()
		return say("%s may not listen on port %s: ports below 1024 are for root; choose a higher one, or give the program the right to it (AmbientCapabilities=CAP_NET_BIND_SERVICE in a systemd unit)", who, port)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return say("this machine has no such address%s: use 127.0.0.1:%s for this machine only, 0.0.0.0:%s for every address it has",
			machine.InContainer(" (a container has addresses of its own, not those of its host)"), port, port)
	case transport.NameHint(err) != "":
		_, _, text := transport.Classify(err)
		return say("%s: write an address, such as 127.0.0.1:%s", text, port)
	}
	return err
}

// taken says who has the port, as far as that can be told.
func taken(ctx context.Context, cfg *config.Config, at, port string) string {
	if AskAt(ctx, at) != nil {
		return fmt.Sprintf("another program has port %s: see which (ss -ltnp 'sport = :%s'), stop it, or choose another port", port, port)
	}
	who := "another watchword"
	if h, held := store.HolderOf(cfg.Storage.Path); held {
		who = fmt.Sprintf("another watchword (pid %d, version %s, with the same database)", h.PID, h.Version)
	}
	return who + " runs there already: stop it first; for a second one beside it, choose another port and another storage.path"
}

// tellClock says that the clock cannot be right. It keeps nobody from watching:
// a machine without a battery has its time a little later.
func (a *Agent) tellClock() {
	if why := machine.BeforeBuilt(time.Now(), a.opts.Built); why != "" {
		a.log.Warn("this machine's clock is wrong", "because", why, "hint", machine.SetClock)
	}
}

// tellBehind says that the clock is behind what was recorded already.
func (a *Agent) tellBehind(newest time.Time) {
	const tolerance = 10 * time.Minute
	if now := time.Now(); newest.After(now.Add(tolerance)) {
		a.log.Warn("this machine's clock is behind its own records", "clock", now.UTC().Format(time.RFC3339), "last_record", newest.Format(time.RFC3339),
			"hint", "it is wrong now, or was then: "+machine.SetClock)
	}
}

// tryNames says in one line that no name resolves, where that is so: every
// monitor would say it else, each for its own name.
func (a *Agent) tryNames(ctx context.Context) {
	const patience = 10 * time.Second
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	names := a.names
	if len(names) == 0 {
		return
	}
	var last error
	for _, name := range names {
		err := transport.LookUp(ctx, name)
		if err == nil || transport.IsAnswer(err) || errors.Is(ctx.Err(), context.Canceled) {
			return
		}
		last = err
	}
	_, _, text := transport.Classify(last)
	a.log.Error("no name can be resolved on this machine", "tried", strings.Join(names, " "), "error", text, "hint", transport.NameHint(last))
}

// namesOf returns a few of the names that a configuration makes the agent ask
// for.
func namesOf(cfg *config.Config) []string {
	const most = 3
	var names []string
	add := func(raw string, fixed map[string]string) {
		host := hostOf(raw)
		_, bad := netip.ParseAddr(host)
		if _, known := fixed[host]; bad == nil || known || host == "" || host == "localhost" || slices.Contains(names, host) || len(names) == most {
			return
		}
		names = append(names, host)
	}
	for _, name := range sorted(cfg.Credentials) {
		add(cfg.Credentials[name].TokenURL, nil)
	}
	for _, m := range cfg.Monitors {
		if m.Enabled {
			add(m.HTTP.URL, m.HTTP.Resolve)
		}
	}
	return names
}

func hostOf(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	return strings.ToLower(u.Hostname())
}

package agent

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/watchword/watchword/internal/config"
	"github.com/watchword/watchword/internal/server"
)

const (
	settle = 2 * time.Second  // editors write a file in several steps
	rehash = 30 * time.Second // bind mounts, NFS and Kubernetes' links send no events
)

// Reload takes the configuration over as it is in its files now. It returns
// all that is wrong with it; then nothing has changed.
func (a *Agent) Reload(context.Context) []string {
	a.reloading.Lock()
	defer a.reloading.Unlock()
	a.opts.Unit.Reloading()
	a.seen, _ = config.Digest(a.opts.Paths) //nolint:errcheck // Load tells; and what changes from here on is loaded once more
	cfg, problems := config.Load(a.opts.Paths, config.LoadOptions{})
	var wrong []string
	for _, p := range problems {
		if p.Warning {
			a.log.Warn("configuration", "problem", p.String())
			continue
		}
		wrong = append(wrong, p.String())
	}
	if len(wrong) == 0 {
		if err := a.take(cfg); err != nil {
			wrong = append(wrong, err.Error())
		}
	}
	a.metrics.Reloaded(len(wrong) == 0, time.Now())
	a.logWrong(wrong)
	a.wrong.Store(int64(len(wrong)))
	a.opts.Unit.Reloaded(a.Summary())
	return wrong
}

// logWrong tells what to mend: after a SIGHUP the log is the only place.
func (a *Agent) logWrong(wrong []string) {
	const most = 20
	for _, problem := range wrong[:min(len(wrong), most)] {
		a.log.Error("configuration", "problem", problem)
	}
	if len(wrong) > 0 {
		a.log.Error("the configuration was not taken over; the old one stays in force", "errors", len(wrong))
	}
}

func (a *Agent) take(cfg *config.Config) error {
	old := a.plan.Load()
	if cfg.Empty && len(old.monitors) > 0 { // a full disk leaves such a file, and so does an editor for a moment
		return errors.New("the configuration is empty, and monitors are running: to end them all write monitors: []")
	}
	rules, err := server.NewRules(cfg.Server.Access, a.log)
	if err != nil {
		return err
	}
	p, err := build(cfg, old, a.rooms, a.key)
	if err != nil {
		return err
	}
	a.enforce(p)
	a.server.Use(rules)
	for _, s := range p.sources { // a reload ends the back-off
		s.Reset()
	}
	old.closeBut(p)
	a.fixed(cfg)
	a.log.Info("configuration taken over", "monitors", len(p.monitors), "credentials", len(p.sources), "notifiers", len(p.channels))
	return nil
}

// fixed warns of what only a restart can change.
func (a *Agent) fixed(cfg *config.Config) {
	first := a.first
	for _, f := range []struct {
		key     string
		changed bool
		meaning string
	}{
		{"server.listen", first.Server.Listen != cfg.Server.Listen, "the agent listens on " + a.Addr()},
		{"server.external_url", first.Server.ExternalURL != cfg.Server.ExternalURL, "links are new already; the Host and Origin that are taken are the former"},
		{"storage.path", first.Storage.Path != cfg.Storage.Path, "the database is " + strconv.Quote(first.Storage.Path)},
		{"agent.location", first.Agent.Location != cfg.Agent.Location, "the page shows the former"},
		{"timezone", first.Timezone.String() != cfg.Timezone.String(), "cron and messages are new already; the page shows the former"},
	} {
		if f.changed {
			a.log.Warn("this key changes wholly at the next start only", "key", f.key, "until then", f.meaning)
		}
	}
}

// watch reloads on SIGHUP and when the content of a file changed.
func (a *Agent) watch(ctx context.Context) error {
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	files := a.watchFiles()
	defer files.close()
	tick := time.NewTicker(rehash)
	defer tick.Stop()
	settled := a.soon(nil) // a change while the agent started
	for {
		select {
		case <-hup:
			a.Reload(ctx)
		case e := <-files.events:
			if a.concerns(e.Name) {
				settled = time.After(settle)
			}
		case err := <-files.errors:
			a.log.Warn("watching the configuration's files", "error", err)
		case <-settled:
			settled = nil
			a.reloadIfChanged(ctx)
		case <-tick.C:
			settled = a.soon(settled)
		case <-ctx.Done():
			return nil
		}
	}
}

// soon lets a change settle that no event told of: perhaps only half of it is
// there yet.
func (a *Agent) soon(settled <-chan time.Time) <-chan time.Time {
	if settled == nil && a.changed() {
		return time.After(settle)
	}
	return settled
}

func (a *Agent) reloadIfChanged(ctx context.Context) {
	if a.changed() {
		a.Reload(ctx)
	}
}

// changed says whether the files are not those that were loaded last, for good
// or ill. One that is being replaced is looked at again.
func (a *Agent) changed() bool {
	now, err := config.Digest(a.opts.Paths)
	a.reloading.Lock()
	defer a.reloading.Unlock()
	return err == nil && now != a.seen
}

// fileWatch is what tells of changes of files; nil channels where nothing does.
type fileWatch struct {
	events <-chan fsnotify.Event
	errors <-chan error
	close  func()
}

// watchFiles watches the folders of the files: a file that is replaced would
// take its watch with it.
func (a *Agent) watchFiles() fileWatch {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		a.log.Warn("the configuration's files are looked at every 30 s only", "error", err)
		return fileWatch{close: func() {}}
	}
	for _, path := range a.opts.Paths {
		dir := path
		if info, err := os.Stat(path); err == nil && !info.IsDir() {
			dir = filepath.Dir(path)
		}
		if err := w.Add(dir); err != nil {
			a.log.Warn("a folder cannot be watched; its files are looked at every 30 s", "folder", dir, "error", err)
		}
	}
	return fileWatch{w.Events, w.Errors, func() { _ = w.Close() }}
}

// concerns says whether a change of the file may be one of the configuration:
// the database often lies in the same folder and changes all the time.
func (a *Agent) concerns(file string) bool {
	base := filepath.Base(file)
	if ext := filepath.Ext(base); ext == ".yaml" || ext == ".yml" || strings.HasPrefix(base, "..") { // ..data is how Kubernetes swaps a volume
		return true
	}
	return slices.ContainsFunc(a.opts.Paths, func(p string) bool { return filepath.Base(p) == base })
}

package agent

import (
	"context"
	"crypto/sha256"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/watchword/watchword/internal/config"
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
	if len(wrong) > 0 {
		a.log.Error("the configuration was not taken over; the old one stays in force", "errors", len(wrong), "first", wrong[0])
	}
	return wrong
}

func (a *Agent) take(cfg *config.Config) error {
	old := a.plan.Load()
	p, err := build(cfg, old, a.rooms, a.key)
	if err != nil {
		return err
	}
	a.enforce(p)
	for _, s := range p.sources { // a reload ends the back-off
		s.Reset()
	}
	old.closeBut(p)
	a.fixed(old.cfg, cfg)
	a.log.Info("configuration taken over", "monitors", len(p.monitors), "credentials", len(p.sources), "notifiers", len(p.channels))
	return nil
}

// fixed warns of what only a restart can change.
func (a *Agent) fixed(old, cfg *config.Config) {
	if old.Server.Listen != cfg.Server.Listen {
		a.log.Warn("server.listen changes at the next start only", "listening", a.Addr())
	}
	if old.Storage.Path != cfg.Storage.Path {
		a.log.Warn("storage.path changes at the next start only", "path", old.Storage.Path)
	}
}

// watch reloads on SIGHUP and when the content of a file changed.
func (a *Agent) watch(ctx context.Context) error {
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	files := a.watchFiles()
	defer files.close()
	seen, _ := config.Digest(a.opts.Paths)
	tick := time.NewTicker(rehash)
	defer tick.Stop()
	var settled <-chan time.Time
	for {
		select {
		case <-hup:
			seen, _ = config.Digest(a.opts.Paths)
			a.Reload(ctx)
		case e := <-files.events:
			if a.concerns(e.Name) {
				settled = time.After(settle)
			}
		case err := <-files.errors:
			a.log.Warn("watching the configuration's files", "error", err)
		case <-settled:
			settled = nil
			seen = a.reloadIfChanged(ctx, seen)
		case <-tick.C:
			seen = a.reloadIfChanged(ctx, seen)
		case <-ctx.Done():
			return nil
		}
	}
}

func (a *Agent) reloadIfChanged(ctx context.Context, seen [sha256.Size]byte) [sha256.Size]byte {
	now, err := config.Digest(a.opts.Paths)
	if err != nil || now == seen { // a file that is being replaced is looked at again
		return seen
	}
	a.Reload(ctx)
	return now
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

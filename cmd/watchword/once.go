package main

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/watchword/watchword/internal/agent"
	"github.com/watchword/watchword/internal/config"
	"github.com/watchword/watchword/internal/machine"
)

// once loads a configuration for a command that does one thing and ends. bad is
// the exit code of a configuration with errors.
func once(files []string, s *streams, bad int) (*agent.Once, error) {
	cfg, problems := config.Load(files, config.LoadOptions{})
	for _, p := range problems {
		fmt.Fprintln(s.err, p)
	}
	if cfg == nil {
		return nil, &exitError{code: bad}
	}
	if why := machine.BeforeBuilt(time.Now(), builtAt()); why != "" {
		fmt.Fprintf(s.err, "watchword: warning: %s\n", machine.WrongClock(why))
	}
	return agent.NewOnce(cfg, agent.Options{Version: version(), Built: builtAt(), Log: slog.New(slog.DiscardHandler)})
}

// usage makes exit code 2 of an unknown name.
func usage(err error) error {
	if u, ok := errors.AsType[*agent.UnknownError](err); ok {
		return &exitError{2, "watchword: " + u.Error()}
	}
	return err
}

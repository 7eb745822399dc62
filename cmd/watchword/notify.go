package main

import (
	"context"
	"fmt"

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/notifiers"
)

type notifyCommand struct {
	configFlag
	Notifier string `arg:"" help:"Name of a notifier in the configuration."`
	Event    string `enum:"down,up,reminder,certificate,exposed" default:"down" help:"Kind of message: ${enum}."`
}

func (notifyCommand) Help() string {
	return `The message looks like a real one, and says that it is a sample.

Ends with 0 if the service took the message, else with 1.

Examples:

    watchword notify -c watchword.yaml ops
    watchword notify -c watchword.yaml ops --event up`
}

func (c *notifyCommand) Run(ctx context.Context, s *streams) error {
	o, err := once(c.Config, s, 1)
	if err != nil {
		return err
	}
	defer func() { _ = o.Close() }()
	d, receipt, err := o.Notify(ctx, c.Notifier, check.Kind(c.Event))
	if err != nil {
		if u := usage(err); u != err { //nolint:errorlint // the same error, not one like it
			return u
		}
		return fmt.Errorf("notifier %q did not take the message: %w", c.Notifier, err)
	}
	fmt.Fprintf(s.out, "sent      %s\nanswered  %d %s\n", notifiers.Title(d), receipt.Status, receipt.Text)
	return nil
}

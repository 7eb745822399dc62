package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/watchword/watchword/internal/lab"
)

type labCommand struct {
	AnyPorts bool `help:"Take free ports and print the addresses as a line of JSON."`
}

// labAddresses is what lab --any-ports prints.
type labAddresses struct {
	Token, Gateway, Application, Control string
}

func (c *labCommand) Run(ctx context.Context, s *streams) error {
	config := lab.FixedPorts()
	if c.AnyPorts {
		config = lab.Config{}
	}
	config.Chat = lab.NewChat(lab.ChatOptions{})
	w, err := lab.Start(ctx, config)
	if err != nil {
		return err
	}
	if c.AnyPorts {
		err = json.NewEncoder(s.out).Encode(labAddresses{w.TokenURL(), w.GatewayURL(), w.ApplicationURL(), w.ControlURL()})
	} else {
		fmt.Fprintf(s.out, "The small world is up: provider %s, gate %s, application %s, chat and switches %s/control/\n",
			w.ProviderURL(), w.GatewayURL(), w.ApplicationURL(), w.ControlURL())
	}
	if err == nil {
		<-ctx.Done()
	}
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	return w.Close(end)
}

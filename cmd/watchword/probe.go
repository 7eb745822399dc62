package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/watchword/watchword/internal/agent"
	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/secret"
	"github.com/watchword/watchword/internal/server"
)

type probeCommand struct {
	configFlag
	Monitor []string `arg:"" optional:"" help:"Names or ids of monitors; all by default."`
	JSON    bool     `help:"Print what /api/v1/monitors would."`
}

func (probeCommand) Help() string {
	return `Shows what each request met: where it went, what came back, how long each phase took, and on a failure its reason and what to look at next. Nobody is told, and nothing is stored.

Ends with 0 if all are up, with 1 if any is down, with 2 if the configuration has errors or there is no such monitor.

Examples:

    watchword probe -c watchword.yaml
    watchword probe -c watchword.yaml Wiki --json`
}

func (c *probeCommand) Run(ctx context.Context, s *streams) error {
	o, err := once(c.Config, s, 2)
	if err != nil {
		return err
	}
	defer func() { _ = o.Close() }()
	down := 0
	list := struct {
		Monitors []server.Monitor `json:"monitors"`
	}{[]server.Monitor{}}
	err = o.Probe(ctx, c.Monitor, func(r check.Result) {
		if r.Fault != nil {
			down++
		}
		if c.JSON {
			v := agent.View(r)
			list.Monitors = append(list.Monitors, server.NewMonitor(&v))
			return
		}
		explain(s, r)
	})
	if err != nil {
		return usage(err)
	}
	if c.JSON {
		e := json.NewEncoder(s.out)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		if err := e.Encode(list); err != nil {
			return err
		}
	}
	if down > 0 {
		return &exitError{code: 1}
	}
	return nil
}

// explain tells a person hop by hop what a run did.
func explain(s *streams, r check.Result) {
	word, code := "up", "32"
	switch {
	case r.Fault == nil:
	case r.Fault.Class == check.ExposedTo:
		word, code = "exposed", "35"
	default:
		word, code = "down", "31"
	}
	fmt.Fprintf(s.out, "%s  %s  %s\n", s.paint(code, fmt.Sprintf("%-4s", word)), secret.Line(r.Monitor.Name, 200), length(r.Took))
	if r.Detail != nil {
		tokenLine(s.out, r)
		tries(s.out, r)
		for _, note := range r.Detail.Notes {
			fmt.Fprintf(s.out, "      note    %s\n", note)
		}
	}
	fmt.Fprintf(s.out, "      time    %s\n", phases(r.Phases))
	if r.Certs != nil {
		chain(s, r)
	}
	if f := r.Fault; f != nil {
		fmt.Fprintf(s.out, "      fault   %s\n      what    %s\n", s.paint("31", string(f.Class)+"/"+string(f.Reason)), f.Message)
		if f.Hint != "" {
			fmt.Fprintf(s.out, "      hint    %s\n", f.Hint)
		}
	}
}

// chain tells of the certificate, and warns as a running agent would.
func chain(s *streams, r check.Result) {
	name, now := r.Certs.Subject, time.Now()
	if name == "" {
		name = r.Certs.Name
	}
	fmt.Fprintf(s.out, "      tls     %s, valid until %s\n", name, r.Certs.NotAfter.UTC().Format("2006-01-02 15:04 MST"))
	if r.Certs.Due(r.Monitor.CertificateWarn, now) == 0 {
		return
	}
	which := "the certificate"
	if r.Certs.Ending != nil {
		which += " of an authority (" + r.Certs.Ending.Subject + ")"
	}
	fmt.Fprintf(s.out, "      warning %s expires in %s\n", which, check.TimeLeft(r.Certs.NotAfter.Sub(now)))
}

func tokenLine(w io.Writer, r check.Result) {
	t := r.Detail.Token
	if t == nil {
		return
	}
	from := "from the cache"
	if t.Fetched {
		from = "fetched in " + length(r.Phases.Token)
	}
	line := fmt.Sprintf("      token   credential %q, %s", t.Credential, from)
	if !t.Expires.IsZero() {
		line += ", valid for " + time.Until(t.Expires).Round(time.Second).String()
	}
	if t.Scope != "" {
		line += ", scope " + t.Scope
	}
	fmt.Fprintln(w, line)
	if t.Warning != "" {
		fmt.Fprintf(w, "      warning %s\n", t.Warning)
	}
}

func tries(w io.Writer, r check.Result) {
	for _, t := range r.Detail.Tries {
		line := fmt.Sprintf("      %-7s %s", strings.ToLower(t.Method), t.URL)
		if t.Remote != "" {
			line += " (" + t.Remote + ")"
		}
		if t.Status == 0 {
			line += ": no answer"
		} else {
			line += fmt.Sprintf(": %d", t.Status)
		}
		if t.Location != "" {
			line += " → " + t.Location
		}
		line += " in " + length(t.Took)
		if t.Note != "" {
			line += "; " + t.Note
		}
		fmt.Fprintln(w, line)
	}
}

func phases(p check.Phases) string {
	var parts []string
	names, values := check.PhaseNames(), p.Values()
	for i, name := range names {
		if values[i] > 0 {
			parts = append(parts, name+" "+length(values[i]))
		}
	}
	if len(parts) == 0 {
		return "none"
	}
	return strings.Join(parts, " · ")
}

// length writes a duration as people read it.
func length(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return fmt.Sprintf("%.2f ms", float64(d)/float64(time.Millisecond))
	case d < time.Second:
		return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
	default:
		return fmt.Sprintf("%.2f s", d.Seconds())
	}
}

func (s *streams) paint(code, text string) string {
	if !s.color {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

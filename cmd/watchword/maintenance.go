package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/server"
)

type maintenanceCommand struct {
	Start startCommand `cmd:"" help:"Begin maintenance of monitors, groups or labels."`
	End   endCommand   `cmd:"" help:"End maintenance."`
	List  listCommand  `cmd:"" help:"List the maintenance that is in force and to come."`
}

type startCommand struct {
	agentFlags
	Monitors []string `arg:"" optional:"" name:"monitor" help:"Ids of monitors."`
	Group    []string `sep:"none" placeholder:"NAME" help:"All monitors of a group. May be repeated."`
	Label    []string `sep:"none" placeholder:"NAME=VALUE" help:"All monitors with a label; where repeated, with all of them."`
	All      bool     `help:"All monitors."`
	For      string   `placeholder:"TIME" help:"How long, such as 30m, 2h or 1d12h."`
	From     string   `placeholder:"TIME" help:"When it begins, such as 2026-12-01T20:00; by default now."`
	To       string   `placeholder:"TIME" help:"When it ends, in place of --for."`
	Reason   string   `placeholder:"TEXT" help:"Why, for those who look."`
	Name     string   `placeholder:"TEXT" help:"What it is called; by default the reason."`
}

func (startCommand) Help() string {
	return `Checks go on and are recorded, and nobody is told, except that a gate is open. It ends by itself.

Times without an offset are in the agent's time zone. Ends with 2 if there is no such monitor, group or label.

Examples:

    watchword maintenance start --all --for 30m
    watchword maintenance start wiki shop --for 2h --reason Patches
    watchword maintenance start --group Core --to 2026-12-01T23:00
    watchword maintenance start --label team=web --for 1h -c watchword.yaml`
}

func (c *startCommand) Run(ctx context.Context, s *streams) error {
	o := server.MaintenanceOrder{
		Name: c.Name, Monitors: c.Monitors, Groups: c.Group, All: c.All, For: c.For, From: c.From, To: c.To, Reason: c.Reason,
	}
	for _, l := range c.Label {
		name, value, ok := strings.Cut(l, "=")
		if !ok {
			return &exitError{2, fmt.Sprintf("watchword: --label wants NAME=VALUE, such as team=web, not %q", l)}
		}
		if o.Labels == nil {
			o.Labels = map[string]string{}
		}
		o.Labels[name] = value
	}
	agent, err := c.caller(ctx, s)
	if err != nil {
		return err
	}
	var m server.Maintenance
	if err := agent.call(ctx, http.MethodPost, "/api/v1/maintenance", o, &m); err != nil {
		return err
	}
	what := "from " + localTime(m.From)
	if m.Active {
		what = "now"
	}
	fmt.Fprintf(s.out, "started   %s, %s until %s\nmonitors  %d: %s\n", m.ID, what, localTime(m.To), len(m.Monitors), check.Some(m.Monitors, 10))
	return nil
}

type endCommand struct {
	agentFlags
	IDs []string `arg:"" optional:"" name:"id" help:"Ids, as list shows them."`
	All bool     `help:"End all that is in force."`
}

func (endCommand) Help() string {
	return `What fails then is checked at once, and told. Of a window of the configuration that recurs, what is in force now is ended: it comes again.

Examples:

    watchword maintenance end m-hohrq0i1de
    watchword maintenance end --all`
}

func (c *endCommand) Run(ctx context.Context, s *streams) error {
	if c.All == (len(c.IDs) > 0) {
		return &exitError{2, "watchword: say which maintenance to end, by its id or with --all; watchword maintenance list shows them"}
	}
	agent, err := c.caller(ctx, s)
	if err != nil {
		return err
	}
	ids := c.IDs
	if c.All {
		all, err := agent.maintenance(ctx)
		if err != nil {
			return err
		}
		for _, m := range all {
			if m.Active {
				ids = append(ids, m.ID)
			}
		}
		if len(ids) == 0 {
			fmt.Fprintln(s.out, "no maintenance is in force")
		}
	}
	for _, id := range ids {
		if err := agent.call(ctx, http.MethodDelete, "/api/v1/maintenance/"+url.PathEscape(id), nil, nil); err != nil {
			return err
		}
		fmt.Fprintln(s.out, "ended    ", id)
	}
	return nil
}

type listCommand struct {
	agentFlags
	JSON bool `help:"As JSON, as GET /api/v1/maintenance answers."`
}

func (listCommand) Help() string {
	return `Those of the configuration and those that were ordered by hand.

Examples:

    watchword maintenance list
    watchword maintenance list --url https://watch.example.com/ --user alice`
}

func (c *listCommand) Run(ctx context.Context, s *streams) error {
	agent, err := c.caller(ctx, s)
	if err != nil {
		return err
	}
	all, err := agent.maintenance(ctx)
	if err != nil {
		return err
	}
	if c.JSON {
		enc := json.NewEncoder(s.out)
		enc.SetEscapeHTML(false)
		return enc.Encode(struct {
			Maintenance []server.Maintenance `json:"maintenance"`
		}{all})
	}
	w := tabwriter.NewWriter(s.out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tSTATE\tFROM\tUNTIL\tMONITORS\tNAME")
	for _, m := range all {
		state := "over"
		switch {
		case m.Active:
			state = "in force"
		case m.Next != nil:
			state = "to come"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%d\t%s\n", m.ID, state, localTime(m.From), localTime(m.To), len(m.Monitors), cmp.Or(m.Name, "-"))
	}
	return w.Flush()
}

func (c *caller) maintenance(ctx context.Context) ([]server.Maintenance, error) {
	var list struct {
		Maintenance []server.Maintenance `json:"maintenance"`
	}
	err := c.call(ctx, http.MethodGet, "/api/v1/maintenance", nil, &list)
	if err == nil && list.Maintenance == nil {
		err = fmt.Errorf("what answers at %s is no watchword, or an older one", c.base)
	}
	return list.Maintenance, err
}

// localTime writes a time as the clocks of this machine show it.
func localTime(t *time.Time) string {
	if t == nil {
		return "-"
	}
	return t.Local().Format("2006-01-02 15:04:05 MST")
}

package kuma_test

import (
	"slices"
	"strings"
	"time"

	"pgregory.net/rapid"

	"github.com/watchword/watchword/internal/config"
	"github.com/watchword/watchword/internal/schedule"
)

func (s *site) compareNotifiers(t *rapid.T, cfg *config.Config) {
	hook := "https://hooks.example.com/hook-path-Zq88?a=1&sig=2"
	n := cfg.Notifiers
	differ(t, "notifiers", len(n), 5)
	tg := n["to telegram"]
	differ(t, "telegram", []any{must(tg.BotToken.Reveal()), tg.ChatID, tg.MessageThreadID, tg.Silent, tg.ProtectContent}, []any{"12:bot-token-Zq77", "-100", int64(7), true, true})
	slack := n["to slack"]
	differ(t, "slack", []any{must(slack.WebhookURL.Reveal()), slack.Username, slack.IconEmoji, slack.Channel, slack.Mention}, []any{hook, "kuma", ":bear:", "#ops", "<!channel>"})
	discord := n["to discord"]
	differ(t, "discord", []any{must(discord.WebhookURL.Reveal()), discord.Username, discord.ThreadID, discord.Mention}, []any{hook, "Kuma", "99", "@here"})
	differ(t, "teams", must(n["to teams"].WebhookURL.Reveal()), hook)
	w := n["to webhook"]
	differ(t, "webhook", []any{must(w.URL.Reveal()), w.Method, must(w.Headers["Authorization"].Reveal())}, []any{hook, "PUT", "Bearer hook-bearer-Zq66"})
}

// compareMaintenance compares the windows with what the time says of them.
func (s *site) compareMaintenance(t *rapid.T, got imported) {
	all := got.cfg.Maintenance
	n := 0
	for _, m := range s.maintenance {
		ids, groups := s.coveredBy(m, got.cfg)
		if !m.on("active") || m["strategy"] == "manual" || len(ids)+len(groups) == 0 {
			if !strings.Contains(got.yaml, m.str("title")+" did not come over") {
				t.Fatalf("nothing is said of the window %q in\n%s", m.str("title"), got.yaml)
			}
			continue
		}
		w := all[n]
		n++
		differ(t, "monitors of the window", len(w.Monitors), len(ids))
		differ(t, "groups of the window", slices.Sorted(slices.Values(w.Groups)), groups)
		compareWindow(t, m, w.Window)
	}
	differ(t, "number of windows", len(all), n)
}

func compareWindow(t *rapid.T, m object, w schedule.WindowOptions) {
	d := func(field string, want any) { differ(t, "window "+field, dig(w, field), want) }
	d("From", "2026-11-23T10:40:00")
	d("To", "2027-02-20T10:40:00")
	zone := m.str("timezone")
	if zone == "SAME_AS_SERVER" {
		zone = "Europe/Berlin"
	}
	d("Timezone", zone)
	start, duration := "23:00", 150*time.Minute
	switch m["strategy"] {
	case "single":
		start, duration = "", 0
	case "cron":
		start, duration = "", 45*time.Minute
		d("Cron", "15 4 * * 0")
	case "recurring-interval":
		d("EveryDays", 3)
	case "recurring-weekday":
		d("Weekdays", []string{"MON", "THU", "SUN"})
	default:
		d("DaysOfMonth", []int{15, -1})
	}
	d("Start", start)
	d("Duration", duration)
}

// coveredBy returns whom a window is about, of those that came over.
func (s *site) coveredBy(m object, cfg *config.Config) (ids []any, groups []string) {
	for _, link := range s.covered {
		if link["maintenance_id"] != m["id"] {
			continue
		}
		mon := s.monitors[link["monitor_id"].(int)-1]
		if mon.comes() {
			ids = append(ids, mon["id"])
		}
		path := s.pathOf(mon)
		if mon["type"] == "group" && slices.ContainsFunc(cfg.Monitors, func(c config.Monitor) bool { return c.Group == path || strings.HasPrefix(c.Group, path+" / ") }) {
			groups = append(groups, path)
		}
	}
	slices.Sort(groups)
	return ids, slices.Compact(groups)
}

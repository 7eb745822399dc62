package kuma_test

import (
	"database/sql"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	_ "modernc.org/sqlite" // registers the driver
	"pgregory.net/rapid"
)

// object is a row by its columns.
type object map[string]any

// site is what an Uptime Kuma watches, as its tables.
type site struct {
	version                                int
	monitors, notifications, tags, proxies []object
	told, tagged, maintenance, covered     []object
	settings                               []object
	secrets                                []string // that nobody may see

	loose         bool     // constraints are not kept
	dropped, gone []string // columns of monitors, and tables, that are not there
}

// pems are texts for client certificates.
type pems struct{ cert, key, ca string }

// genSite draws a site of a version.
func genSite(t *rapid.T, version int, p pems) *site {
	s := &site{version: version}
	s.settings = []object{{"key": "serverTimezone", "value": `"Europe/Berlin"`, "type": "general"}, {"key": "jwtSecret", "value": s.secret("jwt-secret-of-the-site")}}
	if rapid.Bool().Draw(t, "days set") {
		s.settings = append(s.settings, object{"key": "tlsExpiryNotifyDays", "value": `[30,10]`})
	}
	s.genAround(t)
	for i := range rapid.IntRange(1, 8).Draw(t, "monitors") {
		s.monitors = append(s.monitors, s.genMonitor(t, i+1, p))
	}
	for i := range rapid.IntRange(0, 3).Draw(t, "windows") {
		s.genMaintenance(t, i+1)
	}
	return s
}

func (s *site) secret(v string) string {
	s.secrets = append(s.secrets, v)
	return v
}

// genSecret draws a secret with characters that env files and YAML stumble over.
func (s *site) genSecret(t *rapid.T, what string) string {
	tail := rapid.OneOf(rapid.StringMatching(`[A-Za-z0-9_.-]{8,20}`), rapid.StringMatching(`[A-Za-z0-9 '"$#&;{}\\!-]{6,20}`)).Draw(t, what)
	return s.secret(fmt.Sprintf("Zq9%s%dx", tail, len(s.secrets)))
}

func (s *site) genAround(t *rapid.T) {
	for i, name := range []string{"env", "Team One", "url", "größe!", "env"} {
		s.tags = append(s.tags, object{"id": i + 1, "name": name, "color": "#fff"})
	}
	for i, protocol := range []string{"http", "socks", "socks5", "socks4"} {
		p := object{"id": i + 1, "user_id": 1, "protocol": protocol, "host": "proxy.example.com", "port": 3128 + i, "auth": i % 2, "username": "pu", "password": s.genSecret(t, "proxy"), "active": rapid.SampledFrom([]int{0, 1, 1}).Draw(t, "proxy active")}
		s.proxies = append(s.proxies, p)
	}
	hook := "https://hooks.example.com/" + s.secret("hook-path-Zq88") + "?a=1&sig=2"
	for i, config := range []object{
		{"type": "telegram", "telegramBotToken": "12:" + s.secret("bot-token-Zq77"), "telegramChatID": "-100", "telegramMessageThreadID": "7", "telegramSendSilently": true, "telegramProtectContent": true},
		{"type": "slack", "slackwebhookURL": hook, "slackusername": "kuma", "slackiconemo": ":bear:", "slackchannel": "#ops", "slackchannelnotify": true},
		{"type": "discord", "discordWebhookUrl": hook, "discordUsername": "Kuma", "discordPrefixMessage": "@here look", "discordChannelType": "postToThread", "threadId": "99"},
		{"type": "teams", "webhookUrl": hook},
		{"type": "webhook", "webhookURL": hook, "httpMethod": "put", "webhookContentType": "json", "webhookAdditionalHeaders": `{"Authorization":"Bearer ` + s.secret("hook-bearer-Zq66") + `"}`},
		{"type": "smtp", "smtpPassword": s.secret("smtp-password-Zq55")},
	} {
		b, err := json.Marshal(config)
		if err != nil {
			t.Fatal(err)
		}
		s.notifications = append(s.notifications, object{"id": i + 1, "user_id": 1, "name": "to " + config["type"].(string), "is_default": i % 2, "config": string(b)})
	}
}

func pick[T any](t *rapid.T, what string, from ...T) T { return rapid.SampledFrom(from).Draw(t, what) }

func (s *site) genMonitor(t *rapid.T, id int, p pems) object {
	kind := pick(t, "type", "http", "keyword", "json-query", "http", "keyword", "group", "port", "push", "dns")
	m := object{
		"id": id, "user_id": 1, "type": kind, "name": pick(t, "name", "Shop", "shop", "店", "A: b # c", "{x} ${HOME}", "  spaced  ", "Zoo", "1.5", "true"),
		"active": pick(t, "active", 0, 1, 1), "description": pick[any](t, "description", nil, "", "two\nlines # and: more"),
		"url": s.genURL(t), "method": pick(t, "method", "GET", "POST", "HEAD", "get", "DELETE"),
		"interval": pick(t, "interval", 1, 20, 60, 60, 300, 3600), "retry_interval": pick(t, "retry", 0, 20, 60), "maxretries": pick(t, "retries", 0, 1, 3),
		"resend_interval": pick(t, "resend", 0, 0, 2), "timeout": pick[any](t, "timeout", 0.0, 0.5, 8.0, 48.0, 16.25, 100.0),
		"maxredirects": pick(t, "redirects", 0, 10, 3), "accepted_statuscodes_json": pick(t, "codes", `["200-299"]`, `["200-299","404"]`, `["401"]`, `["100-999"]`),
		"upside_down": pick(t, "upside", 0, 0, 1), "ignore_tls": pick(t, "ignore", 0, 0, 1), "expiry_notification": pick(t, "expiry", 0, 1),
		"keyword": pick[any](t, "keyword", "OK", "", nil, "a ${b} \"c\"", " x "), "invert_keyword": pick(t, "invert", 0, 0, 1),
		"json_path": pick[any](t, "path", "status", "$.a.b", "list[0].v", "checks[name='db'].ms", "$sort(x)"), "expected_value": pick[any](t, "expected", "ok", "12", "", "true"),
		"auth_method": pick[any](t, "auth", nil, nil, "basic", "oauth2-cc", "oauth2-cc", "mtls", "ntlm"), "basic_auth_user": pick(t, "user", "probe", "a:b"),
		"basic_auth_pass": pick(t, "pass", s.genSecret(t, "password"), s.secret("shared-password-Zq44")), "tls_cert": p.cert, "tls_key": p.key, "tls_ca": p.ca,
		"oauth_token_url": pick(t, "token url", "https://auth.example.com/token", "https://auth.example.com:8443/t"), "oauth_client_id": pick(t, "client", "kuma", "other"),
		"oauth_client_secret": s.secret("client-secret-Zq33"), "oauth_scopes": pick[any](t, "scopes", nil, "", "a b", "a:read  b"),
		"oauth_auth_method": pick[any](t, "oauth method", nil, "client_secret_basic", "client_secret_post"),
		"headers":           s.genHeaders(t), "proxy_id": pick[any](t, "proxy", nil, nil, 1, 2, 3, 4),
	}
	s.genBody(t, m)
	if s.version == 2 {
		maps.Copy(m, object{"json_path_operator": pick[any](t, "operator", nil, "==", "!=", "<", ">=", "contains"), "cache_bust": pick(t, "bust", 0, 1),
			"ip_family": pick[any](t, "family", nil, "ipv4", "ipv6"), "oauth_audience": pick[any](t, "audience", nil, "https://app.example.com/"),
			"domain_expiry_notification": pick(t, "domain", 0, 1)})
		if pick(t, "bearer", 0, 0, 0, 1) == 1 {
			m["auth_method"], m["bearer_token"] = "bearer", s.genSecret(t, "bearer")
		}
	}
	s.genLinks(t, id, m)
	return m
}

func (s *site) genURL(t *rapid.T) string {
	url := pick(t, "scheme", "http://", "https://") + pick(t, "host", "app.example.com", "127.0.0.1:8080") + pick(t, "path", "", "/", "/a/b?x=1", "/ü?q=${y}")
	if pick(t, "secret in the url", 0, 0, 1) == 1 {
		url += map[bool]string{true: "&", false: "?"}[strings.Contains(url, "?")] + "api_key=" + s.secret("url-key-Zq22")
	}
	return url
}

func (s *site) genHeaders(t *rapid.T) any {
	switch pick(t, "headers", 0, 0, 1, 2) {
	case 1:
		return `{"X-Env":"lab","Accept":"text/html"}`
	case 2:
		return `{"X-Api-Key": ` + string(must(json.Marshal(s.genSecret(t, "api key")))) + `, "Cookie": "sid=` + s.secret("cookie-Zq11") + `; theme=dark"}`
	}
	return nil
}

// some is rapid.Check with fewer rounds, for a database takes its time; with
// -rapid.checks given, with as many as that. What fails is made small as ever.
func some(t *testing.T, rounds int, prop func(*rapid.T)) {
	if flag.Lookup("rapid.checks").Value.String() != "100" {
		rounds = math.MaxInt
	}
	rapid.Check(t, func(r *rapid.T) {
		if rounds--; rounds < 0 {
			return
		}
		passed := false
		defer func() {
			if !passed {
				rounds = math.MaxInt
			}
		}()
		prop(r)
		passed = true
	})
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func (s *site) genBody(t *rapid.T, m object) {
	secret := s.secret("body-password-Zq00")
	switch pick(t, "body", 0, 0, 1, 2, 3) {
	case 1:
		m["body"], m["http_body_encoding"] = `{"a": 1, "password": "`+secret+`"}`, pick[any](t, "json", nil, "json")
	case 2:
		m["body"], m["http_body_encoding"] = "user=x&password="+secret+"&y=${z}", "form"
	case 3:
		m["body"], m["http_body_encoding"] = "<a>\n  <password>"+secret+"</password>\n</a>", "xml"
	}
}

// genLinks draws what a monitor belongs to.
func (s *site) genLinks(t *rapid.T, id int, m object) {
	var groups []any
	for _, g := range s.monitors {
		if g["type"] == "group" {
			groups = append(groups, g["id"])
		}
	}
	m["parent"] = pick(t, "parent", append(groups, nil)...)
	for _, n := range s.notifications {
		if pick(t, "told", 0, 0, 1) == 1 {
			s.told = append(s.told, object{"monitor_id": id, "notification_id": n["id"]})
		}
	}
	for _, tag := range s.tags {
		if pick(t, "tagged", 0, 0, 1) == 1 {
			s.tagged = append(s.tagged, object{"monitor_id": id, "tag_id": tag["id"], "value": pick[any](t, "value", nil, "", "eu-west.1", "a b")})
		}
	}
}

func (s *site) genMaintenance(t *rapid.T, id int) {
	m := object{"id": id, "title": pick(t, "title", "Patch", "Patch", "Move: it"), "description": "why", "user_id": 1, "active": pick(t, "window active", 0, 1, 1, 1),
		"strategy":   pick(t, "strategy", "manual", "single", "cron", "recurring-interval", "recurring-weekday", "recurring-day-of-month"),
		"start_date": "2026-11-23 10:40:00", "end_date": "2027-02-20 10:40:00", "start_time": "23:00", "end_time": "01:30", "weekdays": "[0,1,4]", "days_of_month": `[15,"lastDay1"]`,
		"interval_day": 3, "cron": "15 4 * * 7", "duration": 2700, "timezone": pick[any](t, "zone", "SAME_AS_SERVER", "UTC", "America/New_York")}
	s.maintenance = append(s.maintenance, m)
	for _, mon := range s.monitors {
		if pick(t, "under", 0, 1) == 1 {
			s.covered = append(s.covered, object{"monitor_id": mon["id"], "maintenance_id": id})
		}
	}
}

// write makes a kuma.db of the site. With wal, what it holds is in its log only.
func (s *site) write(t testing.TB, path string, wal bool) (closed func()) {
	db := must(sql.Open("sqlite", path))
	db.SetMaxOpenConns(1)
	exec := func(query string, args ...any) {
		if _, err := db.Exec(query, args...); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
	}
	exec("PRAGMA synchronous = OFF")
	if wal {
		exec("PRAGMA journal_mode = WAL")
		exec("PRAGMA wal_autocheckpoint = 0")
	}
	exec(string(must(os.ReadFile("testdata/v1.sql"))))
	if s.version == 2 {
		exec(string(must(os.ReadFile("testdata/v2.sql"))))
	}
	if s.loose {
		s.loosen(exec)
	}
	exec("BEGIN")
	for table, rows := range s.tables() {
		if slices.Contains(s.gone, table) {
			continue
		}
		for _, r := range rows {
			columns := slices.DeleteFunc(slices.Sorted(maps.Keys(r)), func(c string) bool { return table == "monitor" && slices.Contains(s.dropped, c) })
			var args []any
			for _, c := range columns {
				args = append(args, r[c])
			}
			exec(fmt.Sprintf(`INSERT INTO %q ("%s") VALUES (%s)`, table, strings.Join(columns, `","`), strings.TrimSuffix(strings.Repeat("?,", len(args)), ",")), args...)
		}
	}
	exec("COMMIT")
	return func() { _ = db.Close() }
}

// loosen makes tables of the same columns that take anything.
func (s *site) loosen(exec func(string, ...any)) {
	for table := range s.tables() {
		exec(fmt.Sprintf("CREATE TABLE copy AS SELECT * FROM %q", table))
		exec(fmt.Sprintf("DROP TABLE %q", table))
		if slices.Contains(s.gone, table) {
			exec("DROP TABLE copy")
			continue
		}
		exec(fmt.Sprintf("ALTER TABLE copy RENAME TO %q", table))
	}
	for _, column := range s.dropped {
		exec(fmt.Sprintf("ALTER TABLE monitor DROP COLUMN %q", column))
	}
}

func (s *site) tables() map[string][]object {
	return map[string][]object{"monitor": s.monitors, "notification": s.notifications, "tag": s.tags, "proxy": s.proxies, "monitor_notification": s.told,
		"monitor_tag": s.tagged, "maintenance": s.maintenance, "monitor_maintenance": s.covered, "setting": s.settings}
}

// database writes the site into a folder of its own.
func (s *site) database(t testing.TB) string {
	path := filepath.Join(t.TempDir(), "kuma.db")
	s.write(t, path, false)()
	return path
}

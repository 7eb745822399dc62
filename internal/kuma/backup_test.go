package kuma_test

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"testing"
)

// foreign writes a database that is not of an Uptime Kuma.
func foreign(t *testing.T, path string) {
	db := must(sql.Open("sqlite", path))
	defer db.Close()
	if _, err := db.Exec("CREATE TABLE things (id INTEGER)"); err != nil {
		t.Fatal(err)
	}
}

// backup writes the site as Uptime Kuma 1.23 exports it.
func (s *site) backup() []byte {
	camel := map[string]string{"retry_interval": "retryInterval", "resend_interval": "resendInterval", "upside_down": "upsideDown", "ignore_tls": "ignoreTls", "expiry_notification": "expiryNotification",
		"invert_keyword": "invertKeyword", "json_path": "jsonPath", "expected_value": "expectedValue", "auth_method": "authMethod", "tls_ca": "tlsCa", "tls_cert": "tlsCert", "tls_key": "tlsKey",
		"http_body_encoding": "httpBodyEncoding", "proxy_id": "proxyId"}
	var monitors, notifications []object
	for _, m := range s.monitors {
		out := object{}
		for column, v := range m {
			name := column
			if c, ok := camel[column]; ok {
				name = c
			}
			switch column {
			case "upside_down", "ignore_tls", "expiry_notification", "invert_keyword", "active":
				v = v != 0
			case "accepted_statuscodes_json":
				name, v = "accepted_statuscodes", json.RawMessage(v.(string))
			}
			out[name] = v
		}
		told := map[string]bool{}
		for _, n := range s.told {
			if n["monitor_id"] == m["id"] {
				told[fmt.Sprint(n["notification_id"])] = true
			}
		}
		tags := []object{}
		for i, t := range s.tagged {
			if t["monitor_id"] == m["id"] {
				tag := maps.Clone(t)
				tag["id"], tag["name"] = i, s.tags[t["tag_id"].(int)-1]["name"]
				tags = append(tags, tag)
			}
		}
		out["notificationIDList"], out["tags"] = told, tags
		monitors = append(monitors, out)
	}
	for _, n := range s.notifications {
		notifications = append(notifications, object{"id": n["id"], "name": n["name"], "config": n["config"], "isDefault": n["is_default"] != 0, "active": true, "userId": 1})
	}
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetIndent("", "  ")
	if err := e.Encode(object{"version": "1.23.17", "notificationList": notifications, "monitorList": monitors}); err != nil {
		panic(err)
	}
	return []byte(b.String())
}

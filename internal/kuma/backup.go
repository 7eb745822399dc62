package kuma

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"github.com/watchword/watchword/internal/machine"
)

// readBackup reads what Settings, Backup of Uptime Kuma 1.x exports, into the
// tables that a database has.
func readBackup(path string) (*source, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, errors.New(machine.Unusable(path, "read", err))
	}
	var backup struct {
		Version          string
		NotificationList []map[string]any
		MonitorList      []map[string]any
		ProxyList        []map[string]any
	}
	if err := json.Unmarshal(bytes.TrimPrefix(b, []byte("\ufeff")), &backup); err != nil {
		return nil, fmt.Errorf("%s is no backup of Uptime Kuma: %s", path, jsonError(b, err))
	}
	if backup.MonitorList == nil {
		return nil, fmt.Errorf("%s is JSON, but no backup of Uptime Kuma: it has no monitorList", path)
	}
	version := backup.Version
	if version == "" {
		version = "1.x"
	}
	s := &source{backup: true, what: filepath.Base(path) + ", a backup of Uptime Kuma " + clean(version), tables: map[string][]row{}, settings: map[string]string{}}
	for _, m := range backup.MonitorList {
		s.add("monitor", m)
		s.attach(m)
	}
	for _, n := range backup.NotificationList {
		s.add("notification", n)
	}
	for _, p := range backup.ProxyList {
		s.add("proxy", p)
	}
	return s, nil
}

// jsonError says where JSON ends to be some, without a word of it.
func jsonError(b []byte, err error) string {
	if e, ok := errors.AsType[*json.SyntaxError](err); ok {
		at := b[:min(int(e.Offset), len(b))]
		return fmt.Sprintf("line %d of it is no JSON any more (is it cut off?)", 1+bytes.Count(at, []byte("\n")))
	}
	return "it is JSON of another shape"
}

// add adds an object as a row of a table.
func (s *source) add(table string, object map[string]any) {
	r := row{}
	for name, v := range object {
		switch v := v.(type) {
		case map[string]any, []any:
			b, err := json.Marshal(v)
			if err == nil {
				r[snake(name)] = string(b)
			}
		default:
			r[snake(name)] = v
		}
	}
	if codes, ok := r["accepted_statuscodes"]; ok {
		r["accepted_statuscodes_json"] = codes
	}
	s.tables[table] = append(s.tables[table], r)
}

// snake makes retry_interval of retryInterval.
func snake(name string) string {
	var b strings.Builder
	for i, r := range name {
		if unicode.IsUpper(r) && i > 0 {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// attach adds what stands within a monitor and has tables of its own.
func (s *source) attach(m map[string]any) {
	id := m["id"]
	told, _ := m["notificationIDList"].(map[string]any)
	for _, n := range slices.Sorted(maps.Keys(told)) {
		if on, ok := told[n].(bool); !ok || on {
			s.tables["monitor_notification"] = append(s.tables["monitor_notification"], row{"monitor_id": id, "notification_id": n})
		}
	}
	tags, _ := m["tags"].([]any)
	for _, t := range tags {
		tag, ok := t.(map[string]any)
		if !ok {
			continue
		}
		r := row(tag)
		if !slices.ContainsFunc(s.tables["tag"], func(old row) bool { return old.key("id") == r.key("tag_id") }) {
			s.tables["tag"] = append(s.tables["tag"], row{"id": r.key("tag_id"), "name": r.text("name")})
		}
		s.tables["monitor_tag"] = append(s.tables["monitor_tag"], row{"monitor_id": id, "tag_id": r.key("tag_id"), "value": r.text("value")})
	}
}

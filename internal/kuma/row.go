package kuma

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// row is a row of a table of Uptime Kuma, by column. A column that the version
// at hand does not have is absent. Values are what SQLite or JSON gave: nil,
// bool, int64, float64, string.
type row map[string]any

// has says whether a column is there, NULL or not.
func (r row) has(column string) bool { _, ok := r[column]; return ok }

// text returns a column as text, "" for NULL.
func (r row) text(column string) string {
	switch v := r[column].(type) {
	case nil:
		return ""
	case string:
		return v
	case []byte:
		return string(v)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	default:
		return fmt.Sprint(v)
	}
}

// number returns a column as a number; false for NULL and what is none.
func (r row) number(column string) (float64, bool) {
	switch v := r[column].(type) {
	case int64:
		return float64(v), true
	case float64:
		return v, true
	case bool:
		if v {
			return 1, true
		}
		return 0, true
	}
	n, err := strconv.ParseFloat(strings.TrimSpace(r.text(column)), 64)
	return n, err == nil
}

// integer is number without fraction, 0 for none.
func (r row) integer(column string) int {
	n, _ := r.number(column)
	if n > 1<<31 || n < -1<<31 || n != n {
		return 0
	}
	return int(n)
}

// key returns a column that names another row, "" for none.
func (r row) key(column string) string {
	if n, ok := r.number(column); ok && n != 0 {
		return strconv.FormatFloat(n, 'f', -1, 64)
	}
	return ""
}

// flag returns a column as yes or no; otherwise is for NULL and absent ones.
func (r row) flag(column string, otherwise bool) bool {
	if n, ok := r.number(column); ok {
		return n != 0
	}
	switch strings.ToLower(strings.TrimSpace(r.text(column))) {
	case "":
		return otherwise
	case "false", "no", "off", "f", "n", "null":
		return false
	}
	return true
}

// list returns a column that holds a JSON list, as texts; ok is false where it
// holds something else. NULL is none.
func (r row) list(column string) (all []string, ok bool) {
	s := strings.TrimSpace(r.text(column))
	if s == "" || s == "null" {
		return nil, true
	}
	var raw []any
	if json.Unmarshal([]byte(s), &raw) != nil {
		return nil, false
	}
	for _, v := range raw {
		all = append(all, row{"v": v}.text("v"))
	}
	return all, true
}

// object returns a column that holds a JSON object, in the order of its keys.
func (r row) object(column string) (pairs []pair, ok bool) {
	s := strings.TrimSpace(r.text(column))
	if s == "" || s == "null" {
		return nil, true
	}
	return parsePairs(s)
}

// pair is a member of a JSON object with its value as text.
type pair struct{ name, value string }

// parsePairs reads a JSON object without losing the order. A member that is null
// is left out, one that is a list becomes its elements with commas between.
func parsePairs(s string) ([]pair, bool) {
	d := json.NewDecoder(strings.NewReader(s))
	d.UseNumber()
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, false
	}
	var all []pair
	for d.More() {
		name, err := d.Token()
		var v any
		if err != nil || d.Decode(&v) != nil {
			return nil, false
		}
		text, ok := asText(v)
		if ok {
			all = append(all, pair{fmt.Sprint(name), text})
		}
	}
	_, err := d.Token()
	return all, err == nil
}

func asText(v any) (string, bool) {
	switch v := v.(type) {
	case nil:
		return "", false
	case []any:
		parts := make([]string, 0, len(v))
		for _, x := range v {
			if s, ok := asText(x); ok {
				parts = append(parts, s)
			}
		}
		return strings.Join(parts, ", "), true
	case map[string]any:
		b, err := json.Marshal(v)
		return string(b), err == nil
	default:
		return fmt.Sprint(v), true
	}
}

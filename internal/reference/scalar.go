package reference

import (
	"encoding/json"
	"reflect"
	"strconv"
	"time"

	"github.com/invopop/jsonschema"

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/secret"
)

// What a scalar may be in place of itself: text that a variable or a secret file
// has its part in, see secret.Parse.
const reference = `\$\{`

const (
	days            = `[0-9]+(\.[0-9]*)?d`
	clock           = `([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h)`
	durationPattern = `^(0|` + days + `|(` + days + `)?(` + clock + `)+)$`
	sizePattern     = `^[0-9]+ *(B|kB|KB|KiB|MB|MiB|GB|GiB)?$`
)

// scalar returns the schema of a Go type that one scalar of YAML is decoded
// into, nil for another type. It is jsonschema's Mapper, and every call returns a
// schema of its own, for the caller changes it.
func scalar(t reflect.Type) *jsonschema.Schema {
	switch {
	case t == reflect.TypeFor[time.Duration]():
		s := typed("duration", "string", "integer")
		s.Minimum, s.Maximum = "0", "0" // 0 alone needs no unit
		return hinted(s, durationPattern, "a duration such as 30s, 5m, 1h30m or 7d is wanted; 0 alone needs no unit")
	case t == reflect.TypeFor[secret.Text]():
		return typed("secret", "string", "number", "boolean")
	}
	switch t.Kind() {
	case reflect.String:
		return typed("text", "string", "number", "boolean")
	case reflect.Bool:
		return hinted(typed("true or false", "boolean", "string"), "", "true or false is wanted, without quotes, or a reference such as ${NAME}")
	case reflect.Int, reflect.Int64:
		return hinted(typed("number", "integer", "string"), "", "a whole number is wanted, without quotes, or a reference such as ${NAME}")
	}
	return nil
}

// typed returns a schema of several types, which the library has no field for.
func typed(title string, types ...string) *jsonschema.Schema {
	return &jsonschema.Schema{Title: title, Extras: map[string]any{"type": types}}
}

// hinted has texts match the pattern, or be a reference. The message is for the
// language server of VS Code and others; the standard has no place for it.
func hinted(s *jsonschema.Schema, pattern, message string) *jsonschema.Schema {
	s.Pattern = reference
	if pattern != "" {
		s.Pattern = pattern + "|" + reference
	}
	s.Extras["patternErrorMessage"] = message
	return s
}

// limit narrows a scalar to what its key takes.
func (m *maker) limit(s *jsonschema.Schema, t reflect.Type, k check.Key, name string) {
	switch {
	case t.Kind() == reflect.Int64 && m.d.IsSize(name):
		s.Title = "size"
		hinted(s, sizePattern, "a size such as 512KiB or 1MiB is wanted, or a number of bytes")
	case t.Kind() == reflect.String && m.d.IsFile(name):
		s.Title = "file"
	}
	if k.Path != "" && t != reflect.TypeFor[time.Duration]() {
		narrow(s, t, k)
	}
}

// narrow holds a scalar to the limits, values or form of its key.
func narrow(s *jsonschema.Schema, t reflect.Type, k check.Key) {
	if t.Kind() == reflect.Int || t.Kind() == reflect.Int64 || k.Max > 0 {
		bound(s, k)
	}
	switch one := uint64(1); {
	case len(k.Enum) > 0:
		enumerate(s, k)
	case k.Pattern != "":
		s.Pattern = k.Pattern + "|" + reference
	case k.Required:
		s.MinLength = &one
	}
}

func bound(s *jsonschema.Schema, k check.Key) {
	s.Minimum = json.Number(strconv.FormatInt(k.Min, 10))
	if k.Max > 0 {
		s.Maximum = json.Number(strconv.FormatInt(k.Max, 10))
	}
}

// enumerate makes a choice of a text. The values stand in one enum, for editors
// to offer.
func enumerate(s *jsonschema.Schema, k check.Key) {
	values, numbers := &jsonschema.Schema{}, &jsonschema.Schema{Type: "number"}
	for _, v := range k.Enum {
		values.Enum = append(values.Enum, v)
		if _, err := strconv.ParseFloat(v, 64); err == nil { // YAML without quotes
			numbers.Enum = append(numbers.Enum, json.Number(v))
		}
	}
	delete(s.Extras, "type")
	s.Title = "choice"
	s.AnyOf = []*jsonschema.Schema{values}
	if len(numbers.Enum) > 0 {
		s.AnyOf = append(s.AnyOf, numbers)
	}
	s.AnyOf = append(s.AnyOf, &jsonschema.Schema{Type: "string", Pattern: reference})
}

// orList makes a list of an element, one of which may stand for a list of one.
func orList(e *jsonschema.Schema) *jsonschema.Schema {
	list := *e
	item := *e
	item.Title, item.Description = "", ""
	list.Title = "list"
	if e.AnyOf != nil {
		list.AnyOf = append([]*jsonschema.Schema{{Type: "array", Items: &item}}, e.AnyOf...)
		return &list
	}
	types, _ := e.Extras["type"].([]string)
	list.Items = &item
	list.Extras = map[string]any{"type": append([]string{"array"}, types...)}
	return &list
}

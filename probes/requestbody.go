package probes

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/secret"
)

// The values of body_type.
const (
	bodyJSON = "json"
	bodyForm = "form"
	bodyXML  = "xml"
	bodyText = "text"
)

func bodyTypes() []string { return []string{bodyJSON, bodyForm, bodyXML, bodyText} }

// body is what a request sends: a text as it is, or the fields of a form.
type body struct {
	text secret.Text
	kind string // "": it is not said
	form map[string]secret.Text
}

func newBody(o HTTPOptions) body {
	if len(o.Form) > 0 {
		return body{kind: bodyForm, form: o.Form}
	}
	return body{text: o.Body, kind: o.BodyType}
}

func (b body) isZero() bool { return b.text.IsZero() && b.form == nil }

// contentType is the Content-Type of the body, "" for none.
func (b body) contentType() string {
	if b.isZero() {
		return ""
	}
	return map[string]string{
		bodyJSON: "application/json", bodyForm: "application/x-www-form-urlencoded",
		bodyXML: "application/xml", bodyText: "text/plain; charset=utf-8",
	}[b.kind]
}

// reveal returns the bytes to send. A form is written as browsers do (RFC 1866,
// section 8.2.1), by name.
func (b body) reveal() (string, error) {
	if b.form == nil {
		return b.text.Reveal()
	}
	values := make(url.Values, len(b.form))
	for name, t := range b.form {
		v, err := t.Reveal()
		if err != nil {
			return "", fmt.Errorf("field %q: %w", name, err)
		}
		values.Set(name, v)
	}
	return values.Encode(), nil
}

// secrets are what of the body may be one: what is not written in the
// configuration itself, and fields whose name says so.
func (b body) secrets() []string {
	var all []string
	if !b.text.IsLiteral() {
		all = reveal(b.text)
	}
	for name, t := range b.form {
		if !t.IsLiteral() || sensitive(name) {
			all = append(all, reveal(t)...)
		}
	}
	return all
}

// checkBody says what is wrong with the body of a request.
func checkBody(o HTTPOptions) []check.Problem {
	var ps []check.Problem
	bad := func(path, format string, args ...any) {
		ps = append(ps, check.Problem{Path: path, Message: fmt.Sprintf(format, args...)})
	}
	known := o.BodyType == "" || slices.Contains(bodyTypes(), o.BodyType)
	switch {
	case len(o.Form) > 0 && !o.Body.IsZero():
		bad("form", "body and form exclude each other")
	case len(o.Form) > 0 && o.BodyType != "":
		bad("body_type", "a form says itself what it is: leave body_type out")
	case !known:
		bad("body_type", "%q is none of %s", o.BodyType, strings.Join(bodyTypes(), ", "))
	case o.BodyType != "" && o.Body.IsZero():
		bad("body_type", "there is no body that it could be the type of")
	case o.BodyType == bodyJSON && o.Body.IsLiteral():
		if err := validJSON(o.Body); err != nil {
			bad("body", "body_type says json, and it is not: %s", err)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(o.Form)) {
		if name == "" {
			bad("form", "a field has no name")
		}
	}
	if o.Method == http.MethodTrace && !newBody(o).isZero() {
		bad("method", "TRACE sends no body (RFC 9110, section 9.3.8)")
	}
	return ps
}

// validJSON says where a text stops being JSON, without quoting it.
func validJSON(t secret.Text) error {
	s, err := t.Reveal()
	if err != nil {
		return err
	}
	var v json.RawMessage
	if err = json.Unmarshal([]byte(s), &v); err == nil {
		return nil
	}
	if e, ok := errors.AsType[*json.SyntaxError](err); ok {
		before := s[:min(int(max(e.Offset-1, 0)), len(s))]
		line := 1 + strings.Count(before, "\n")
		return fmt.Errorf("line %d, character %d of it", line, 1+len([]rune(before[strings.LastIndex(before, "\n")+1:])))
	}
	return errors.New("it cannot be read")
}

package probes

import (
	"encoding/json"
	"errors"
	"fmt"
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
	if path, err := checkBodyType(o); err != nil {
		ps = append(ps, check.Problem{Path: path, Message: err.Error()})
	}
	if _, nameless := o.Form[""]; nameless {
		ps = append(ps, check.Problem{Path: "form", Message: "a field has no name"})
	}
	if o.Method == http.MethodTrace && !newBody(o).isZero() {
		ps = append(ps, check.Problem{Path: "method", Message: "TRACE sends no body (RFC 9110, section 9.3.8)"})
	}
	return ps
}

// checkBodyType checks body, form and body_type against each other.
func checkBodyType(o HTTPOptions) (path string, err error) {
	form := len(o.Form) > 0
	switch {
	case form && !o.Body.IsZero():
		return "form", errors.New("body and form exclude each other")
	case form && o.BodyType != "":
		return "body_type", errors.New("a form says itself what it is: leave body_type out")
	case o.BodyType == "":
		return "", nil
	case !slices.Contains(bodyTypes(), o.BodyType):
		return "body_type", fmt.Errorf("%q is none of %s", o.BodyType, strings.Join(bodyTypes(), ", "))
	case o.Body.IsZero():
		return "body_type", errors.New("there is no body that it could be the type of")
	case o.BodyType == bodyJSON && o.Body.IsLiteral():
		if err := validJSON(o.Body); err != nil {
			return "body", fmt.Errorf("body_type says json, and it is not: %w", err)
		}
	}
	return "", nil
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

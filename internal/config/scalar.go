package config

import (
	"errors"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/watchword/watchword/internal/secret"
)

// hook is mapstructure's: it turns each leaf into the value of the field that
// it is meant for. It parses every scalar exactly once per field, so that
// nothing that was put in is expanded again, and never fails: what is wrong is
// reported with its place and leaves the field as it was.
func (l *loader) hook(from, to reflect.Value) (any, error) {
	if from.Kind() == reflect.Interface {
		from = from.Elem()
	}
	switch v := from.Interface().(type) {
	case ref:
		return l.convert(l.leaves[v], to), nil
	case []any:
		if to.Type() == reflect.TypeFor[[]string]() {
			return l.texts(v, to), nil
		}
	}
	return from.Interface(), nil
}

// convert returns the value of a leaf for a field, and the field's own where
// the leaf has none.
func (l *loader) convert(f leaf, to reflect.Value) any {
	if to.Type() == reflect.TypeFor[secret.Text]() {
		return l.text(f)
	}
	s, state := l.reveal(f)
	if state == absent {
		return l.stand(f, to, s)
	}
	v, err := parseAs(f, to.Type(), s, state)
	if err != nil {
		l.complain(f.pos, l.label(f.spot)+err.Error())
		l.spoil(f.pos)
		return to.Interface()
	}
	return v
}

// origin says where the text of a scalar comes from.
type origin int

const (
	written  origin = iota // from the file itself
	inserted               // a reference had its part in it
	absent                 // it names what is not there
)

// reveal expands the references of a scalar.
func (l *loader) reveal(f leaf) (string, origin) {
	if !strings.Contains(f.value.Value, "${") {
		return f.value.Value, written
	}
	t, err := secret.Parse(f.value.Value, f.src.dir)
	if err != nil {
		l.malformed(f)
		return "", absent
	}
	s, err := t.Reveal()
	if err != nil {
		l.missing(f, err)
		return placeholder(f.value.Value), absent
	}
	if t.IsZero() || t.IsLiteral() {
		return s, written
	}
	l.remember(s)
	return s, inserted
}

func (l *loader) malformed(f leaf) {
	l.complain(f.pos, l.label(f.spot)+`a "${" here is neither ${NAME}, ${NAME:-default} nor ${file:/path}; write $${ for a literal ${`)
	l.spoil(f.pos)
}

func (l *loader) missing(f leaf, err error) {
	msg := l.label(f.spot) + unread(err)
	if l.options.AllowMissingSecrets {
		l.warn(f.pos, msg)
	} else {
		l.complain(f.pos, msg)
	}
	l.spoil(f.pos)
}

// text keeps a scalar as what it says of where its value is, having seen that
// the value can be read now.
func (l *loader) text(f leaf) secret.Text {
	t, err := secret.Parse(f.value.Value, f.src.dir)
	if err != nil {
		l.malformed(f)
		return secret.Text{}
	}
	s, err := t.Reveal()
	if err != nil {
		l.missing(f, err)
		return t
	}
	l.remember(s)
	if t.IsLiteral() && f.src.shared && (keepsSecret(f.spot) || f.key == "proxy_url" && strings.Contains(s, "@")) {
		l.warn(f.pos, f.path+" stands in plain text in a file that others can read: use ${NAME} or ${file:/path}, or chmod 600")
	}
	return t
}

// keepsSecret tells the fields that hold a secret from those that may hold one.
func keepsSecret(at spot) bool {
	if at.parent == "headers" {
		return slices.Contains([]string{"authorization", "proxy-authorization", "cookie"}, strings.ToLower(at.key))
	}
	return slices.Contains([]string{"client_secret", "password", "token", "value", "bot_token", "bearer_token", "webhook_url", "secret"}, at.key)
}

func (l *loader) texts(list []any, to reflect.Value) []string {
	out := make([]string, 0, len(list))
	for _, v := range list {
		r, ok := v.(ref)
		if !ok {
			continue
		}
		s, state := l.reveal(l.leaves[r])
		if state == absent && to.Len() > 0 {
			return to.Interface().([]string)
		}
		if state == absent {
			s = standIn(l.leaves[r].spot, s)
		}
		if state != absent || s != "" {
			out = append(out, s)
		}
	}
	return out
}

// stand returns what stands in for a value that is not there, so that the rest
// of the configuration can be checked: the default where there is one, else
// something that nobody takes for real.
func (l *loader) stand(f leaf, to reflect.Value, fake string) any {
	if to.Kind() != reflect.String || !to.IsZero() || fake == "" {
		return to.Interface()
	}
	if !f.named && (f.key == "url" || f.key == "issuer" || strings.HasSuffix(f.key, "_url")) {
		if isAbsolute(fake) {
			return fake
		}
		return "https://" + slug(fake) + ".invalid/"
	}
	return standIn(f.spot, fake)
}

// standIn returns something of the form that a text has to have.
func standIn(at spot, fake string) string {
	switch {
	case at.parent == "resolve":
		return "192.0.2.1" // RFC 5737
	case at.named, at.key == "private_key_file", at.key == "assertion_file": // needed, and read only where they are used
		return fake
	case at.key == "credential" || strings.HasSuffix(at.key, "_file"),
		slices.Contains([]string{"method", "mention", "thread_id", "events", "role", "algorithm", "thumbprint", "body_type", "no_proxy"}, at.key): // of a few forms, or none
		return ""
	case at.parent == "expect" && at.key == "json":
		return "true"
	case at.key == "http_version", at.key == "tls_version":
		return ""
	case at.key == "cron":
		return "0 0 1 1 *"
	case at.key == "id":
		return slug(fake)
	case at.key == "chat_id":
		return "0"
	}
	return fake
}

// placeholder writes the names of references into a text in place of values.
func placeholder(s string) string {
	var b strings.Builder
	for {
		before, after, ok := strings.Cut(s, "${")
		b.WriteString(before)
		if !ok {
			return b.String()
		}
		name, rest, _ := strings.Cut(after, "}")
		if path, ok := strings.CutPrefix(name, "file:"); ok {
			name = filepath.Base(path)
		}
		name, _, _ = strings.Cut(name, ":-")
		b.WriteString("unset-" + name)
		s = rest
	}
}

// parseAs reads s for a field of type t. What a reference put in is not quoted.
func parseAs(f leaf, t reflect.Type, s string, from origin) (any, error) {
	v, err := parseKind(f, t, s, from)
	if err != nil && from == inserted {
		return nil, errors.New("what ${…} puts in is not " + wanted(t))
	}
	return v, err
}

func parseKind(f leaf, t reflect.Type, s string, from origin) (any, error) {
	switch {
	case t == reflect.TypeFor[time.Duration]():
		return parseDuration(s)
	case t.Kind() == reflect.Bool:
		return parseBool(f, s, from)
	case isSize(f.key) && !f.named:
		return parseSize(s)
	case t.Kind() == reflect.Int || t.Kind() == reflect.Int64:
		return parseInt(f, t, s, from)
	case isFile(f.key) && !f.named && s != "" && !filepath.IsAbs(s):
		return filepath.Abs(filepath.Join(f.src.dir, s))
	default:
		return s, nil
	}
}

// isSize says whether the number of a key is one of bytes, which may have a unit.
func isSize(key string) bool { return key == "max_body" }

// isFile says whether the text of a key is the path of a file.
func isFile(key string) bool { return strings.HasSuffix(key, "_file") }

func parseBool(f leaf, s string, from origin) (any, error) {
	if from == written && f.value.ShortTag() != "!!bool" {
		return nil, errors.New("true or false is wanted, not " + kind(f.value))
	}
	switch strings.ToLower(s) {
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	return nil, errors.New("true or false is wanted")
}

func parseInt(f leaf, t reflect.Type, s string, from origin) (any, error) {
	if from == written && f.value.ShortTag() != "!!int" {
		if f.value.ShortTag() == "!!float" {
			return nil, errors.New("a whole number is wanted")
		}
		return nil, errors.New("a number is wanted, not " + kind(f.value))
	}
	n, err := strconv.ParseInt(s, 10, t.Bits())
	if err != nil {
		return nil, errors.New("a whole decimal number is wanted, and not too large a one")
	}
	return reflect.ValueOf(n).Convert(t).Interface(), nil
}

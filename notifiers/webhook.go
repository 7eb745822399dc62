package notifiers

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"text/template"
	"time"

	"github.com/watchword/watchword/internal/check"
)

const (
	signatureHeader = "X-Watchword-Signature"
	templateBytes   = 1 << 20 // of what a template may write
)

// WebhookData is what a webhook's `body` template is executed over, and, of its
// fields with a json name, the default body.
type WebhookData struct {
	Event    string           `json:"event"` // down, up, reminder, exposed, certificate, closed
	Title    string           `json:"title"` // "[Down] Application"
	Text     string           `json:"text"`  // the body of the message, several lines
	Incident string           `json:"incident"`
	Class    string           `json:"class"`
	Reason   string           `json:"reason"`
	Hint     string           `json:"hint"`
	Since    string           `json:"since"` // RFC 3339, when the outage began; "" when there is none
	Monitors []WebhookMonitor `json:"monitors"`
	Link     string           `json:"link"`

	Notifier  string           `json:"-"` // name in the configuration
	Severity  string           `json:"-"` // critical, warning, info
	Message   string           `json:"-"` // what was seen
	Where     string           `json:"-"` // "at the identity provider"
	CauseKind string           `json:"-"` // provider, credential, gate, address, agent, monitor, certificate
	CauseKey  string           `json:"-"`
	At        string           `json:"-"` // RFC 3339
	Ended     string           `json:"-"` // RFC 3339, "" while it lasts
	Failing   []WebhookMonitor `json:"-"` // of an up: who still fails
	Held      []WebhookMonitor `json:"-"` // of a down or reminder: who depends on them, fails too and is not announced
	Joined    bool             `json:"-"` // of a down: the incident was announced before
}

// WebhookMonitor is one affected monitor.
type WebhookMonitor struct {
	ID   string `json:"id"`
	Name string `json:"name"`

	// Paused says of an up or closed that it did not recover: nobody looks any more.
	Paused bool `json:"paused,omitempty"`
}

// webhook is any HTTP endpoint.
type webhook struct {
	name string
	o    Options
	body *template.Template // nil: the default body
}

func newWebhook(name string, o Options) (*webhook, error) {
	w := &webhook{name: name, o: o}
	if o.Body == "" {
		return w, nil
	}
	t, err := parseBody(o.Body)
	if err != nil {
		return nil, err
	}
	w.body = t
	return w, nil
}

// parseBody parses a template and tries it on a sample of each kind.
func parseBody(body string) (*template.Template, error) {
	t, err := template.New("body").Option("missingkey=error").Funcs(template.FuncMap{
		"json":  templateJSON,
		"upper": strings.ToUpper,
		"lower": strings.ToLower,
		"join":  func(sep string, ss []string) string { return strings.Join(ss, sep) },
	}).Parse(body)
	if err != nil {
		return nil, fmt.Errorf("parse the template: %w", err)
	}
	for _, k := range []check.Kind{
		check.KindDown, check.KindUp, check.KindReminder, check.KindExposed, check.KindCertificate, check.KindClosed,
	} {
		l := newLetter(Sample(k), time.UTC)
		if _, err := execute(t, webhookData("sample", &l)); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// templateJSON writes a value as JSON, for a place in a JSON text.
func templateJSON(v any) (string, error) {
	b, err := encode(v)
	return string(b), err
}

// limited takes no more than a message can be, so that a template that loops
// ends.
type limited struct{ bytes.Buffer }

func (l *limited) Write(p []byte) (int, error) {
	if l.Len()+len(p) > templateBytes {
		return 0, errors.New("it writes more than 1 MiB")
	}
	return l.Buffer.Write(p)
}

func execute(t *template.Template, data WebhookData) ([]byte, error) {
	var b limited
	if err := t.Execute(&b, data); err != nil {
		return nil, fmt.Errorf("execute the template: %w", err)
	}
	return b.Bytes(), nil
}

func webhookData(notifier string, l *letter) WebhookData {
	d := WebhookData{
		Event: string(l.delivery.Kind), Title: plain().join(l.title), Text: l.text(),
		Monitors: []WebhookMonitor{}, Link: l.firstLink(), Notifier: notifier, At: stamp(l.delivery.At),
	}
	if len(l.delivery.Events) == 0 {
		return d
	}
	e := &l.delivery.Events[0]
	d.Incident, d.Class, d.Reason = e.Incident, string(e.Fault.Class), string(e.Fault.Reason)
	d.Hint, d.Message, d.Where = e.Fault.Hint, e.Fault.Message, where(e.Fault)
	d.Severity, d.CauseKind, d.CauseKey = string(e.Severity), string(e.Cause.Kind), e.Cause.Key
	d.Since, d.Ended, d.Joined = stamp(e.Since), stamp(e.Ended), e.Joined
	d.Monitors = append(d.Monitors, webhookMonitors(e.Members)...)
	d.Failing, d.Held = webhookMonitors(e.Failing), webhookMonitors(e.Held)
	return d
}

func webhookMonitors(ms []check.Member) []WebhookMonitor {
	var out []WebhookMonitor
	for _, m := range ms {
		out = append(out, WebhookMonitor{ID: m.ID, Name: m.Name, Paused: m.Paused})
	}
	return out
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.RFC3339)
}

func (w *webhook) request(l *letter) (*request, error) {
	url, err := reveal("url", w.o.URL)
	if err != nil {
		return nil, err
	}
	r := &request{method: w.o.Method, url: url, header: jsonHeader()}
	if r.method == "" {
		r.method = http.MethodPost
	}
	if r.body, err = w.write(webhookData(w.name, l)); err != nil {
		return nil, &check.DeliveryError{Message: oneLine(err.Error(), quoteRunes), Permanent: true, Err: err}
	}
	for name, text := range w.o.Headers {
		v, err := reveal("headers."+name, text)
		if err != nil {
			return nil, err
		}
		r.header.Set(name, v)
		r.secrets = append(append(r.secrets, v), strings.Fields(v)...) // an echo may leave "Bearer" away
	}
	return r, w.sign(r)
}

// sign adds the HMAC-SHA256 of the very bytes of the body.
// write returns the body. An alert is worth more than its form: where the
// template fails on what it is given, the default body goes out and says so.
func (w *webhook) write(data WebhookData) ([]byte, error) {
	if w.body == nil {
		return encode(data)
	}
	body, err := execute(w.body, data)
	if err == nil {
		return body, nil
	}
	data.Text += "\n\nThis is the default body: the template of this webhook failed. " + oneLine(err.Error(), quoteRunes)
	return encode(data)
}

func (w *webhook) sign(r *request) error {
	if w.o.Secret.IsZero() {
		return nil
	}
	key, err := reveal("secret", w.o.Secret)
	if err != nil {
		return err
	}
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write(r.body)
	r.header.Set(signatureHeader, "sha256="+hex.EncodeToString(mac.Sum(nil)))
	r.secrets = append(r.secrets, key)
	return nil
}

// judge takes any 2xx: what the endpoint answers is its own affair, except for
// a sign-in page, which was met instead of it.
func (w *webhook) judge(a *answer) *check.DeliveryError {
	if e := a.refused(webhookWords(a.body)); e != nil {
		return e
	}
	if a.isHTML() && hasPasswordField(a.body) {
		return a.page()
	}
	return nil
}

// webhookWords is the text of problem+json (RFC 9457) or the like, or the body.
func webhookWords(body []byte) string {
	var said struct {
		Detail, Title, Message string
		Error                  any
	}
	if json.Unmarshal(body, &said) == nil {
		word, _ := said.Error.(string)
		for _, s := range []string{said.Detail, said.Message, word, said.Title} {
			if s != "" {
				return s
			}
		}
	}
	return string(body)
}

// hasPasswordField looks for <input type=password>, however it is quoted.
func hasPasswordField(body []byte) bool {
	page := strings.NewReplacer(`"`, "", "'", "", " ", "").Replace(strings.ToLower(string(body)))
	return strings.Contains(page, "type=password")
}

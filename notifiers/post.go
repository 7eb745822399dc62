package notifiers

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/secret"
)

const (
	answerBytes = 64 << 10 // read of an answer
	quoteRunes  = 200      // of an answer in an error or receipt
	longestWait = 24 * time.Hour
	leastSecret = 6 // shorter parts of a URL would be found in ordinary words
)

// request is one message as it goes out.
type request struct {
	method  string
	url     string // a secret
	header  http.Header
	body    []byte
	secrets []string // further values that no text may repeat
}

// answer is what came back.
type answer struct {
	status  int
	header  http.Header
	body    []byte
	secrets []string
}

// post sends r once. No redirect is followed and no cookie kept: RoundTrip does
// neither.
func (c Common) post(ctx context.Context, r *request) (*answer, error) {
	req, err := c.prepare(ctx, r)
	if err != nil {
		return nil, err
	}
	hidden := hiddenParts(r)
	resp, err := c.transport().RoundTrip(req)
	if err != nil {
		return nil, failed(ctx, err, hidden)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, answerBytes))
	if err != nil && resp.StatusCode < 300 { // a refusal is one without its words, too
		return nil, failed(ctx, err, hidden)
	}
	return &answer{status: resp.StatusCode, header: resp.Header, body: body, secrets: hidden}, nil
}

func (c Common) prepare(ctx context.Context, r *request) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, r.method, r.url, bytes.NewReader(r.body))
	if err != nil || !isHTTP(r.url) { // the error would repeat the URL
		return nil, &check.DeliveryError{Message: "the configured URL is not an absolute http or https URL"}
	}
	req.Header = r.header
	if c.UserAgent != "" && req.Header.Get("User-Agent") == "" {
		req.Header.Set("User-Agent", c.UserAgent)
	}
	if h := req.Header.Get("Host"); h != "" {
		req.Host = h
	}
	if u := req.URL.User; u != nil && req.Header.Get("Authorization") == "" {
		password, _ := u.Password()
		req.SetBasicAuth(u.Username(), password)
	}
	return req, nil
}

func (c Common) transport() http.RoundTripper {
	if c.Client != nil && c.Client.Transport != nil {
		return c.Client.Transport
	}
	return http.DefaultTransport
}

// hiddenParts returns what a stranger's text may repeat of the request and must
// not: the URL whole and in parts, the longest first.
func hiddenParts(r *request) []string {
	parts := append([]string{r.url}, r.secrets...)
	if u, err := url.Parse(r.url); err == nil {
		parts = append(parts, u.RequestURI(), u.RawQuery, u.Fragment)
		parts = append(parts, strings.Split(u.EscapedPath(), "/")...)
		parts = append(parts, strings.Split(u.Path, "/")...)
		for _, vs := range u.Query() {
			parts = append(parts, vs...)
		}
		if p, ok := u.User.Password(); ok {
			parts = append(parts, p, u.User.Username()+":"+p) // Scrub looks for the base64 of it, too
		}
		parts = append(parts, u.User.Username()) // where some services put the token
	}
	parts = slices.DeleteFunc(parts, func(s string) bool { return len(s) < leastSecret || isWord(s) })
	slices.SortFunc(parts, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	return slices.Compact(parts)
}

// isWord says whether a part of a path is what every URL of a service has, so
// that there is nothing to hide.
func isWord(s string) bool {
	return slices.Contains([]string{
		"Bearer", "services", "sendMessage", "webhooks", "workflows", "triggers", "manual", "invoke",
		"powerautomate", "automations", "direct", "webhookb2", "IncomingWebhook", "webhook", "incoming", "notify",
	}, s)
}

// failed says why no answer came. Errors of net/http can hold the URL.
func failed(ctx context.Context, err error, hidden []string) *check.DeliveryError {
	if ue, ok := errors.AsType[*url.Error](err); ok {
		err = ue.Err
	}
	e := &check.DeliveryError{Err: err}
	ne, isNet := errors.AsType[net.Error](err)
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded), isNet && ne.Timeout():
		e.Message = "no answer within the timeout"
	case errors.Is(ctx.Err(), context.Canceled):
		e.Message = "sending was interrupted"
	default:
		e.Message = "no answer: " + oneLine(secret.Scrub(err.Error(), hidden...), quoteRunes)
	}
	return e
}

// quote returns a stranger's words fit to be shown.
func (a *answer) quote(s string) string {
	return oneLine(secret.Scrub(s, a.secrets...), quoteRunes)
}

// refused judges the status alone, alike for all services; nil is a 2xx. words
// is what the service said, in its own form.
func (a *answer) refused(words string) *check.DeliveryError {
	e := &check.DeliveryError{Status: a.status, Message: a.quote(words)}
	if e.Message == "" || a.isHTML() { // a proxy's page says no more than its status
		e.Message = strings.ToLower(cmp.Or(http.StatusText(a.status), "no text"))
	}
	switch s := a.status; {
	case s >= 200 && s < 300:
		return nil
	case s >= 300 && s < 400:
		e.Permanent = true
		e.Message = "a redirect is not a delivery: the URL leads elsewhere, perhaps to a sign-in page"
	case s == http.StatusTooManyRequests, s == http.StatusRequestTimeout, s == http.StatusTooEarly, s >= 500:
		e.RetryAfter = retryAfter(a.header, time.Now())
	default:
		e.Permanent = true
	}
	return e
}

// notDelivered is for an answer that looks well and is not the service's.
func (a *answer) notDelivered(what string) *check.DeliveryError {
	return &check.DeliveryError{Status: a.status, Permanent: true, Message: what}
}

// isHTML says whether the answer is a page, by its type or its first bytes.
func (a *answer) isHTML() bool {
	if strings.Contains(strings.ToLower(a.header.Get("Content-Type")), "html") {
		return true
	}
	start := strings.ToLower(string(bytes.TrimSpace(a.body[:min(len(a.body), 512)])))
	return strings.HasPrefix(start, "<!doctype html") || strings.HasPrefix(start, "<html")
}

func (a *answer) page() *check.DeliveryError {
	return a.notDelivered("a web page came back, not the service's answer: something stands before it, perhaps a sign-in page")
}

// retryAfter reads Retry-After: seconds, with a fraction where a service sends
// one, or a date (RFC 9110 section 10.2.3).
func retryAfter(h http.Header, now time.Time) time.Duration {
	v := strings.TrimSpace(h.Get("Retry-After"))
	if s, err := strconv.ParseFloat(v, 64); err == nil {
		return seconds(s)
	}
	if t, err := http.ParseTime(v); err == nil {
		return min(max(t.Sub(now), 0), longestWait)
	}
	return 0
}

// seconds turns a stranger's number into a wait between 0 and a day.
func seconds(s float64) time.Duration {
	if !(s > 0) { // NaN too
		return 0
	}
	return time.Duration(min(s, longestWait.Seconds()) * float64(time.Second))
}

// reveal reads a secret at use; the error says which variable or file, and
// that trying again can help.
func reveal(path string, t secret.Text) (string, error) {
	v, err := t.Reveal()
	if err != nil {
		return "", &check.DeliveryError{Message: fmt.Sprintf("%s cannot be read: %s", path, oneLine(err.Error(), quoteRunes)), Err: err}
	}
	v = strings.TrimSpace(v)
	if v == "" {
		return "", &check.DeliveryError{Message: path + " is empty"}
	}
	return v, nil
}

package exporters

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/watchword/watchword/internal/secret"
	"github.com/watchword/watchword/internal/transport"
)

const (
	kumaAnswerBytes = 16 << 10
	kumaQuoteRunes  = 120 // of what Kuma says
	longestWait     = 24 * time.Hour
)

// kumaError is why a state was not taken. Nothing of it holds the token.
type kumaError struct {
	permanent  bool // to try again soon cannot help
	retryAfter time.Duration
	text, hint string
}

// send makes one request: GET, which every version of Kuma takes.
func (s *kumaSlot) send(ctx context.Context, k kumaState) *kumaError {
	token, err := reveal(s.Token)
	if err != nil {
		return &kumaError{text: "the token cannot be read: " + secret.Line(err.Error(), kumaQuoteRunes)}
	}
	if token == "" {
		return &kumaError{text: "the token is empty"}
	}
	ctx, cancel := context.WithTimeout(ctx, s.Options.Timeout)
	defer cancel()
	ctx = transport.Bind(ctx)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, pushURL(s.Options.URL, token, k), nil)
	if err != nil { // the error would repeat the URL
		return &kumaError{permanent: true, text: "the configured URL is not an absolute http or https URL"}
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", s.o.UserAgent)
	if u := req.URL.User; u != nil {
		password, _ := u.Password()
		req.SetBasicAuth(u.Username(), password)
	}
	resp, err := s.RT.RoundTrip(req) // which follows no redirect and keeps no cookie
	if err != nil {
		return &kumaError{text: wireText(err, token)}
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, kumaAnswerBytes))
	if err != nil {
		return &kumaError{text: wireText(err, token)}
	}
	return judgeKuma(resp, body, token)
}

// pushURL returns the address of a push. Only its path and query are secret or
// told, so that it is built anew for each.
func pushURL(base, token string, k kumaState) string {
	return strings.TrimRight(base, "/") + "/api/push/" + url.PathEscape(token) + "?" + k.query()
}

func wireText(err error, token string) string {
	_, _, text := transport.Classify(err)
	return secret.Scrub(text, token)
}

// judgeKuma says what an answer means; nil: Kuma took the state.
//
// Kuma answers 404, or 500 in newer versions, to whatever goes wrong, its own
// database included, and says only in words which it was.
func judgeKuma(resp *http.Response, body []byte, token string) *kumaError {
	var said struct {
		OK  *bool  `json:"ok"`
		Msg string `json:"msg"`
	}
	isKuma := json.Unmarshal(body, &said) == nil && said.OK != nil
	words := secret.Line(secret.Scrub(said.Msg, token), kumaQuoteRunes)
	switch code := resp.StatusCode; {
	case code < 300 && isKuma && *said.OK:
		return nil
	case isKuma && strings.Contains(said.Msg, "not found or not active"):
		return &kumaError{permanent: true, text: fmt.Sprintf("answered %d: no active push monitor has this token", code),
			hint: "see whether the push monitor is paused or deleted in Kuma, and whether the token under exporters.kuma_push is the one in its push URL"}
	case isKuma:
		return &kumaError{retryAfter: retryAfter(resp.Header, time.Now()), text: fmt.Sprintf("answered %d: %s", code, words)}
	case code == http.StatusTooManyRequests, code == http.StatusRequestTimeout, code == http.StatusTooEarly, code >= 500:
		return &kumaError{retryAfter: retryAfter(resp.Header, time.Now()), text: fmt.Sprintf("answered %d: %s", code, strings.ToLower(http.StatusText(code)))}
	case code >= 300 && code < 400:
		return &kumaError{permanent: true, text: fmt.Sprintf("answered %d, a redirect", code),
			hint: "something stands before Kuma, perhaps a sign-in page or a redirect to https: let /api/push/ through, or set url to where it leads"}
	default:
		return &kumaError{permanent: true, text: fmt.Sprintf("answered %d, and not as Uptime Kuma does", code),
			hint: "see whether url is the address of Uptime Kuma, and whether a sign-in page stands before it: /api/push/ has to be let through"}
	}
}

// retryAfter reads Retry-After: seconds or a date (RFC 9110, section 10.2.3).
func retryAfter(h http.Header, now time.Time) time.Duration {
	v := strings.TrimSpace(h.Get("Retry-After"))
	if n, err := strconv.ParseFloat(v, 64); err == nil && n > 0 {
		return time.Duration(min(n, longestWait.Seconds()) * float64(time.Second))
	}
	if t, err := http.ParseTime(v); err == nil {
		return min(max(t.Sub(now), 0), longestWait)
	}
	return 0
}

package auth

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"math"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync/atomic"
	"time"

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/machine"
	"github.com/watchword/watchword/internal/secret"
	"github.com/watchword/watchword/internal/transport"
)

const answerLimit = 1 << 20 // bytes of a token endpoint's answer

// exchange is one request to a token endpoint. As the RoundTripper of that one
// request it keeps what x/oauth2 would lose, and hands on an answer in the one
// shape that x/oauth2 reads rightly.
type exchange struct {
	wire      http.RoundTripper
	route     transport.Route
	userAgent string
	secrets   []string
	timeout   time.Duration
	padded    bool
	ours      bool       // a client certificate is how we prove who asks
	basic     *[2]string // id and secret, to be sent without encoding them first
	clocks    *machine.Clocks

	connected atomic.Bool
	got       atomic.Bool            // a connection as far as the provider
	remote    atomic.Pointer[string] // address of the connection
	ahead     *time.Duration         // of the clock behind the answer, nil where it told nothing
	answer    answer
	finding   *finding
	sent      time.Time // when the request was
	to        string    // where
}

// RoundTrip sends the request and judges its answer.
func (x *exchange) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(transport.Bind(httptrace.WithClientTrace(req.Context(), x.trace())))
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", x.userAgent)
	req.GetBody = nil // no assertion is sent twice, not even by net/http
	if x.basic != nil {
		req.SetBasicAuth(x.basic[0], x.basic[1])
	}
	x.sent, x.to = time.Now(), req.URL.String()
	resp, err := x.wire.RoundTrip(req)
	if err != nil {
		err = x.route.Broke(req, err)
		x.finding = x.because(x.unanswered(req.Context(), err))
		return nil, err
	}
	defer resp.Body.Close()
	if err := x.route.Own(resp); err != nil {
		x.finding = x.because(x.unanswered(req.Context(), err))
		return nil, err
	}
	x.readClock(resp.Header, x.sent)
	body, err := io.ReadAll(io.LimitReader(resp.Body, answerLimit+1))
	if err != nil {
		x.finding = x.because(x.unanswered(req.Context(), err))
		return nil, err
	}
	r := reply{status: resp.StatusCode, header: resp.Header, body: body, secrets: x.secrets, now: time.Now(), ahead: x.ahead}
	a, f := judge(r)
	if f != nil {
		x.finding = x.because(f)
		return plainResponse(req, http.StatusBadRequest, []byte(`{"error":"judged"}`)), nil
	}
	x.answer = a
	return x.normalised(req)
}

// readClock takes from an answer what it tells of the time.
func (x *exchange) readClock(h http.Header, sent time.Time) {
	if remote := x.remote.Load(); remote != nil {
		x.clocks.Hear(*remote, h, sent)
	}
	if ahead, ok := machine.Offset(h, sent, time.Now()); ok {
		x.ahead = &ahead
	}
}

// normalised is the answer as RFC 6749, section 5.1, writes it.
func (x *exchange) normalised(req *http.Request) (*http.Response, error) {
	b, err := json.Marshal(map[string]any{
		"access_token": x.answer.token,
		"token_type":   "Bearer",
		"expires_in":   max(1, min(int64(x.answer.life/time.Second), math.MaxInt32)),
	})
	return plainResponse(req, http.StatusOK, b), err
}

func plainResponse(req *http.Request, status int, body []byte) *http.Response {
	return &http.Response{
		Status: http.StatusText(status), StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {"application/json"}}, Request: req,
		ContentLength: int64(len(body)), Body: io.NopCloser(bytes.NewReader(body)),
	}
}

func (x *exchange) trace() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		GotConn: func(i httptrace.GotConnInfo) {
			x.connected.Store(true)
			x.got.Store(true)
			if a := i.Conn.RemoteAddr(); a != nil {
				remote := a.String()
				x.remote.Store(&remote)
			}
		},
		ConnectDone: func(_, _ string, err error) {
			if err == nil {
				x.connected.Store(true)
			}
		},
	}
}

// because adds what all findings of this request share.
func (x *exchange) because(f *finding) *finding {
	f.tried, f.padded = true, x.padded
	switch f.reason {
	case check.TokenRateLimited, check.TokenServerError, check.TokenUnreachable, check.TokenTimeout:
		f.shared = !f.ours
	}
	return f
}

// certificateFailed tells apart who did not like whose certificate, of a client
// that proves itself by one.
func certificateFailed(f *finding, text string) *finding {
	own, ok := errors.AsType[*transport.FileError](f.err)
	switch {
	case ok:
		return &finding{reason: check.SecretUnavailable, message: secret.Line(own.Error(), quoted), err: f.err,
			todo: "look at cert_file and key_file under tls: both have to be there, in PEM, and belong together; they are read again when they change"}
	case isAboutUs(text):
		f.reason, f.text, f.code = check.ClientRejected, "refused the client certificate: "+text, codeCertificate
	default:
		f.tls = true
	}
	return f
}

// isAboutUs says whether the text of a failed handshake is about the certificate
// of the client: an alert of the server's (RFC 8446, section 6.2), or its hanging
// up when it should have come.
func isAboutUs(text string) bool {
	for _, words := range []string{"certificate required", "bad certificate", "unknown certificate", "expired certificate",
		"revoked certificate", "unsupported certificate", "access denied", "client certificate"} {
		if strings.Contains(text, words) {
			return true
		}
	}
	return false
}

// unanswered is the finding of a request that got no answer. Where this machine
// was too busy to ask in time, the provider is not to blame.
func (x *exchange) unanswered(ctx context.Context, err error) *finding {
	if ctx.Err() != nil {
		if why := machine.Starved(ctx, x.sent); why != "" {
			return &finding{reason: check.Internal, message: "the token request got no answer in time: " + why, todo: machine.LessBusy, err: err}
		}
	}
	return x.failed(ctx, err)
}

// failed says what it means that no answer came. A deadline that passed before
// there was a connection is no slow answer.
func (x *exchange) failed(ctx context.Context, err error) *finding {
	if f := x.atProxy(ctx, err); f != nil {
		return f
	}
	class, reason, text := transport.Classify(err)
	if ctx.Err() != nil { // the consequence may have been faster than the cause
		class, reason, text = transport.Classify(ctx.Err())
	}
	f := &finding{reason: check.TokenUnreachable, text: "could not be reached: " + text, err: err}
	if x.ours && class == check.TLS {
		return certificateFailed(f, text)
	}
	switch {
	case class == check.Agent:
		f.reason, f.text, f.message = check.Internal, "", "the token request could not be made: "+text
	case reason == check.Timeout && x.connected.Load():
		f.reason, f.text = check.TokenTimeout, "did not answer within "+x.timeout.String()+byWay(x.route, x.to)
	case reason == check.Timeout:
		f.text = "could not be reached: no connection within " + x.timeout.String()
	case class == check.TLS:
		f.tls = true
	case reason == check.Protocol:
		f.reason, f.text = check.TokenMalformed, "did not answer in HTTP: "+text
	}
	return f
}

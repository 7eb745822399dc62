package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"syscall"

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/secret"
)

const quoted = 200 // characters quoted from anybody's text

// verdict is what an error of the wire means.
type verdict struct {
	class  check.Class
	reason check.Reason
	text   string
}

// Classify says what an error of a dial, a handshake, a request or the reading
// of its answer means: class, reason, and one line of text without URL, secret
// or anything that the other side sent. All is network, tls or target/protocol
// but for what is wrong with ourselves, which is agent/internal: no file
// descriptor left, a run that was cancelled. Of nil all three are empty.
func Classify(err error) (check.Class, check.Reason, string) {
	if err == nil {
		return "", "", ""
	}
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err // its text is the URL, with the query
	}
	for _, judge := range []func(error) *verdict{
		ofProxy, ofVersion, ofCertificate, ofName, ofOurselves, ofClientCertificate, ofTLS, ofTime, ofConnecting, ofReset,
	} {
		if v := judge(err); v != nil {
			return v.class, v.reason, secret.Line(v.text, quoted)
		}
	}
	return check.Target, check.Protocol, protocolText(err)
}

func ofOurselves(err error) *verdict {
	for _, e := range []syscall.Errno{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM} {
		if errors.Is(err, e) {
			return &verdict{check.Agent, check.Internal, "this machine could not open a connection: " + e.Error()}
		}
	}
	if errors.Is(err, context.Canceled) {
		return &verdict{check.Agent, check.Internal, "the run was cancelled"}
	}
	return nil
}

// ofProxy judges what happened on the way to the proxy and at it: whatever it was,
// nothing is known of the target. Our own troubles are our own there, too.
func ofProxy(err error) *verdict {
	e, ok := errors.AsType[*ProxyError](err)
	if !ok {
		return nil
	}
	if v := ofOurselves(e); v != nil {
		return v
	}
	return &verdict{check.Network, check.Proxy, e.Error()}
}

// ofVersion judges a server that speaks none of the versions of HTTP that it was
// offered. One that knows ALPN says so by an alert (RFC 7301, section 3.2).
func ofVersion(err error) *verdict {
	if text, ok := isNotOffered(err); ok {
		return &verdict{check.Target, check.Protocol, text}
	}
	if e, ok := errors.AsType[*net.OpError](err); ok && e.Op == "remote error" && strings.HasSuffix(e.Error(), "no application protocol") {
		return &verdict{check.Target, check.Protocol, "the server takes none of the versions of HTTP that it was offered"}
	}
	return nil
}

func ofClientCertificate(err error) *verdict {
	_, ok := errors.AsType[*notTaken](err)
	if !ok || !errors.Is(err, syscall.EPIPE) && !errors.Is(err, syscall.ECONNRESET) {
		return nil
	}
	return &verdict{check.TLS, check.Handshake, "the server asked for a client certificate and closed the connection"}
}

func ofTLS(err error) *verdict {
	if e, ok := errors.AsType[*FileError](err); ok {
		return &verdict{check.TLS, check.Handshake, "our side of the handshake: " + e.Error()}
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok || errors.Is(err, http.ErrSchemeMismatch) {
		return &verdict{check.TLS, check.Handshake, "the port does not speak TLS (first record does not look like a TLS handshake)"}
	}
	if e, ok := errors.AsType[*net.OpError](err); ok && (e.Op == "remote error" || e.Op == "local error") {
		by := "the server ended the handshake: "
		if e.Op == "local error" {
			by = "we ended the handshake: "
		}
		return &verdict{check.TLS, check.Handshake, by + plainTLS(e.Err)}
	}
	if strings.Contains(err.Error(), "http2: client conn could not be established") {
		return &verdict{check.TLS, check.Handshake, // net/http drops the alert, if there was one
			"the server closed the connection right after the handshake, as it does when it asks for a client certificate"}
	}
	if i := strings.Index(err.Error(), "tls: "); i >= 0 && !strings.Contains(err.Error()[:i], `"`) {
		return &verdict{check.TLS, check.Handshake, plainTLS(err)}
	}
	return nil
}

// plainTLS returns the text of an error of crypto/tls or crypto/x509 without
// the names of those packages.
func plainTLS(err error) string {
	s := err.Error()
	for _, p := range []string{"tls: ", "x509: "} {
		s = strings.ReplaceAll(s, p, "")
	}
	return s
}

func ofTime(err error) *verdict {
	e, ok := errors.AsType[net.Error](err)
	if !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, os.ErrDeadlineExceeded) && (!ok || !e.Timeout()) {
		return nil
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		return &verdict{check.Network, check.Timeout, "connecting to " + address(op) + " timed out"}
	}
	return &verdict{check.Network, check.Timeout, "no answer in time"}
}

func ofConnecting(err error) *verdict {
	op, ok := errors.AsType[*net.OpError](err)
	if !ok || op.Op != "dial" {
		return nil
	}
	text := "connecting to " + address(op) + " failed"
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		text = "connecting to " + address(op) + ": " + errno.Error()
	}
	if errors.Is(err, syscall.ECONNREFUSED) {
		text = "connection refused by " + address(op)
	}
	return &verdict{check.Network, check.Connect, text}
}

func address(op *net.OpError) string {
	if op.Addr == nil {
		return "the server"
	}
	return op.Addr.String()
}

func ofReset(err error) *verdict {
	text := ""
	switch {
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.ECONNABORTED):
		text = "the connection was reset"
	case errors.Is(err, syscall.EPIPE), errors.Is(err, net.ErrClosed):
		text = "the connection was closed while the request was sent"
	case errors.Is(err, io.ErrUnexpectedEOF):
		text = "the connection was closed in the middle of the answer"
	case errors.Is(err, io.EOF):
		text = "the connection was closed without an answer"
	default:
		return resetByText(err.Error())
	}
	return &verdict{check.Network, check.Reset, text}
}

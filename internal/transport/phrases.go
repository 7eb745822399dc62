package transport

import (
	"strings"

	"github.com/watchword/watchword/internal/check"
)

// phrase is what an error without a type of its own says, and what we say. The
// error's own text is not used: it quotes what the other side sent.
type phrase struct{ part, text string }

func resetByText(s string) *verdict {
	for _, p := range []phrase{
		{"server closed idle connection", "the server closed the kept connection"},
		{"connection broken: EOF", "the connection was closed without an answer"},
		{"server sent GOAWAY", "the server closed the HTTP/2 connection (GOAWAY)"},
		{"client connection lost", "the HTTP/2 connection was lost"},
		{"client connection force closed", "the HTTP/2 connection was closed"},
		{"client conn not usable", "the HTTP/2 connection was closed"},
		{"received from peer", "the server reset the HTTP/2 stream"},
	} {
		if strings.Contains(s, p.part) {
			return &verdict{check.Network, check.Reset, p.text}
		}
	}
	return nil
}

func protocolText(err error) string {
	s := err.Error()
	for _, p := range []phrase{
		{`malformed HTTP response "\x15\x03`, "the port speaks TLS and was asked in plain HTTP"},
		{`malformed HTTP response "HTTP/2`, "the answer is HTTP/2 to a request in HTTP/1.1"},
		{`malformed HTTP response "\x00\x00`, "the answer is HTTP/2 to a request in HTTP/1.1"},
		{"looked like an HTTP/1.1 header", "the answer is HTTP/1.1 to a request in HTTP/2, and http_version: 2 offers nothing else"},
		{"malformed HTTP response", "the answer is not HTTP"},
		{"malformed HTTP version", "the answer is not HTTP"},
		{"malformed HTTP status code", "the answer has no valid status code"},
		{"headers exceeded", "the header of the answer is longer than 1 MiB"},
		{"header list larger", "the header of the answer is longer than 1 MiB"},
		{"chunk", "the chunked encoding of the answer is broken"},
		{"header line too long", "the chunked encoding of the answer is broken"},
		{"Content-Length", "the Content-Length of the answer is wrong"},
		{"transfer encoding", "the answer has a Transfer-Encoding that HTTP does not know"},
		{"MIME header", "the header of the answer is malformed"},
		{"1xx", "the server sent nothing but 1xx answers"},
		{"101 Switching Protocols", "the server switched protocols without being asked"},
		{"stream error", "the server broke the rules of HTTP/2"},
		{"http2", "the server broke the rules of HTTP/2"},
	} {
		if strings.Contains(s, p.part) {
			return p.text
		}
	}
	return "the answer is not valid HTTP"
}

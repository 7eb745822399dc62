package transport

import (
	"context"
	"encoding/binary"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/watchword/watchword/internal/check"
)

// nameServer answers every question for a name with the code (RFC 1035, 4.1.1);
// a negative code: not at all.
func nameServer(t *testing.T, code int) string {
	t.Helper()
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for b := make([]byte, 512); ; {
			n, from, err := c.ReadFrom(b)
			if err != nil {
				return
			}
			if code < 0 || n < 12 {
				continue
			}
			end := 12 + strings.IndexByte(string(b[12:n]), 0) + 5 // the question, without what follows it
			answer := append([]byte(nil), b[:end]...)
			binary.BigEndian.PutUint16(answer[2:], 0x8180|uint16(code))
			copy(answer[4:], []byte{0, 1, 0, 0, 0, 0, 0, 0})
			if _, err := c.WriteTo(answer, from); err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() { c.Close(); <-ended })
	return c.LocalAddr().String()
}

// asking returns a resolver that asks one server. What it waits for ends with
// the test: the resolver goes on after the context of a question has ended.
func asking(t *testing.T, server string) *net.Resolver {
	ctx, end := context.WithCancel(context.Background())
	t.Cleanup(end)
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		c, err := new(net.Dialer).DialContext(ctx, "udp", server)
		if err == nil {
			context.AfterFunc(ctx, func() { c.Close() })
		}
		return c, err
	}}
}

func TestANameThatDoesNotResolve(t *testing.T) {
	closed, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := closed.LocalAddr().String()
	closed.Close()
	const answered, silent = 10 * time.Second, 300 * time.Millisecond
	for name, tt := range map[string]struct {
		server, text, hint string
		patience           time.Duration
	}{
		"the name does not exist": {nameServer(t, 3), "a.test does not resolve: the name does not exist", "is a.test spelt right", answered},
		"the server is at a loss": {nameServer(t, 2), "answered that it cannot tell (server misbehaving)", "look at the name server", answered},
		"the server refuses":      {nameServer(t, 5), "answered that it cannot tell (server misbehaving)", "look at the name server", answered},
		"the server is silent":    {nameServer(t, -1), "a.test does not resolve: no name server answered in time", "is this machine's network up", silent},
		"nobody is there":         {nobody, "a.test does not resolve: no name server could be asked (", "is this machine's network up", answered},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := dialer{family: familyAny, names: asking(t, tt.server)}
			ctx, cancel := context.WithTimeout(t.Context(), tt.patience)
			defer cancel()
			_, err := d.dial(ctx, "a.test:443")
			class, reason, text := Classify(err)
			if class != check.Network || reason != check.DNS || !strings.Contains(text, tt.text) {
				t.Errorf("got %s/%s %q, want %q", class, reason, text, tt.text)
			}
			if hint := NameHint(err); !strings.Contains(hint, tt.hint) || !strings.Contains(hint, "this machine asks ") {
				t.Errorf("hint %q, want %q and whom this machine asks", hint, tt.hint)
			}
		})
	}
	if hint := NameHint(net.ErrClosed); hint != "" {
		t.Errorf("a hint for what is no name: %q", hint)
	}
}

// TestAnAddressOfTheOtherFamily: nobody is to look for a name where none was asked
// for, such as when a scraper names an address that its module's family is not.
func TestAnAddressOfTheOtherFamily(t *testing.T) {
	t.Parallel()
	for family, address := range map[string]string{familyIPv4: "[::1]:443", familyIPv6: "127.0.0.1:443"} {
		d := dialer{family: family}
		_, err := d.dial(t.Context(), address)
		class, reason, text := Classify(err)
		if class != check.Network || reason != check.DNS || !strings.Contains(text, "is no "+family+" address, as ip_family asks") || strings.Contains(text, "resolve") {
			t.Errorf("%s: %s/%s %q", address, class, reason, text)
		}
		if hint := NameHint(err); !strings.Contains(hint, "ip_family") || strings.Contains(hint, "spelt") {
			t.Errorf("%s: hint %q", address, hint)
		}
	}
}

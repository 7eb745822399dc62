package main

import (
	"net"
	"path/filepath"
	"regexp"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

type managerKey struct{}

// serviceManager listens as systemd does for what a service says of itself.
func serviceManager(e *testscript.Env) error {
	path := filepath.Join(e.WorkDir, "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		return err
	}
	e.Defer(func() { _ = conn.Close() })
	e.Values[managerKey{}] = conn
	e.Setenv("SOCKET", path)
	return nil
}

// told PATTERN waits until the service manager is told so, and passes over what
// it is told before. ! told PATTERN wants it not to be told for a second.
func told(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: [!] told PATTERN")
	}
	patience := 20 * time.Second
	if neg {
		patience = time.Second
	}
	pattern := regexp.MustCompile("(?s)" + args[0])
	conn := ts.Value(managerKey{}).(*net.UnixConn)
	ts.Check(conn.SetReadDeadline(time.Now().Add(patience)))
	for b := make([]byte, 4096); ; {
		n, err := conn.Read(b)
		switch {
		case err != nil && neg:
			return
		case err != nil:
			ts.Fatalf("waited %s for the service manager to be told %q", patience, args[0])
		case !pattern.Match(b[:n]):
			ts.Logf("passed over: %q", b[:n])
		case neg:
			ts.Fatalf("the service manager was told %q", b[:n])
		default:
			return
		}
	}
}

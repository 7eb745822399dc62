package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/watchword/watchword/internal/lab"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"watchword": main})
}

// TestScript runs the program as people do. Each script has a small world of
// its own, with the addresses in $TOKEN_URL, $PROVIDER, $GATE, $APP, $CHAT, a free one
// to listen on in $LISTEN and the socket of a service manager in $SOCKET.
func TestScript(t *testing.T) {
	commands := startCommands()
	commands["flip"], commands["await"], commands["sent"], commands["certificate"], commands["told"] = flip, await, sent, certificate, told
	testscript.Run(t, testscript.Params{Dir: "testdata/script", Setup: setup, RequireUniqueNames: true, Cmds: commands})
}

type worldKey struct{}

type smallWorld struct {
	*lab.World
	chat *lab.Chat
}

func setup(e *testscript.Env) error {
	chat := lab.NewChat(lab.ChatOptions{})
	w, err := lab.Start(context.Background(), lab.Config{Chat: chat})
	if err != nil {
		return err
	}
	e.Defer(func() {
		chat.Close()
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = w.Close(ctx)
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	free := l.Addr().String()
	if err := l.Close(); err != nil {
		return err
	}
	e.Values[worldKey{}] = &smallWorld{w, chat}
	e.Setenv("TOKEN_URL", w.TokenURL())
	e.Setenv("PROVIDER", w.ProviderURL())
	e.Setenv("GATE", w.GatewayURL())
	e.Setenv("APP", w.ApplicationURL())
	e.Setenv("CHAT", w.ControlURL())
	e.Setenv("TAKEN", strings.TrimPrefix(w.ApplicationURL(), "http://"))
	e.Setenv("LISTEN", free)
	e.Setenv("CLIENT_SECRET", lab.ClientSecret)
	return serviceManager(e)
}

func worldOf(ts *testscript.TestScript) *smallWorld { return ts.Value(worldKey{}).(*smallWorld) }

// flip NAME breaks a part of the small world, ! flip NAME mends it.
func flip(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: [!] flip NAME")
	}
	ts.Check(worldOf(ts).Switch(args[0], !neg))
}

// poll asks again and again for up to 20 s.
func poll(ts *testscript.TestScript, what string, holds func() bool) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			ts.Fatalf("waited 20 s for %s", what)
		}
	}
}

// certificate NAME [HOST] writes NAME.crt and NAME.key for a host; one of an
// authority of its own, which nobody trusts.
func certificate(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 || len(args) > 2 {
		ts.Fatalf("usage: certificate NAME [HOST]")
	}
	ca, err := lab.NewCA()
	ts.Check(err)
	c, err := ca.Server(lab.CertOptions{Names: args[1:]})
	ts.Check(err)
	_, _, err = c.Write(ts.MkAbs("."), args[0])
	ts.Check(err)
}

// await URL TEXT waits until the answer at the URL holds the text.
func await(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: [!] await URL TEXT")
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}, Timeout: 5 * time.Second}
	poll(ts, fmt.Sprintf("%q at %s", args[1], args[0]), func() bool {
		resp, err := client.Get(args[0])
		if err != nil {
			return false
		}
		defer resp.Body.Close()
		var b strings.Builder
		if err := resp.Write(&b); err != nil {
			return false
		}
		return strings.Contains(b.String(), args[1]) != neg
	})
}

// sent CHANNEL TEXT waits until the chat took a message that holds the text.
func sent(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: sent CHANNEL TEXT")
	}
	poll(ts, fmt.Sprintf("a message to %s with %q", args[0], args[1]), func() bool {
		for _, m := range worldOf(ts).chat.Received(args[0]) {
			if strings.Contains(string(m.Body), args[1]) {
				return true
			}
		}
		return false
	})
}

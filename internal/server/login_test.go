package server

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"strings"
	"testing"

	"golang.org/x/crypto/bcrypt"

	"github.com/watchword/watchword/internal/secret"
)

func TestLoginsAreLogged(t *testing.T) {
	var log bytes.Buffer
	o := sample().options()
	o.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	o.Rules = rulesOf(t, basic())
	s := newServer(t, o)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	ask(t, s, "GET", "/", as("reader", readerPassword))
	ask(t, s, "GET", "/", as("alice", "guess-0123456789"))
	ask(t, s, "GET", "/", as("mallory\n"+strings.Repeat("x", 500), "guess-0123456789"))
	ask(t, s, "GET", "/", as(adminPassword, "")) // typed into the wrong field
	cancel()
	<-done
	got := log.String()
	for _, want := range []string{"msg=login user=reader role=viewer remote=127.0.0.1:", `msg="login failed" user=alice remote=127.0.0.1:`, `msg="login failed" user=(unknown) remote=127.0.0.1:`} {
		if !strings.Contains(got, want) {
			t.Errorf("the log lacks %s: %s", want, got)
		}
	}
	for _, leak := range []string{"guess-0123456789", readerPassword, "reader-pass", adminPassword, "mallory", strings.Repeat("x", 100), "$2a$"} {
		if strings.Contains(got, leak) {
			t.Errorf("the log holds %q: %s", leak, got)
		}
	}
}

// Every login takes the same rounds of bcrypt, whether the user is known or
// not and whatever the cost of the hash.
func TestEveryLoginCostsTheSame(t *testing.T) {
	const long = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" // 73 bytes
	k := rulesOf(t, Access{Auth: Auth{Type: authBasic, Users: map[string]User{
		"cheap": {PasswordHash: secret.Literal(fakeHash(10, "right"))}, "dear": {PasswordHash: secret.Literal(fakeHash(13, long))},
	}}})
	for _, c := range []struct {
		name, password string
		want           bool
	}{
		{"cheap", "right", true}, {"cheap", "wrong", false}, {"dear", "wrong", false}, {"nobody", "right", false}, {"", "", false},
		{"dear", long, false}, // bcrypt would look at 72 bytes only
	} {
		asked := k.counting()
		_, hash, _, err := k.lookUp(c.name, c.password)
		if err != nil {
			t.Fatal(err)
		}
		if got := k.matches(hash, c.password); got != c.want {
			t.Errorf("%s/%s: got %t, want %t", c.name, c.password, got, c.want)
		}
		rounds := 0
		for _, cost := range *asked {
			rounds += 1 << cost
		}
		if rounds != 1<<13 {
			t.Errorf("%s/%s: %d rounds, want %d", c.name, c.password, rounds, 1<<13)
		}
	}
	for cost := cheapest; cost <= dearest; cost++ {
		if got, err := bcrypt.Cost(decoy(cost)); err != nil || got != cost {
			t.Errorf("a decoy of cost %d has cost %d: %v", cost, got, err)
		}
	}
	if err := bcrypt.CompareHashAndPassword(decoy(cheapest), []byte("x")); !errors.Is(err, bcrypt.ErrMismatchedHashAndPassword) {
		t.Errorf("a decoy is not compared: %v", err)
	}
}

// A hash in a file is read at every login: a changed one ends the logins that
// were verified by the old one, and one that cannot be used lets nobody in.
func TestTheHashIsReadAtUse(t *testing.T) {
	dir := t.TempDir()
	write(t, dir+"/hash", hashText(t, "first"))
	text, err := secret.Parse("${file:hash}", dir)
	if err != nil {
		t.Fatal(err)
	}
	o := sample().options()
	if o.Rules, err = NewRules(Access{Auth: Auth{Type: authBasic, Users: map[string]User{"reader": {PasswordHash: text}}}}, o.Log); err != nil {
		t.Fatal(err)
	}
	s := start(t, o)
	get := func(password string) int { return ask(t, s, "GET", "/", as("reader", password)).status }
	check := func(when string, first, second int) {
		t.Helper()
		if a, b := get("first"), get("second"); a != first || b != second {
			t.Errorf("%s: got %d and %d, want %d and %d", when, a, b, first, second)
		}
	}
	check("at first", 200, 401)
	write(t, dir+"/hash", hashText(t, "second"))
	check("rotated", 401, 200)
	write(t, dir+"/hash", "$2a$31$"+strings.Repeat("u", 53))
	check("of a cost that would take days", 401, 401)
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func hashText(t testing.TB, password string) string {
	t.Helper()
	h, err := bcrypt.GenerateFromPassword([]byte(password), cheapest)
	if err != nil {
		t.Fatal(err)
	}
	return string(h)
}

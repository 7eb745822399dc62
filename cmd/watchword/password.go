package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"unicode/utf8"

	"golang.org/x/crypto/bcrypt"
	"golang.org/x/term"
)

type passwordCommand struct {
	Cost int `default:"12" help:"Cost of the hash, 10 to 14: one more takes twice as long, at each login too."`
}

func (passwordCommand) Help() string {
	return `Makes the bcrypt hash of a password, for server.auth.

Asks twice on a terminal and shows nothing; else it reads one line from stdin.

Examples:

    watchword password
    watchword password --cost 13`
}

// Run reads a password from stdin, twice and without echo where that is a
// terminal, and prints its bcrypt hash.
func (c *passwordCommand) Run(ctx context.Context, s *streams) error {
	if c.Cost < 10 || c.Cost > 14 {
		return &exitError{2, "watchword: --cost is 10 to 14"}
	}
	password, err := readPassword(ctx, s)
	if err != nil {
		return err
	}
	const longest, short = 72, 12 // bytes, as bcrypt would not look at the rest; characters
	switch {
	case len(password) == 0:
		return errors.New("the password is empty: type one, or send one line to stdin")
	case len(password) > longest:
		return fmt.Errorf("the password has %d bytes, and bcrypt takes at most %d: choose a shorter one", len(password), longest)
	case utf8.RuneCount(password) < short:
		fmt.Fprintf(s.err, "watchword: fewer than %d characters: this password can be guessed\n", short)
	}
	hash, err := bcrypt.GenerateFromPassword(password, c.Cost)
	if err != nil {
		return fmt.Errorf("hash the password: %w", err)
	}
	fmt.Fprintln(s.out, string(hash))
	return nil
}

func readPassword(ctx context.Context, s *streams) ([]byte, error) {
	in, isFile := s.in.(*os.File)
	if !isFile || !term.IsTerminal(int(in.Fd())) {
		return readLine(s.in)
	}
	first, err := ask(ctx, in, s.err, "Password: ")
	if err != nil {
		return nil, err
	}
	second, err := ask(ctx, in, s.err, "The same again: ")
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(first, second) {
		return nil, errors.New("the two passwords differ: try again")
	}
	return first, nil
}

// readLine returns the first line without its end.
func readLine(r io.Reader) ([]byte, error) {
	line, err := bufio.NewReader(io.LimitReader(r, 1<<16)).ReadBytes('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read the password from stdin: %w", err)
	}
	return bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r")), nil
}

// ask reads from a terminal without echo. Where the program is to end
// meanwhile, the terminal gets its echo back.
func ask(ctx context.Context, in *os.File, out io.Writer, prompt string) ([]byte, error) {
	fd := int(in.Fd())
	before, err := term.GetState(fd)
	if err != nil {
		return nil, fmt.Errorf("read the password from the terminal: %w", err)
	}
	fmt.Fprint(out, prompt)
	defer fmt.Fprintln(out)
	type answer struct {
		text []byte
		err  error
	}
	got := make(chan answer, 1)
	go func() {
		text, err := term.ReadPassword(fd)
		got <- answer{text, err}
	}()
	select {
	case a := <-got:
		if a.err != nil {
			return nil, fmt.Errorf("read the password from the terminal: %w", a.err)
		}
		return a.text, nil
	case <-ctx.Done():
		return nil, errors.Join(&exitError{1, "watchword: no password was read"}, term.Restore(fd, before))
	}
}

package store

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/watchword/watchword/internal/check"
	"go.uber.org/goleak"
)

// TestMain is also the program of the children that tests start.
func TestMain(m *testing.M) {
	path := os.Getenv("STORE_TEST_PATH")
	switch os.Getenv("STORE_TEST_CHILD") {
	case "hold":
		os.Exit(hold(path))
	case "commit":
		os.Exit(commitForEver(path))
	}
	goleak.VerifyTestMain(m)
}

// child is this test in another process.
type child struct {
	*exec.Cmd
	lines *bufio.Scanner
	in    io.Closer
}

func startChild(t *testing.T, what, path string) *child {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "STORE_TEST_CHILD="+what, "STORE_TEST_PATH="+path)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return &child{cmd, bufio.NewScanner(out), in}
}

// end kills the child and returns the last line that it wrote.
func (c *child) end(t *testing.T) string {
	t.Helper()
	if err := c.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	last := c.lines.Text()
	for c.lines.Scan() {
		last = c.lines.Text()
	}
	_ = c.Wait() // it was killed
	return last
}

func (c *child) line(t *testing.T) string {
	t.Helper()
	if !c.lines.Scan() {
		t.Fatal("the child ended")
	}
	return c.lines.Text()
}

// hold opens the store and keeps it until it is told to end.
func hold(path string) int {
	s, err := Open(context.Background(), Options{Path: path, Version: "1.2.3"})
	if err != nil {
		fmt.Println(err)
		return 1
	}
	fmt.Println("open")
	_, _ = io.Copy(io.Discard, os.Stdin)
	_ = s.Close(context.Background())
	return 0
}

// commitForEver commits numbered changes and says each number once it is
// acknowledged.
func commitForEver(path string) int {
	s, err := Open(context.Background(), Options{Path: path})
	if err != nil {
		fmt.Println(err)
		return 1
	}
	found, _ := s.Load(context.Background())
	for n := found.LastDelivery + 1; ; n++ {
		d := delivery(n)
		change := check.Change{States: []check.MonitorState{state("a", int(n))}, Incidents: []check.IncidentRecord{incident(fmt.Sprint("i", n), int(n))}, Deliveries: []check.Delivery{d}}
		s.AppendRuns([]check.Run{{Monitor: "a", Start: at(int(n)), State: check.Up}})
		if err := s.Commit(context.Background(), change); err != nil {
			fmt.Println(err)
			return 1
		}
		if n%3 == 0 {
			if err := s.Done(context.Background(), n, "delivered"); err != nil {
				fmt.Println(err)
				return 1
			}
		}
		fmt.Println(n)
	}
}

// until waits for a condition that another goroutine brings about.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(20 * time.Second)
	for !holds() {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("not within 20 s: %s", what)
		}
	}
}

// lines collects what is logged.
type lines struct{ ch chan string }

func newLines() *lines { return &lines{make(chan string, 100)} }

func (l *lines) Write(p []byte) (int, error) { l.ch <- string(p); return len(p), nil }

func (l *lines) await(t *testing.T, text string) {
	t.Helper()
	limit := time.After(20 * time.Second)
	for {
		select {
		case line := <-l.ch:
			if strings.Contains(line, text) {
				return
			}
		case <-limit:
			t.Fatalf("%q was not logged", text)
		}
	}
}

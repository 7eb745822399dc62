package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/watchword/watchword/internal/lab"
)

// process is a child of the benchmark.
type process struct {
	cmd     *exec.Cmd
	out     io.ReadCloser
	errs    lockedBuffer
	done    chan struct{}
	metrics string // URL, "" for none
}

// lockedBuffer keeps what a child says on stderr.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func start(ctx context.Context, args, env []string) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p := &process{cmd: exec.CommandContext(ctx, self, args...), done: make(chan struct{})}
	p.cmd.Cancel = func() error { return p.cmd.Process.Signal(syscall.SIGTERM) }
	p.cmd.WaitDelay = 10 * time.Second
	p.cmd.Env = append(os.Environ(), env...)
	p.cmd.Stderr = &p.errs
	if p.out, err = p.cmd.StdoutPipe(); err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", args[0], err)
	}
	return p, nil
}

// line decodes the first line of what the child prints.
func (p *process) line(ctx context.Context, into any) error {
	read := make(chan error, 1)
	go func() { read <- json.NewDecoder(p.out).Decode(into) }()
	select {
	case err := <-read:
		if err != nil {
			return fmt.Errorf("read from the child: %w: %s", err, p.said())
		}
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (p *process) said() string { return strings.TrimSpace(p.errs.String()) }

func (p *process) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	_, _ = io.Copy(io.Discard, p.out)
	_ = p.cmd.Wait()
}

func (p *process) sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

const clockTick = 10 * time.Millisecond // USER_HZ is 100 on all that Go runs on

// cost reads CPU time and resident memory of the child from /proc (proc(5)).
func (p *process) cost() (cpu time.Duration, rss float64, err error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		return 0, 0, fmt.Errorf("the benchmark reads /proc, as Linux has it: %w", err)
	}
	_, rest, _ := strings.Cut(string(stat), ") ") // the command's name may hold spaces
	f := strings.Fields(rest)
	if len(f) < 22 {
		return 0, 0, errors.New("read /proc/PID/stat: too few fields")
	}
	user, err1 := strconv.ParseInt(f[11], 10, 64)
	system, err2 := strconv.ParseInt(f[12], 10, 64)
	pages, err3 := strconv.ParseInt(f[21], 10, 64)
	return time.Duration(user+system) * clockTick, float64(pages) * float64(os.Getpagesize()) / (1 << 20), errors.Join(err1, err2, err3)
}

func (b *bench) look(ctx context.Context, p *process) (figures, error) {
	var f figures
	var err error
	if f.cpu, f.rss, err = p.cost(); err != nil {
		return f, err
	}
	var state lab.State
	if err := b.control(ctx, http.MethodGet, "/control/", &state); err != nil {
		return f, err
	}
	f.runs, f.tokens = float64(state.Counters.Runs), float64(state.Counters.TokenRequests)
	return f, nil
}

func (b *bench) resetCounters(ctx context.Context) error {
	return b.control(ctx, http.MethodPost, "/control/reset-counters", nil)
}

func (b *bench) control(ctx context.Context, method, path string, into any) error {
	req, err := http.NewRequestWithContext(ctx, method, b.world.Control+path, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s %s: %s", method, path, resp.Status)
	}
	if into == nil {
		return nil
	}
	return json.NewDecoder(resp.Body).Decode(into)
}

// token fetches one for the bare loop, which knows nothing of tokens.
func (b *bench) token(ctx context.Context) (string, error) {
	form := url.Values{"grant_type": {"client_credentials"}, "scope": {lab.BearerScope}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, b.world.Token, strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth(lab.ClientID, lab.ClientSecret)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	var t struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&t); err != nil || t.AccessToken == "" {
		return "", fmt.Errorf("fetch a token for the bare loop: %s: %w", resp.Status, err)
	}
	return t.AccessToken, nil
}

// punctual returns the share of runs that began at most 10 ms late, by the
// agent's own histogram.
func (p *process) punctual(ctx context.Context) float64 {
	if p.metrics == "" {
		return math.NaN()
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.metrics, nil)
	if err != nil {
		return math.NaN()
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return math.NaN()
	}
	defer resp.Body.Close()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(resp.Body)
	if err != nil || families["watchword_schedule_lag_seconds"] == nil {
		return math.NaN()
	}
	h := families["watchword_schedule_lag_seconds"].GetMetric()[0].GetHistogram()
	for _, bucket := range h.GetBucket() {
		if bucket.GetUpperBound() == 0.01 {
			return float64(bucket.GetCumulativeCount()) / float64(h.GetSampleCount())
		}
	}
	return math.NaN()
}

func freePort(ctx context.Context) (int, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

package agent

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/watchword/watchword/internal/config"
	"github.com/watchword/watchword/internal/lab"
	"github.com/watchword/watchword/probes"
)

// TestTurn: who waits for a place keeps half of its time for the run.
func TestTurn(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		freed, took time.Duration // the place, and the answer
		waited, ok  bool
	}{
		{0, 0, false, true},
		{3 * time.Second, 3 * time.Second, true, true},
		{8 * time.Second, 5 * time.Second, true, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			a := &Agent{probing: make(chan struct{}, 1)}
			if tc.freed > 0 {
				a.probing <- struct{}{}
				time.AfterFunc(tc.freed, func() { <-a.probing })
			}
			start := time.Now()
			waited, ok := a.turn(t.Context(), 10*time.Second)
			if took := time.Since(start); waited != tc.waited || ok != tc.ok || took != tc.took {
				t.Errorf("freed after %s: waited %t, ok %t, after %s", tc.freed, waited, ok, took)
			}
			time.Sleep(10 * time.Second)
		})
	}
}

// TestTurnOfNoTime: a place that is free is taken, however little time there is:
// there are not too many probes.
func TestTurnOfNoTime(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range 100 {
		a := &Agent{probing: make(chan struct{}, 1)}
		if waited, ok := a.turn(ctx, 0); waited || !ok {
			t.Fatalf("waited %t, ok %t", waited, ok)
		}
	}
}

// TestWaitedTooLong: a target that had less time than its module gives, because
// others were probed, is not told to fail.
func TestWaitedTooLong(t *testing.T) {
	t.Parallel()
	s, err := lab.Listen(t.Context(), "127.0.0.1:0", http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close(context.WithoutCancel(t.Context())) })
	log := slog.New(slog.DiscardHandler)
	r := newRooms(Options{Log: log}, nil)
	t.Cleanup(func() { _ = r.close() })
	m, err := new(plan).newModule("m", config.Module{Timeout: time.Second, HTTP: probes.DefaultHTTPOptions()}, r)
	if err != nil {
		t.Fatal(err)
	}
	target, err := url.Parse(s.URL() + "/")
	if err != nil {
		t.Fatal(err)
	}
	for waited, want := range map[bool]int{false: http.StatusOK, true: http.StatusServiceUnavailable} {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		w := httptest.NewRecorder()
		(&Agent{log: log}).scrape(ctx, w, httptest.NewRequest(http.MethodGet, "/probe", http.NoBody), visit{m, target, time.Second, waited})
		cancel()
		if w.Code != want {
			t.Errorf("waited %t: %d %s, want %d", waited, w.Code, w.Body, want)
		}
	}
}

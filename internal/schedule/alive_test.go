package schedule

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/watchword/watchword/internal/check"
)

func TestAlive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDiary(t)
		s := New(d.options())
		s.Replace([]Job{
			{ID: "deaf", Interval: time.Minute, Timeout: time.Second, Probe: func(context.Context) check.Result { time.Sleep(10 * time.Second); return check.Result{} }},
		})
		s.RunNow("deaf")
		alive := func() error {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			return s.Alive(ctx)
		}
		if alive() == nil {
			t.Error("it lives before Run")
		}
		during(t, s, func() {
			pass(time.Second)
			if err := alive(); err != nil {
				t.Errorf("a run that hangs makes the loop dead: %v", err)
			}
			pass(time.Minute)
		})
		if alive() == nil {
			t.Error("it lives after Run")
		}
	})
}

// A mutex that is not given back is no durable block for synctest, so this one
// takes real time.
func TestHungLoopIsNotAlive(t *testing.T) {
	s := New(Options{})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	if err := s.Alive(ctx); err != nil {
		t.Fatal(err)
	}
	s.mu.Lock()
	ask, end := context.WithTimeout(ctx, 50*time.Millisecond)
	defer end()
	if err := s.Alive(ask); err == nil {
		t.Error("the loop hangs in its lock and is called alive")
	}
	s.mu.Unlock()
	if err := s.Alive(ctx); err != nil {
		t.Errorf("the loop goes round again: %v", err)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

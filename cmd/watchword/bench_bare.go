package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/watchword/watchword/internal/lab"
)

// bareLoop is the least that can be done: one timer a monitor, http.Client.Do,
// io.ReadAll, bytes.Contains. It knows no token, keeps nothing and tells nobody.
func bareLoop(ctx context.Context, c *benchCommand) error {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.DisableKeepAlives = c.Connection == "fresh"
	t.MaxIdleConnsPerHost = c.Monitors
	client := &http.Client{Transport: t, Timeout: 10 * time.Second}
	keyword := []byte(lab.DefaultKeyword)
	interval := c.interval()
	began := time.Now().Add(100 * time.Millisecond) // no timer fires before all are made
	var wg sync.WaitGroup
	for i := range c.Monitors {
		url := fmt.Sprintf("%s/m/%d", c.Bare[0], i)
		next := began.Add(interval * time.Duration(i) / time.Duration(c.Monitors))
		wg.Add(1)
		var timer *time.Timer
		timer = time.AfterFunc(time.Until(next), func() {
			if ctx.Err() != nil {
				wg.Done()
				return
			}
			next = next.Add(interval)
			bareRun(ctx, client, url, c.Token, keyword)
			timer.Reset(time.Until(next))
		})
	}
	wg.Wait()
	return nil
}

func bareRun(ctx context.Context, client *http.Client, url, token string, keyword []byte) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false
	}
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := client.Do(req)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return err == nil && resp.StatusCode == http.StatusOK && bytes.Contains(body, keyword)
}

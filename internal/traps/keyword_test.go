package traps_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// open is the configuration of a monitor of a page for everybody.
func open(url, more string) string {
	return fmt.Sprintf("monitors:\n  - {name: Page, url: %q, %s}\n", url, more)
}

// TestKeywordsInJSON: Uptime Kuma reads JSON and looks into what it writes of
// it: without blanks, 1.0 as 1. Here it is the bytes that were sent.
func TestKeywordsInJSON(t *testing.T) {
	url := page(t, says(200, "application/json", `{"status": "ok", "load": 1.0}`))
	for keyword, want := range map[string]string{
		`'"status": "ok"'`: "up", `'"status":"ok"'`: "content/keyword_missing", `'1.0'`: "up",
	} {
		expect(t, probe(t, 1, open(url, "expect: {keyword: "+keyword+"}"))[0], want)
	}
}

// TestKeywordsInLatin1: Uptime Kuma takes every page for UTF-8.
func TestKeywordsInLatin1(t *testing.T) {
	url := page(t, says(200, "text/html; charset=iso-8859-1", "Verf\xfcgbar"))
	expect(t, probe(t, 1, open(url, "expect: {keyword: Verfügbar}"))[0], "up")
}

// TestAnEmptyKeyword: it is found everywhere, and so it is refused.
func TestAnEmptyKeyword(t *testing.T) {
	for _, key := range []string{"keyword", "absent"} {
		cfg, problems := load(t, open("https://a.example/", "expect: {"+key+": ''}"))
		if cfg != nil || !strings.Contains(fmt.Sprint(problems), "empty") {
			t.Errorf("%s: %v", key, problems)
		}
	}
}

// TestARedirectToASignInPage: its 200 is "up" in Uptime Kuma.
func TestARedirectToASignInPage(t *testing.T) {
	url := page(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/welcome" {
			http.Redirect(w, r, "/welcome", http.StatusFound)
			return
		}
		says(200, "text/html", `<form><input type="password"></form>`)(w, r)
	})
	expect(t, probe(t, 1, open(url, "timeout: 5s"))[0], "gateway/login_page")
}

// TestATimeoutOfZero: Uptime Kuma makes 13 hours of it, and the monitor hangs
// without a word. Here it is refused, and without one it is 80 % of the interval,
// 10 s at most.
func TestATimeoutOfZero(t *testing.T) {
	for _, timeout := range []string{"0", "1m", "2m"} {
		if cfg, problems := load(t, open("https://a.example/", "interval: 1m, timeout: "+timeout)); cfg != nil || !strings.Contains(fmt.Sprint(problems), "timeout") {
			t.Errorf("a timeout of %s: %v", timeout, problems)
		}
	}
	for interval, want := range map[string]time.Duration{"5s": 4 * time.Second, "1m": 10 * time.Second} {
		cfg, problems := load(t, open("https://a.example/", "interval: "+interval))
		if cfg == nil || cfg.Monitors[0].Timeout != want {
			t.Errorf("an interval of %s: %v, %v", interval, cfg, problems)
		}
	}
}

// TestAnAnswerByDrops: Uptime Kuma's timeout is for silence, and a page that
// comes byte by byte takes ten seconds longer. Here it is for the whole run.
func TestAnAnswerByDrops(t *testing.T) {
	stop := make(chan struct{})
	url := page(t, func(w http.ResponseWriter, r *http.Request) {
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				if _, err := w.Write([]byte(".")); err != nil {
					return
				}
				w.(http.Flusher).Flush()
			case <-stop:
				return
			case <-r.Context().Done():
				return
			}
		}
	})
	defer close(stop)
	r := probe(t, 1, open(url, "timeout: 500ms, expect: {keyword: never}"))[0]
	expect(t, r, "network/timeout")
	if r.Took > 5*time.Second {
		t.Errorf("the run took %s with a timeout of 500ms", r.Took)
	}
}

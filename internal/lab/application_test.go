package lab_test

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/watchword/watchword/internal/lab"
)

func TestPages(t *testing.T) {
	app := lab.NewApplication(lab.ApplicationOptions{})
	for _, c := range []struct {
		path, kind, has string
		status          int
	}{
		{"/", "text/html; charset=utf-8", "Dashboard", 200},
		{"/m/17", "text/html; charset=utf-8", "Dashboard", 200},
		{"/json", "application/json", `"keyword":"Dashboard"`, 200},
		{"/latin1", "text/html; charset=iso-8859-1", "Verf\xfcgbar", 200},
		{"/latin1-meta", "text/html", `<meta charset="iso-8859-1">`, 200},
		{"/login", "text/html; charset=utf-8", `type="password"`, 200},
		{"/status/503", "text/html; charset=utf-8", "Dashboard", 503},
		{"/hop/0", "text/html; charset=utf-8", "Dashboard", 200},
		{"/echo?x=1", "application/json; charset=utf-8", `"url":"/echo?x=1"`, 200},
	} {
		t.Run(c.path, func(t *testing.T) {
			res := get(app, c.path)
			if res.Code != c.status || res.Header().Get("Content-Type") != c.kind || !strings.Contains(res.Body.String(), c.has) {
				t.Errorf("got %d %q %.80q, want %d %q with %q", res.Code, res.Header().Get("Content-Type"), res.Body, c.status, c.kind, c.has)
			}
		})
	}
	if n := get(app, "/m/1").Body.Len(); n != 4096 {
		t.Errorf("got a page of %d bytes, want 4096", n)
	}
	if n := get(app, "/size/100000").Body.Len(); n != 100000 {
		t.Errorf("got a page of %d bytes, want 100000", n)
	}
}

func TestCompressedPages(t *testing.T) {
	app := lab.NewApplication(lab.ApplicationOptions{})
	for path, open := range map[string]func(io.Reader) (io.Reader, error){
		"/gzip":        func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) },
		"/deflate":     func(r io.Reader) (io.Reader, error) { return zlib.NewReader(r) },
		"/raw-deflate": func(r io.Reader) (io.Reader, error) { return flate.NewReader(r), nil },
	} {
		res := get(app, path)
		r, err := open(res.Body)
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		body, err := io.ReadAll(r)
		if err != nil || !bytes.Contains(body, []byte("Dashboard")) {
			t.Errorf("%s: got %.80q, %v", path, body, err)
		}
		if got, want := res.Header().Get("Content-Encoding"), strings.TrimPrefix(path[1:], "raw-"); got != want {
			t.Errorf("%s: got encoding %q, want %q", path, got, want)
		}
	}
	if err := app.SetPage(lab.Page{Encoding: "br"}); err == nil {
		t.Error("an encoding nobody knows was taken")
	}
}

func TestRedirectsAndCookies(t *testing.T) {
	srv := httptest.NewServer(lab.NewApplication(lab.ApplicationOptions{}))
	defer srv.Close()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	rt := &http.Transport{DisableKeepAlives: true}
	status := func(c *http.Client, path string) (int, error) {
		res, err := c.Get(srv.URL + path)
		if err != nil {
			return 0, err
		}
		return res.StatusCode, res.Body.Close()
	}
	for path, want := range map[string]int{"/hop/5": 200, "/cookie": 200, "/redirect?to=/m/1&status=307": 200, "/redirect?status=200": 404} {
		if got, err := status(&http.Client{Transport: rt, Jar: jar}, path); err != nil || got != want {
			t.Errorf("%s: got %d, %v, want %d", path, got, err, want)
		}
	}
	if _, err := status(&http.Client{Transport: rt}, "/loop"); err == nil {
		t.Error("/loop came to an end")
	}
	if got, err := status(&http.Client{Transport: rt}, "/cookie"); err != nil || got != http.StatusForbidden {
		t.Errorf("without the cookie: got %d, %v, want 403", got, err)
	}
}

func TestEcho(t *testing.T) {
	req := httptest.NewRequest(http.MethodPut, "/echo", strings.NewReader("hello"))
	req.Header.Set("X-Probe", "1")
	res := httptest.NewRecorder()
	lab.NewApplication(lab.ApplicationOptions{Keyword: "Word"}).ServeHTTP(res, req)
	var got lab.Echo
	if err := json.Unmarshal(res.Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if got.Method != http.MethodPut || got.Body != "hello" || got.Header.Get("X-Probe") != "1" || got.Keyword != "Word" {
		t.Errorf("got %+v", got)
	}
}

func TestBrokenConnections(t *testing.T) {
	app := lab.NewApplication(lab.ApplicationOptions{})
	srv := httptest.NewServer(app)
	defer srv.Close()
	app.At("/down").SetDown(true)
	rt := &http.Transport{DisableKeepAlives: true}
	_, err := fetch(t.Context(), rt, srv.URL+"/down")
	if !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("/down: got %v, want a reset", err)
	}
	if body, err := fetch(t.Context(), rt, srv.URL+"/reset"); err == nil || len(body) > 1000 {
		t.Errorf("/reset: got %d bytes, %v, want an error after at most 1000", len(body), err)
	}
	if body, err := fetch(t.Context(), rt, srv.URL+"/truncated"); !errors.Is(err, io.ErrUnexpectedEOF) || len(body) != 4096 {
		t.Errorf("/truncated: got %d bytes, %v, want 4096 and an unexpected end", len(body), err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := fetch(ctx, rt, srv.URL+"/hang"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("/hang: got %v, want the deadline", err)
	}
}

func TestDownOverHTTP2ResetsTheStream(t *testing.T) {
	app := lab.NewApplication(lab.ApplicationOptions{})
	srv := httptest.NewUnstartedServer(app)
	srv.EnableHTTP2 = true
	srv.Config.ErrorLog = quiet()
	srv.StartTLS()
	defer srv.Close()
	app.SetDown(true)
	if _, err := fetch(t.Context(), srv.Client().Transport, srv.URL+"/"); err == nil {
		t.Error("got an answer, want a reset stream")
	}
}

func fetch(ctx context.Context, rt http.RoundTripper, url string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	res, err := rt.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	return io.ReadAll(res.Body)
}

func TestSwitchesOfPaths(t *testing.T) {
	app := lab.NewApplication(lab.ApplicationOptions{})
	app.SetFailing("/m/1", true)
	if got := get(app, "/m/1").Code; got != http.StatusInternalServerError {
		t.Errorf("failing: got %d, want 500", got)
	}
	if got := get(app, "/m/2").Code; got != http.StatusOK {
		t.Errorf("its neighbour: got %d, want 200", got)
	}
	app.SetFailing("/m/1", false)
	if err := app.At("/m/1").SetPage(lab.Page{KeywordGone: true}); err != nil {
		t.Fatal(err)
	}
	if got := get(app, "/m/1").Body.String(); strings.Contains(got, "Dashboard") {
		t.Error("the keyword is still there")
	}
	app.SetStatus(http.StatusTeapot, "tea")
	if got := get(app, "/m/2"); got.Code != http.StatusTeapot || got.Body.String() != "tea" {
		t.Errorf("for all: got %d %q", got.Code, got.Body)
	}
	app.MendAll()
	if got := get(app, "/m/1"); got.Code != http.StatusOK || !strings.Contains(got.Body.String(), "Dashboard") {
		t.Errorf("mended: got %d", got.Code)
	}
}

func TestVisits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		app := lab.NewApplication(lab.ApplicationOptions{})
		rt, stop := overPipe(t, app)
		defer stop()
		start := time.Now()
		for _, wait := range []time.Duration{time.Second, 3 * time.Second, 2 * time.Second, 0} {
			if _, err := fetch(t.Context(), rt, "http://app.example.test/m/1"); err != nil {
				t.Fatal(err)
			}
			time.Sleep(wait)
		}
		v := app.At("/m/1").Visits()
		if v.Runs != 4 || v.MaxGap != 3*time.Second || !v.First.Equal(start) || !v.Last.Equal(start.Add(6*time.Second)) {
			t.Errorf("got %+v, want 4 runs, 3 s apart at most", v)
		}
		get(app, "/m/2")
		if app.Runs("/m/") != 5 || len(app.Visits("/m/")) != 2 {
			t.Errorf("got %d runs on %v", app.Runs("/m/"), app.Visits("/m/"))
		}
		app.ResetVisits()
		if app.Runs("") != 0 {
			t.Errorf("got %d runs after the reset", app.Runs(""))
		}
	})
}

func TestSlowInASyncBubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		app := lab.NewApplication(lab.ApplicationOptions{})
		app.SetSlow(time.Hour)
		rt, stop := overPipe(t, app)
		defer stop()
		start := time.Now()
		if _, err := fetch(t.Context(), rt, "http://app.example.test/"); err != nil || time.Since(start) != time.Hour {
			t.Errorf("got %v after %v, want an answer after an hour", err, time.Since(start))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := fetch(ctx, rt, "http://app.example.test/"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want the deadline", err)
		}
	})
}

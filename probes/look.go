package probes

import (
	"context"
	"net/http"

	"github.com/watchword/watchword/internal/check"
)

// Look is Explain that also returns what was seen on the way.
func (p *HTTP) Look(ctx context.Context) (check.Result, check.Seen) {
	r := newRun(p)
	r.looks = &looker{}
	res := r.finish(ctx, true, r.twice)
	return res, r.looks.Seen
}

// looker notes what a run sees. A nil one notes nothing: ordinary runs have none.
type looker struct{ check.Seen }

// begin forgets the redirects of a try that is made again.
func (l *looker) begin() {
	if l != nil {
		l.Redirects = 0
	}
}

func (l *looker) asked() {
	if l != nil {
		l.Last = nil
	}
}

func (l *looker) answered(resp *http.Response) {
	if l == nil {
		return
	}
	l.Last = &check.Answer{Status: resp.StatusCode, Version: resp.Proto, Length: resp.ContentLength, TLS: resp.TLS}
	if t, err := http.ParseTime(resp.Header.Get("Last-Modified")); err == nil {
		l.Last.Modified = t
	}
	if redirects(resp.StatusCode) && resp.Header.Get("Location") != "" {
		l.Redirects++
	}
}

func (l *looker) read(n int) {
	if l != nil && l.Last != nil {
		l.Last.Body = int64(n)
	}
}

// ended notes a request with the phases of the run before and after it.
func (l *looker) ended(before, after check.Phases, s step, remote string) {
	if l == nil {
		return
	}
	l.Hops = append(l.Hops, check.Hop{Remote: remote, Connected: s >= waiting, Answered: s >= receiving, Phases: check.Phases{
		Resolve: after.Resolve - before.Resolve, Connect: after.Connect - before.Connect, TLS: after.TLS - before.TLS,
		Processing: after.Processing - before.Processing, Transfer: after.Transfer - before.Transfer,
	}})
}

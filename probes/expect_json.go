package probes

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/itchyny/gojq"

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/secret"
)

// queryTime bounds the queries to one answer: one that runs away must not take
// the time of others until the deadline of its run.
const queryTime = 2 * time.Second

// query is one of expect.json, ready to be put to any number of answers at once.
type query struct {
	text string
	code *gojq.Code
}

func newQuery(text string) (*query, error) {
	if strings.TrimSpace(text) == "" {
		return nil, errors.New("the query is empty: it asks for nothing")
	}
	q, err := gojq.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("no query of jq: %w%s", err, whereIn(text, err))
	}
	code, err := gojq.Compile(q)
	if err != nil {
		return nil, fmt.Errorf("no query of jq: %w", err)
	}
	return &query{text, code}, nil
}

// whereIn says where in a query the parser stopped.
func whereIn(text string, err error) string {
	e, ok := errors.AsType[*gojq.ParseError](err)
	if !ok || e.Offset <= 0 || e.Offset > len(text) {
		return ""
	}
	return fmt.Sprintf(" after %q", strings.ToValidUTF8(text[:max(e.Offset-len(e.Token), 0)], ""))
}

// asked is what the first query that did not yield true made of an answer, or
// that there was nothing to ask.
type asked struct {
	failed    int  // which of the queries
	undecided bool // the body goes on where it was no longer read
	message   string
	hint      string
}

// ask puts the queries to an answer whose status is expected: about others they
// say nothing.
func (r *run) ask(ctx context.Context, a *answer) {
	d := r.p.expect.more
	if d == nil || len(d.json) == 0 || a.broken != nil || !r.p.expect.expects(a.status) {
		return
	}
	began := time.Now()
	limited, cancel := context.WithTimeout(ctx, queryTime)
	defer cancel()
	a.asked = r.scene.ask(limited, d.json, a)
	if a.asked != nil {
		a.broken = unasked(ctx, limited, began, d.json[a.asked.failed])
	}
}

// unasked says why a query that did not yield true says nothing of the answer, nil
// where it does: its time was over, that of the run or the queries' own.
func unasked(ctx, limited context.Context, began time.Time, q *query) *finding {
	switch {
	case expired(ctx):
		if f := starved(ctx, began); f != nil {
			return f
		}
		return &finding{check.JSON, fmt.Sprintf("the query %s was not done when the time of the run was over", shortQuery(q.text)),
			"look at the query, or raise the timeout of the monitor: the answer left no time for it"}
	case ctx.Err() != nil:
		return &finding{check.Internal, "the run was cancelled", wireFact{}.hint(check.Internal)}
	case limited.Err() != nil:
		return starved(limited, began)
	}
	return nil
}

// ask returns nil where every query yields true.
func (s *scene) ask(ctx context.Context, qs []*query, a *answer) *asked {
	doc, err := decodeJSON(a.body)
	var syntax *json.SyntaxError
	switch {
	case a.cut && !errors.As(err, &syntax): // what is wrong with the beginning is not mended by the rest
		return &asked{undecided: true}
	case err != nil:
		return s.noJSON(a, qs[0], err)
	}
	for i, q := range qs {
		if said := s.put(ctx, q, doc, a); said != nil {
			said.failed = i
			return said
		}
	}
	return nil
}

// extraError says that something follows the JSON of a body.
type extraError struct{ at int64 }

func (e *extraError) Error() string { return fmt.Sprintf("more follows after byte %d", e.at) }

// decodeJSON reads the one value that a body is, its numbers as they were sent.
func decodeJSON(body []byte) (doc any, err error) {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	if err := d.Decode(&doc); err != nil {
		return nil, err
	}
	if at := d.InputOffset(); len(bytes.TrimSpace(body[at:])) > 0 {
		return nil, &extraError{at}
	}
	return doc, nil
}

// noJSON is an answer that cannot be asked.
func (s *scene) noJSON(a *answer, q *query, err error) *asked {
	mediaType, _ := splitType(a.header.Get("Content-Type"))
	said := &asked{hint: "is this the URL of the data, and not of a page about it? open " + s.shown(a.url)}
	what := "is not JSON"
	extra, more := errors.AsType[*extraError](err)
	switch {
	case errors.Is(err, io.EOF):
		what = "is empty"
	case errors.Is(err, io.ErrUnexpectedEOF):
		what, said.hint = "is JSON that ends in the middle", "the service stopped while it answered: look at its log"
	case more:
		what = fmt.Sprintf("is not one JSON value: more follows after byte %d", extra.at)
		said.hint = "several values in a row (NDJSON) are no document: a regex can look at them"
	case isHTML(mediaType, a.body):
		said.hint = "a page came instead of the data: an error, a maintenance page, or a sign-in; open " + s.shown(a.url)
	}
	said.message = fmt.Sprintf("the answer (%s) %s, and the query %s cannot be put to it%s", s.statusOf(a), what, shortQuery(q.text), s.beginning(a, quoteShort))
	return said
}

// put puts one query to the document of an answer.
func (s *scene) put(ctx context.Context, q *query, doc any, a *answer) *asked {
	iter, n := q.code.RunWithContext(ctx, doc), 0
	for {
		v, ok := iter.Next()
		switch {
		case !ok && n == 0:
			return &asked{message: fmt.Sprintf("the query %s yields nothing (%s)%s", shortQuery(q.text), s.statusOf(a), s.operands(ctx, q, doc)),
				hint: "nothing in the document was selected" + s.keysOf(doc)}
		case !ok:
			return nil
		case v == true:
			n++
			continue
		}
		which := ""
		if n > 0 {
			which = fmt.Sprintf("result %d of ", n+1)
		}
		return s.wrong(ctx, which, q, doc, v)
	}
}

// wrong tells of a result that is not true.
func (s *scene) wrong(ctx context.Context, which string, q *query, doc, v any) *asked {
	err, failed := v.(error)
	switch {
	case ctx.Err() != nil:
		return &asked{message: fmt.Sprintf("the query %s was not done within %s", shortQuery(q.text), queryTime),
			hint: "does the query end? a smaller document, or a simpler query, is done in time"}
	case failed:
		return &asked{message: fmt.Sprintf("the query %s fails: %q", shortQuery(q.text), s.failure(q, err)),
			hint: "the document is built in another way than the query expects" + s.keysOf(doc)}
	}
	said := &asked{message: fmt.Sprintf("%sthe query %s is %s, not true%s", which, shortQuery(q.text), s.valueOf(q.text, v, quoteShort/3), s.operands(ctx, q, doc))}
	said.hint = "the service answers, and says this of itself: compare with " + s.shown(s.url)
	if strings.Contains(said.message, " is null") {
		said.hint = "null is what a path yields that is not there" + s.keysOf(doc)
	}
	return said
}

// failure quotes the error of a query, without the value in it where that may be a
// token.
func (s *scene) failure(q *query, err error) string {
	text := err.Error()
	if secret.NamesToken(q.text) {
		text, _, _ = strings.Cut(text, ` ("`)
	}
	return secret.Line(s.quote(text), quoteShort)
}

func shortQuery(text string) string {
	return secret.Line(strings.Join(strings.Fields(text), " "), 100)
}

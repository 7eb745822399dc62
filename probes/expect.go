package probes

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/watchword/watchword/internal/check"
)

// expectations is Expect, ready for use. Judging is pure.
type expectations struct {
	status   []span
	keywords [][]byte
	absent   [][]byte
	more     *demands // nil where no more is demanded, as for most
}

type span struct{ from, to int }

func newExpectations(e Expect) (expectations, []check.Problem) {
	var x expectations
	var ps []check.Problem
	for i, s := range e.Status {
		sp, err := parseSpan(s)
		if err != nil {
			ps = append(ps, check.Problem{Path: fmt.Sprintf("expect.status[%d]", i), Message: err.Error()})
		}
		x.status = append(x.status, sp)
	}
	if len(e.Status) == 0 {
		ps = append(ps, check.Problem{Path: "expect.status", Message: "no status is expected: name at least one, like 200-299"})
	}
	x.keywords, ps = words("expect.keyword", e.Keyword, ps)
	x.absent, ps = words("expect.absent", e.Absent, ps)
	x.more, ps = newDemands(e, ps)
	return x, ps
}

func parseSpan(s string) (span, error) {
	from, to, isRange := strings.Cut(s, "-")
	if !isRange {
		to = from
	}
	a, err := strconv.Atoi(strings.TrimSpace(from))
	b, err2 := strconv.Atoi(strings.TrimSpace(to))
	switch {
	case err != nil || err2 != nil || a < 100 || a > 999 || b < 100 || b > 999:
		return span{}, fmt.Errorf("%q is neither a status (200) nor a range of them (200-299)", s)
	case a > b:
		return span{}, fmt.Errorf("the range %q ends before it begins", s)
	}
	return span{a, b}, nil
}

func words(path string, ws []string, ps []check.Problem) ([][]byte, []check.Problem) {
	bs := make([][]byte, 0, len(ws))
	for i, w := range ws {
		if err := checkWord(w); err != nil {
			ps = append(ps, check.Problem{Path: fmt.Sprintf("%s[%d]", path, i), Message: err.Error()})
		}
		bs = append(bs, []byte(w))
	}
	return bs, ps
}

func checkWord(w string) error {
	switch {
	case w == "":
		return errors.New("the word is empty: it would be found in every body")
	case !utf8.ValidString(w):
		return errors.New("the word is not valid UTF-8: it could never be found")
	}
	return nil
}

// expects says whether the status is one of those expected.
func (x *expectations) expects(status int) bool {
	for _, s := range x.status {
		if status >= s.from && status <= s.to {
			return true
		}
	}
	return false
}

// refusal says whether the monitor expects to be refused: it never has a token
// replaced.
func (x *expectations) refusal() bool { return x.expects(401) || x.expects(403) }

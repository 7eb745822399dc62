package probes

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"

	"github.com/watchword/watchword/internal/check"
)

// shortfall is the expectation that an answer does not meet. The zero shortfall
// says that it meets all.
type shortfall struct {
	reason check.Reason
	kind   expectKind
	at     int  // which one of its kind
	lacks  bool // what should be there is not: for the rule of sign-in pages
}

type expectKind int

const (
	ofKeyword expectKind = iota + 1
	ofRegex
	ofJSON
	ofHeader
	ofAbsent
	ofAbsentRegex
	ofAbsentHeader
	ofVersion
	ofPlain
)

// judge compares an answer with what was expected. What was not found in a body
// that goes on where it was no longer read is undecided. What should be there
// goes first: where it is missing, another page came.
func (x *expectations) judge(a *answer) shortfall {
	f := x.missing(a)
	undecided := f.reason == check.BodyTooLarge
	switch {
	case f.reason != "" && !undecided:
		return f
	case !undecided:
		if f := x.present(a); f.reason != "" {
			return f
		}
	}
	if undecided || a.cut && x.forbids() {
		return shortfall{reason: check.BodyTooLarge}
	}
	if x.more == nil {
		return shortfall{}
	}
	return x.more.version(a)
}

// forbids says whether something must not be in the body.
func (x *expectations) forbids() bool {
	return len(x.absent) > 0 || x.more != nil && len(x.more.absentRegex) > 0
}

// missing returns the first that should be there and is not. Of what is undecided
// it is told only where nothing else is missing for sure.
func (x *expectations) missing(a *answer) shortfall {
	f := shortfall{}
	lack := func(r check.Reason, k expectKind, i int) {
		switch {
		case a.cut && k != ofHeader && (k != ofJSON || a.asked.undecided):
			if f.reason == "" {
				f = shortfall{reason: check.BodyTooLarge}
			}
		case !f.lacks:
			f = shortfall{r, k, i, true}
		}
	}
	for i, w := range x.keywords {
		if !bytes.Contains(a.body, w) {
			lack(check.KeywordMissing, ofKeyword, i)
			break
		}
	}
	if x.more != nil && !f.lacks {
		x.more.missing(a, lack)
	}
	return f
}

func (d *demands) missing(a *answer, lack func(check.Reason, expectKind, int)) {
	for i, re := range d.regex {
		if !re.Match(a.body) {
			lack(check.Regex, ofRegex, i)
			break
		}
	}
	if a.asked != nil {
		lack(check.JSON, ofJSON, a.asked.failed)
	}
	for i, h := range d.headers {
		if !slices.ContainsFunc(a.header[h.name], h.re.MatchString) {
			lack(check.Header, ofHeader, i)
			break
		}
	}
}

// present returns the first that should not be there and is.
func (x *expectations) present(a *answer) shortfall {
	for i, w := range x.absent {
		if bytes.Contains(a.body, w) {
			return shortfall{reason: check.KeywordPresent, kind: ofAbsent, at: i}
		}
	}
	if x.more == nil {
		return shortfall{}
	}
	for i, re := range x.more.absentRegex {
		if re.Match(a.body) {
			return shortfall{reason: check.Regex, kind: ofAbsentRegex, at: i}
		}
	}
	for i, h := range x.more.absentHeaders {
		if slices.ContainsFunc(a.header[h.name], h.re.MatchString) {
			return shortfall{reason: check.Header, kind: ofAbsentHeader, at: i}
		}
	}
	return shortfall{}
}

// version judges how the answer came.
func (d *demands) version(a *answer) shortfall {
	switch {
	case d.oldestTLS != "" && a.plain:
		return shortfall{reason: check.Handshake, kind: ofPlain}
	case len(d.versions) > 0 && !slices.Contains(d.versions, a.version()):
		return shortfall{reason: check.Protocol, kind: ofVersion}
	}
	return shortfall{}
}

// version is that of HTTP, as it is configured.
func (a *answer) version() string {
	if a.major >= 2 { // they have no minor versions (RFC 9110, section 2.5)
		return strconv.Itoa(int(a.major))
	}
	return fmt.Sprintf("%d.%d", a.major, a.minor)
}

// wordy says whether what is looked for stands in a page, so that a page with all
// of it is the one that was meant.
func (x *expectations) wordy() bool {
	return len(x.keywords) > 0 || x.more != nil && len(x.more.regex) > 0
}

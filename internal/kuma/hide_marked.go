package kuma

import (
	"regexp"
	"strings"
)

// pieces takes a text apart: variables with their marks, and what stands between
// them.
func pieces(s string) []string {
	var all []string
	for s != "" {
		from := strings.Index(s, markBegin)
		to := strings.Index(s, markEnd) + len(markEnd)
		switch {
		case from < 0 || to < from:
			return append(all, s)
		case from > 0:
			all = append(all, s[:from])
		}
		all = append(all, s[from:to])
		s = s[to:]
	}
	return all
}

// keep puts a secret into the vault. A variable of the foreign file within it
// stays one; what is written beside it is kept.
func (h *hider) keep(owner, kind, s string) Raw {
	if !h.variables || !marked(s) {
		return h.vault.Secret(owner, kind, s)
	}
	var b strings.Builder
	for _, p := range pieces(s) {
		if marked(p) || glue(p) {
			b.WriteString(string(h.plain(p)))
			continue
		}
		b.WriteString(string(h.vault.Secret(owner, kind, p)))
	}
	return Raw(b.String())
}

// glue says whether what stands beside a variable is nothing to hide: what glues
// parts together, or the beginning of an address.
func glue(piece string) bool {
	return regexp.MustCompile(`^([/:=_-]|https?://[\w.:-]+(/[a-z]{0,12}[0-9]{0,2})*(/[0-9]+/)?)$`).MatchString(piece)
}

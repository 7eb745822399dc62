package config

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// CheckText says what is wrong with a text that is to be shown, "" for nothing.
func CheckText(s string) string { return unseen(s) }

// unseen says what is wrong with a text that is shown in terminals, pages and
// messages: a character that is not seen and changes what is, such as the start
// of a color or of writing from right to left. "" for nothing.
func unseen(s string) string {
	i := strings.IndexFunc(s, func(r rune) bool {
		return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || unicode.In(r, unicode.Zl, unicode.Zp)
	})
	if i < 0 {
		return ""
	}
	r, _ := utf8.DecodeRuneInString(s[i:])
	return fmt.Sprintf("%q holds the control character %U, which is not seen and changes how the rest is shown: take it out", s, r)
}

// checkShown holds what a monitor is called beside its name to what can be shown.
func (m *monitors) checkShown(k *monitorKeys, v view) {
	if wrong := unseen(k.Group); wrong != "" {
		m.object(v, "group: "+wrong, "group")
	}
	for _, name := range sortedKeys(k.Labels) {
		if wrong := unseen(k.Labels[name]); wrong != "" {
			m.object(v, "labels."+name+": "+wrong, "labels."+name)
		}
	}
}

// checkNames holds the names of credentials or notifiers to what can be shown.
func (l *loader) checkNames(what string, items []item) {
	for _, it := range items {
		if wrong := unseen(it.name); wrong != "" {
			l.complain(it.pos, what+": the name "+wrong)
		}
	}
}

package kuma

import (
	"regexp"
	"slices"
	"strings"
)

// hider finds secrets in what a monitor sends and puts them into the vault.
type hider struct {
	vault     *Vault
	name      *regexp.Regexp   // of something secret
	token     *regexp.Regexp   // a value that looks like one
	login     *regexp.Regexp   // the value of an Authorization: scheme and secret
	parts     *regexp.Regexp   // "name": "value", <name>value</, name=value of a body
	plain     func(string) Raw // writes what is no secret
	variables bool             // are marked in what is read, and stay ones
}

func newHider(v *Vault) *hider {
	return &hider{
		vault: v,
		plain: Escape,
		name: regexp.MustCompile(`(?i)token|secret|passw|passphrase|pwd|api[-_ ]?key|access[-_ ]?key|credential|session|signature|jwt|bearer|cookie|private|authoriz|` +
			`(^|[-_.x])auth($|[-_.])|(^|[-_.])(key|sig|pass|pw|sid|otp|pin)$`),
		token: regexp.MustCompile(`^(eyJ[\w-]+\.[\w.-]+|[A-Za-z0-9_+/=.~%-]{20,})$`),
		login: regexp.MustCompile(`^([A-Za-z][\w-]*) +(\S+)$`),
		parts: regexp.MustCompile(`"((?:[^"\\]|\\.)+)"\s*:\s*"((?:[^"\\]|\\.)+)"|<([\w:.-]+)[^<>]*>([^<>]+)</|(?:^|[&\s])([\w.\[\]-]+)=["']?([^&\s"'<>]+)`),
	}
}

// secretName says whether what is called so is a secret.
func (h *hider) secretName(name string) bool { return h.name.MatchString(name) }

// looksSecret says whether a value is one by its looks: long, without blanks, of
// letters and several digits, or a JWT.
func (h *hider) looksSecret(value string) bool {
	if h.variables && marked(value) {
		return slices.ContainsFunc(pieces(value), func(p string) bool { return !marked(p) && h.looksSecret(p) })
	}
	if !h.token.MatchString(value) {
		return false
	}
	digits := 0
	for _, r := range value {
		if r >= '0' && r <= '9' {
			digits++
		}
	}
	return digits >= 4 && strings.ContainsFunc(value, func(r rune) bool { return r >= 'A' && r <= 'z' }) || strings.HasPrefix(value, "eyJ")
}

// cut replaces parts of a text, given as [from, to) in order, by what hide makes
// of them.
func (h *hider) cut(text string, spans [][2]int, hide func(i int, part string) Raw) (Raw, bool) {
	var parts []Raw
	at := 0
	for i, s := range spans {
		parts = append(parts, h.plain(text[at:s[0]]), hide(i, text[s[0]:s[1]]))
		at = s[1]
	}
	return Join(append(parts, h.plain(text[at:]))...)
}

// url writes a URL: a password in it and what looks like a secret in its query
// go into the vault.
func (h *hider) url(owner, raw string) any {
	spans, kinds := h.userinfo(raw)
	query, more := h.query(raw)
	spans, kinds = append(spans, query...), append(kinds, more...)
	if len(spans) == 0 {
		return raw
	}
	text, ok := h.cut(raw, spans, func(i int, part string) Raw { return h.keep(owner, kinds[i], part) })
	if !ok {
		return h.keep(owner, "url", raw)
	}
	return text
}

// userinfo finds the password of a URL; a user name alone is one.
func (h *hider) userinfo(raw string) (spans [][2]int, kinds []string) {
	start := strings.Index(raw, "://") + 3
	end := start + strings.IndexAny(raw[start:]+"/", "/?#")
	at := strings.LastIndex(raw[start:end], "@")
	if start < 3 || at < 1 {
		return nil, nil
	}
	if colon := strings.Index(raw[start:start+at], ":"); colon >= 0 {
		if colon+1 == at {
			return nil, nil
		}
		return [][2]int{{start + colon + 1, start + at}}, []string{"password"}
	}
	return [][2]int{{start, start + at}}, []string{"user"}
}

// query finds secrets in the query of a URL.
func (h *hider) query(raw string) (spans [][2]int, kinds []string) {
	end := strings.Index(raw+"#", "#")
	at := strings.Index(raw[:end], "?") + 1
	if at == 0 {
		return nil, nil
	}
	for part := range strings.SplitSeq(raw[at:end], "&") {
		name, value, _ := strings.Cut(part, "=")
		if value != "" && (h.secretName(name) || h.looksSecret(value)) {
			from := at + len(name) + 1
			spans, kinds = append(spans, [2]int{from, from + len(value)}), append(kinds, name)
		}
		at += len(part) + 1
	}
	return spans, kinds
}

// harmless are headers whose value is no secret, however long.
func harmless() []string {
	return []string{"accept", "accept-encoding", "accept-language", "cache-control", "content-type", "content-language", "host", "if-modified-since", "if-none-match",
		"origin", "pragma", "referer", "user-agent", "x-requested-with"}
}

// header writes the value of a header.
func (h *hider) header(owner, name, value string) any {
	lower := strings.ToLower(name)
	if value == "" || slices.Contains(harmless(), lower) || !h.secretName(name) && !h.looksSecret(value) && !h.login.MatchString(value) {
		return value
	}
	m := h.login.FindStringSubmatchIndex(value)
	switch {
	case lower == "cookie":
		return h.cookie(owner, value)
	case m == nil:
		return h.keep(owner, name, value)
	case !h.secretName(name) && !h.looksSecret(value[m[4]:m[5]]):
		return value
	}
	text, ok := h.cut(value, [][2]int{{m[4], m[5]}}, func(_ int, part string) Raw { return h.keep(owner, name, part) })
	if !ok {
		return h.keep(owner, name, value)
	}
	return text
}

// cookie hides the values of cookies, and shows their names.
func (h *hider) cookie(owner, value string) any {
	var spans [][2]int
	var kinds []string
	at := 0
	for part := range strings.SplitSeq(value, ";") {
		name, v, ok := strings.Cut(part, "=")
		if !ok && strings.TrimSpace(part) != "" {
			return h.keep(owner, "cookie", value)
		}
		if v != "" {
			from := at + len(name) + 1
			spans, kinds = append(spans, [2]int{from, from + len(v)}), append(kinds, "cookie "+name)
		}
		at += len(part) + 1
	}
	text, ok := h.cut(value, spans, func(i int, part string) Raw { return h.keep(owner, kinds[i], part) })
	if !ok {
		return h.keep(owner, "cookie", value)
	}
	return text
}

// body writes a body: members of JSON, elements of XML and fields of a form that
// look like secrets go into the vault; where one is spoken of and cannot be told
// apart, all of it.
func (h *hider) body(owner, body string) any {
	var spans [][2]int
	var kinds []string
	for _, m := range h.parts.FindAllStringSubmatchIndex(body, -1) {
		for g := 2; g < len(m); g += 4 {
			if m[g] < 0 {
				continue
			}
			name, value := body[m[g]:m[g+1]], body[m[g+2]:m[g+3]]
			if h.secretName(name) || h.looksSecret(value) {
				spans, kinds = append(spans, [2]int{m[g+2], m[g+3]}), append(kinds, name)
			}
		}
	}
	if len(spans) == 0 {
		if strings.Contains(strings.ToLower(body), "passw") || strings.Contains(strings.ToLower(body), "secret") {
			return h.keep(owner, "body", body)
		}
		return body
	}
	text, ok := h.cut(body, spans, func(i int, part string) Raw { return h.keep(owner, kinds[i], part) })
	if !ok {
		return h.keep(owner, "body", body)
	}
	return text
}

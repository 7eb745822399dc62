package probes

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// Why a text is not there is best told by what is there in its place. This is
// sought on failures alone, in time that grows with the body and no faster.

const (
	nearWindow  = 1 << 20 // bytes of a body that are searched
	longestWord = 256     // bytes of a keyword that are looked for
	leastPiece  = 4       // characters that are no chance
)

// near is the place in a body that comes nearest to a word.
type near struct {
	from, to int
	how      string // what is different there, or "" where it is a piece of the word only
}

// nearest looks for a word that is not in body: for the same but for case, white
// space and the like, then for the longest piece of it.
func nearest(body, word []byte) (near, bool) {
	body = body[:min(len(body), nearWindow)]
	text, sought := fold(body, alikeText), bytes.TrimSpace(fold(word, alikeText))
	if len(sought) == 0 {
		return near{}, false
	}
	if i := bytes.Index(text, sought); i >= 0 {
		from, to := place(body, alikeText, i, i+len(sought))
		return near{from, to, differences(body[from:to], word)}, true
	}
	if n, ok := nearestApart(body, word); ok {
		return n, true
	}
	end, n := longestPiece(text, sought[:min(len(sought), longestWord)])
	if piece := utf8.RuneCount(text[end-n : end]); piece < leastPiece || 2*piece < utf8.RuneCount(sought) {
		return near{}, false
	}
	from, to := place(body, alikeText, end-n, end)
	return near{from, to, ""}, true
}

// nearestApart looks for a word past white space and markup. Of a short word that
// would be chance.
func nearestApart(body, word []byte) (near, bool) {
	mode := alikeAll
	if bytes.IndexByte(word, '<') >= 0 {
		mode &^= alikeMarkup
	}
	sought := fold(word, mode)
	if utf8.RuneCount(sought) <= leastPiece {
		return near{}, false
	}
	i := bytes.Index(fold(body, mode), sought)
	if i < 0 {
		return near{}, false
	}
	from, to := place(body, mode, i, i+len(sought))
	return near{from, to, differences(body[from:to], word)}, true
}

// differences says in which respects two texts are alike only.
func differences(found, word []byte) string {
	escapes := "characters are escaped (as &amp; is)"
	if bytes.IndexByte(found, '&') < 0 {
		escapes = `characters are escaped (as \u00fc is)`
	}
	space := "white space differs"
	if bytes.Contains(found, []byte("\u00a0")) || bytes.Contains(found, []byte("&nbsp;")) {
		space = "white space differs (a no-break space)"
	}
	told := ""
	for _, d := range []struct {
		what alike
		text string
	}{
		{alikeMarkup, "markup stands in it"}, {alikeCase, "case differs"}, {alikeSpace | alikeGaps, space}, {alikeEscapes, escapes},
		{alikeForms, "letters are composed in another way (Unicode normalisation)"},
		{alikeStyle, "quotes, dashes or dots are typographic"}, {alikeUnseen, "invisible characters stand in it"},
	} {
		if d.text == space && strings.HasPrefix(told, ", markup") { // which stands for a space itself
			continue
		}
		if !bytes.Equal(bytes.TrimSpace(fold(found, alikeAll&^d.what)), bytes.TrimSpace(fold(word, alikeAll&^d.what))) {
			told += ", " + d.text
		}
	}
	if told == "" { // white space at the ends, or what stands for two of these
		return "white space or spelling differs"
	}
	return told[2:]
}

// longestPiece returns where in text the longest piece of word ends, and its
// length, by the suffix automaton of word.
func longestPiece(text, word []byte) (end, length int) {
	a := automatonOf(word)
	state, n := int32(0), 0
	for i, c := range text {
		k := a.class[c]
		if k == 0 {
			state, n = 0, 0
			continue
		}
		for state != 0 && a.next[state][k] == 0 {
			state = a.link[state]
			n = int(a.size[state])
		}
		if to := a.next[state][k]; to != 0 {
			state, n = to, n+1
		}
		if n > length {
			end, length = i+1, n
		}
	}
	return wholeRunes(text, end, length)
}

// wholeRunes takes parts of characters off a piece.
func wholeRunes(text []byte, end, length int) (int, int) {
	from := end - length
	for from < end && !utf8.RuneStart(text[from]) {
		from++
	}
	for end > from && end < len(text) && !utf8.RuneStart(text[end]) {
		end--
	}
	return end, end - from
}

// automaton knows every piece of a word. State 0 is the empty piece; no way
// leads back to it, so that 0 says that there is none.
type automaton struct {
	class [256]uint8 // of a byte among those of the word; 0: it is not in it
	next  [][]int32  // by state and class
	link  []int32    // the longest piece at the end of this one that has another state
	size  []int32    // of the longest piece of a state
}

func automatonOf(word []byte) *automaton {
	a := &automaton{}
	classes := uint8(0)
	for _, c := range word {
		if a.class[c] == 0 && classes < 255 {
			classes++
			a.class[c] = classes
		}
	}
	last := a.state(0, int(classes)+1)
	a.link[last] = -1
	for _, c := range word {
		last = a.grow(last, a.class[c])
	}
	a.link[0] = 0
	return a
}

func (a *automaton) state(size int32, classes int) int32 {
	a.next = append(a.next, make([]int32, classes))
	a.link = append(a.link, 0)
	a.size = append(a.size, size)
	return int32(len(a.next) - 1)
}

// grow adds a byte to the word (Blumer et al., 1985).
func (a *automaton) grow(last int32, k uint8) int32 {
	cur := a.state(a.size[last]+1, len(a.next[0]))
	p := last
	for ; p >= 0 && a.next[p][k] == 0; p = a.link[p] {
		a.next[p][k] = cur
	}
	if p < 0 {
		return cur
	}
	q := a.next[p][k]
	if a.size[p]+1 == a.size[q] {
		a.link[cur] = q
		return cur
	}
	clone := a.state(a.size[p]+1, len(a.next[0]))
	copy(a.next[clone], a.next[q])
	a.link[clone] = a.link[q]
	for ; p >= 0 && a.next[p][k] == q; p = a.link[p] {
		a.next[p][k] = clone
	}
	a.link[q], a.link[cur] = clone, clone
	return cur
}

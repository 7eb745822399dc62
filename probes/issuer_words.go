package probes

import (
	"encoding/json"
	"slices"
)

// word is a text of a document that others wrote. Where it is something else, its
// JSON stands for it, so that one odd member does not make all of it unreadable.
type word string

func (w *word) UnmarshalJSON(raw []byte) error {
	var s string
	if json.Unmarshal(raw, &s) != nil {
		s = string(raw)
	}
	*w = word(s) // null is ""
	return nil
}

// wordList is a list of texts, or one text that should be in a list.
type wordList []string

func (w *wordList) UnmarshalJSON(raw []byte) error {
	var all []word
	if json.Unmarshal(raw, &all) != nil {
		var one word
		if err := json.Unmarshal(raw, &one); err != nil {
			return err
		}
		all = []word{one}
	}
	*w = nil
	for _, one := range all {
		*w = append(*w, string(one))
	}
	return nil
}

// UnmarshalJSON takes what is no object for a key of no kind.
func (k *publicKey) UnmarshalJSON(raw []byte) error {
	type members publicKey // without this method
	var m members
	if json.Unmarshal(raw, &m) != nil {
		m = members{}
	}
	*k = publicKey(m)
	return nil
}

func (w wordList) has(one string) bool { return slices.Contains(w, one) }

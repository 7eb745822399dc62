package notifiers

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
)

// encode writes v as JSON without escaping for HTML, which would take room from
// the message.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, fmt.Errorf("encode the message: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

func jsonHeader() http.Header {
	return http.Header{"Content-Type": {"application/json"}}
}

// color is the colour bar of a tone, the status colours of the page.
func color(t tone) int {
	switch t {
	case toneGood:
		return 0x1a7a51
	case toneExposed:
		return 0xa3128b
	case toneWarn:
		return 0x975a00
	case toneQuiet:
		return 0x5d6872
	default:
		return 0xc0272d
	}
}

func hexColor(t tone) string { return fmt.Sprintf("#%06x", color(t)) }

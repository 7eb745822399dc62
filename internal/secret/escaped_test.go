package secret_test

import (
	"testing"

	"github.com/watchword/watchword/internal/secret"
)

// TestScrubEscaped: an echo in the escapes of one language or another.
func TestScrubEscaped(t *testing.T) {
	const sec = "aB/c+d=é\"f'"
	for _, in := range []string{
		`aB%2fc%2bd%3d%c3%a9%22f%27`,             // .NET
		`aB\/c+d=\u00e9\"f'`,                     // PHP
		`aB/c\u002bd\u003d\u00E9\u0022f\u0027`,   // .NET, Gson
		`aB/c&#43;d=é&#34;f&#39;`,                // Go
		`aB&#x2F;c+d&#x3D;&eacute;&quot;f&#x27;`, // Mustache
		`%61B%2Fc+d=é"f'`,
	} {
		if got := secret.Scrub("<"+in+">", sec); got != "<"+secret.Redacted+">" {
			t.Errorf("%s is shown as %s", in, got)
		}
	}
	for _, in := range []string{`100% \ & &#; %zz \uzzzz`, `aB%2fc`, ""} {
		if got := secret.Scrub(in, sec); got != in {
			t.Errorf("%s became %s", in, got)
		}
	}
}

package docs_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/watchword/watchword/internal/lab"
)

// TestDemoSwitches: the page on the demo lists every switch, and what each brings.
func TestDemoSwitches(t *testing.T) {
	w, err := lab.Start(t.Context(), lab.Config{Far: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = w.Close(t.Context()) }()
	var want strings.Builder
	for _, s := range w.Switches() {
		expect := "`" + s.Expect + "`"
		if s.Once {
			expect = s.Expect
		}
		fmt.Fprintf(&want, "| `%s` | %s | %s |\n", s.Name, s.Help, expect)
	}
	if !strings.Contains(read(t, "docs/demo.md"), "|---|---|---|\n"+want.String()) {
		t.Errorf("docs/demo.md does not list the switches as they are:\n%s", &want)
	}
}

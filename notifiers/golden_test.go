package notifiers_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/watchword/watchword/internal/check"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestGolden compares whole payloads with testdata, so that a change in what
// people see is seen in review. Run with -update to write them anew.
func TestGolden(t *testing.T) {
	for _, k := range kinds() {
		if k.name == "teams connector" {
			continue // the same card
		}
		for _, tc := range []struct {
			name string
			d    check.Delivery
		}{
			{"down", delivery(check.KindDown, credentialDown())},
			{"several", several(3)},
			{"up", up()},
			{"reminder", delivery(check.KindReminder, applicationDown())},
			{"joined", joined()},
		} {
			t.Run(k.name+" "+tc.name, func(t *testing.T) {
				chat, base := newChat(t)
				if _, err := newChannel(t, k.options(base)).Deliver(t.Context(), tc.d); err != nil {
					t.Fatal(err, chat.Problems())
				}
				var got bytes.Buffer
				if err := json.Indent(&got, last(t, chat, k.channel).Body, "", "  "); err != nil {
					t.Fatal(err)
				}
				got.WriteByte('\n')
				file := filepath.Join("testdata", k.channel+"-"+tc.name+".json")
				if *update {
					if err := os.WriteFile(file, got.Bytes(), 0o644); err != nil {
						t.Fatal(err)
					}
				}
				want, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(got.Bytes(), want) {
					t.Errorf("%s differs; got\n%s", file, got.Bytes())
				}
			})
		}
	}
}

func joined() check.Delivery {
	e := credentialDown()
	e.Joined, e.Members, e.Link = true, members(2, "Late"), ""
	return delivery(check.KindDown, e)
}

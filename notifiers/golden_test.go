package notifiers_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
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
			{"held", held()},
			{"certificate", delivery(check.KindCertificate, certificate(1))},
			{"certificates", delivery(check.KindCertificate, certificate(3), certificate(1))},
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

// certificate is what incident says of one that n monitors show.
func certificate(n int) check.Event {
	e := check.Event{
		Incident: fmt.Sprintf("certificate-%016x", n), At: now(), Severity: check.Warning,
		Cause: check.Cause{Kind: check.CauseCertificate, Key: "wiki.example.com"},
		Fault: check.FaultText{
			Class: check.TLS, Reason: check.CertificateExpired,
			Message: "the certificate of wiki.example.com (CN=wiki.example.com, issued by CN=R11,O=Let's Encrypt,C=US) expires in 6 days, on 2026-11-28 12:00 CET",
			Hint:    "renew the certificate for wiki.example.com with its issuer, and load it at wiki.example.com: a renewed file that nobody reloaded looks the same",
		},
		Members: []check.Member{{ID: "wiki", Name: "Wiki"}}, Link: "https://watch.example.com/",
	}
	if n > 1 {
		e.Cause.Key = "*.example.com"
		e.Members = nil
		for i := range n {
			e.Members = append(e.Members, check.Member{ID: fmt.Sprintf("m-%d", i+1), Name: fmt.Sprintf("Service %d", i+1)})
		}
	}
	return e
}

func joined() check.Delivery {
	e := credentialDown()
	e.Joined, e.Members, e.Link = true, members(2, "Late"), ""
	return delivery(check.KindDown, e)
}

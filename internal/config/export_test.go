package config

import (
	"testing"

	"github.com/watchword/watchword/probes"
)

func TestKumaType(t *testing.T) {
	for want, e := range map[string]probes.Expect{
		"http": {Status: []string{"200"}}, "keyword": {Absent: []string{"x"}}, "json-query": {Keyword: []string{"x"}, JSON: []string{".ok"}},
	} {
		m := Monitor{Type: probes.TypeHTTP, HTTP: probes.HTTPOptions{Expect: e}}
		if got := m.Check().KumaType; got != want {
			t.Errorf("%+v: got %q, want %q", e, got, want)
		}
	}
	if got := (Monitor{Type: probes.TypeGuard}).Check().KumaType; got != "" {
		t.Errorf("a guard: got %q, want none", got)
	}
}

package incident_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/incident"
)

// BenchmarkStorm is n monitors that go down for one cause and come back.
func BenchmarkStorm(b *testing.B) {
	for _, n := range []int{1000, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for range b.N {
				storm(b, n)
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/float64(2*n), "µs/change")
		})
	}
}

func storm(tb testing.TB, n int) (changes int) {
	id := int64(0)
	o := incident.Options{GroupWait: 10 * time.Second, NewID: func() string { id++; return fmt.Sprint(id) }, DeliveryID: func() int64 { id++; return id }}
	t := incident.New(o)
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	var ps []incident.Policy
	for i := range n {
		ps = append(ps, incident.Policy{Monitor: &check.Monitor{ID: fmt.Sprintf("monitor-%05d", i), Name: fmt.Sprintf("Monitor %d", i), Type: "http"},
			Interval: time.Minute, Recoveries: 1, Notify: []string{"ops"}})
	}
	t.Configure(o, ps, []incident.Channel{{Name: "ops"}}, now)
	step := time.Minute / time.Duration(n)
	for _, f := range []*check.Fault{provider(), nil} {
		for _, p := range ps {
			now = now.Add(step)
			_, c := t.Observe(check.Result{Monitor: p.Monitor, Start: now, Fault: f})
			more, _ := t.Advance(now)
			changes += len(c.Incidents) + len(more.Incidents)
		}
	}
	if open := t.Open(); len(open) > 0 {
		tb.Fatalf("%d incidents are open after the storm", len(open))
	}
	return changes
}

package lab_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/watchword/watchword/internal/lab"
)

// nowhere is a ResponseWriter that costs nothing.
type nowhere struct{ h http.Header }

func (n nowhere) Header() http.Header         { return n.h }
func (n nowhere) Write(b []byte) (int, error) { return len(b), nil }
func (n nowhere) WriteHeader(int)             {}

func guardedPage(t testing.TB) (http.Handler, *http.Request) {
	p := testProvider(lab.ProviderOptions{})
	token, err := p.Mint(lab.Grant{Client: "probe", Scope: []string{lab.BearerScope}, Audience: []string{"https://app.example.test/"}}, lab.Opaque)
	if err != nil {
		t.Fatal(err)
	}
	gate := lab.NewGateway(lab.GatewayOptions{
		Access: lab.NewAccess(lab.AccessOptions{Provider: p}), App: lab.NewApplication(lab.ApplicationOptions{}),
		Origin: "https://app.example.test",
	})
	req := httptest.NewRequest(http.MethodGet, "/m/1", nil)
	req.Header.Set("Authorization", "Bearer "+token)
	return gate, req
}

// A page behind the gate must cost the benchmark nothing worth counting.
func TestAPageAllocatesNothing(t *testing.T) {
	gate, req := guardedPage(t)
	w := nowhere{http.Header{}}
	if n := testing.AllocsPerRun(100, func() { gate.ServeHTTP(w, req) }); n > 0 {
		t.Errorf("got %v allocations for a page, want none", n)
	}
}

func BenchmarkPage(b *testing.B) {
	gate, req := guardedPage(b)
	w := nowhere{http.Header{}}
	for b.Loop() {
		gate.ServeHTTP(w, req)
	}
}

package lab_test

import (
	"net/http"
	"testing"

	"github.com/watchword/watchword/internal/lab"
)

// overPipe serves the handler without sockets and returns what sends to it and
// what ends it.
func overPipe(t *testing.T, h http.Handler) (*http.Transport, func()) {
	t.Helper()
	pipe := lab.NewPipe()
	srv := &http.Server{Handler: h, ErrorLog: quiet()}
	done := make(chan struct{})
	go func() {
		defer close(done)
		srv.Serve(pipe)
	}()
	rt := pipe.Transport()
	return rt, func() {
		rt.CloseIdleConnections()
		srv.Close()
		<-done
	}
}

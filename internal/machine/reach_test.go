package machine

import "testing"

func TestReachable(t *testing.T) {
	for listen, want := range map[string]string{
		"127.0.0.1:9640": "127.0.0.1:9640", "0.0.0.0:9640": "127.0.0.1:9640", ":9640": "127.0.0.1:9640", "[::]:9640": "[::1]:9640", "[::ffff:0.0.0.0]:1": "127.0.0.1:1",
		"[fe80::1]:9640": "[fe80::1]:9640", "watch.example.com:80": "watch.example.com:80", "9640": "9640", "": "",
	} {
		if got := Reachable(listen); got != want {
			t.Errorf("%q: got %q, want %q", listen, got, want)
		}
	}
}

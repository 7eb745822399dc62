package check

import "testing"

func TestCount(t *testing.T) {
	for n, want := range map[int]string{0: "0 causes", 1: "1 cause", 2: "2 causes"} {
		if got := Count(n, "cause", "causes"); got != want {
			t.Errorf("%d: got %q, want %q", n, got, want)
		}
	}
}

func TestSome(t *testing.T) {
	for want, names := range map[string][]string{"": nil, "a": {"a"}, "a, b": {"a", "b"}, "a, b and 1 more": {"a", "b", "c"}, "a, b and 3 more": {"a", "b", "c", "d", "e"}} {
		if got := Some(names, 2); got != want {
			t.Errorf("%v: got %q, want %q", names, got, want)
		}
	}
}

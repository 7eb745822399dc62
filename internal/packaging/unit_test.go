package packaging

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestUnit has systemd's own tools judge the unit, with the program where the
// unit looks for it.
func TestUnit(t *testing.T) {
	t.Parallel()
	analyze := program(t, "systemd-analyze", "systemd")
	text := read(t, filepath.Join(root, "packaging/systemd/watchword.service"))
	binary := write(t, filepath.Join(t.TempDir(), "watchword"), "#!/bin/sh\n")
	out(t, command(t, "", "chmod", "755", binary))
	unit := write(t, filepath.Join(t.TempDir(), "watchword.service"), strings.ReplaceAll(text, "/usr/local/bin/watchword", binary))
	verify := command(t, "", analyze, "verify", "--man=no", unit)
	if said, err := verify.CombinedOutput(); err != nil || len(said) > 0 {
		t.Errorf("systemd-analyze verify: %v\n%s", err, said)
	}
	// A threshold of 20 is an exposure of 2.0 of 10.
	if said, err := command(t, "", analyze, "security", "--offline=true", "--threshold=20", "--no-pager", unit).CombinedOutput(); err != nil {
		t.Errorf("systemd-analyze security: %v\n%s", err, said)
	}
	for _, want := range []string{
		"Type=notify", "WatchdogSec=60s", "DynamicUser=yes", "StateDirectory=watchword", "WorkingDirectory=%S/watchword",
		"RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX", // the last for the word to systemd
	} {
		if !strings.Contains(text, "\n"+want+"\n") {
			t.Errorf("the unit lacks %s", want)
		}
	}
}

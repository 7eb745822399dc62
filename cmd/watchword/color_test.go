package main

import (
	"bytes"
	"os"
	"testing"
)

// A device is as near to a terminal as a test gets.
func TestColour(t *testing.T) {
	device, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer device.Close()
	file, err := os.Create(t.TempDir() + "/out")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	t.Setenv("NO_COLOR", "")
	if !colorful(device) || colorful(file) || colorful(&bytes.Buffer{}) {
		t.Error("colour is for terminals, all of them and nothing else")
	}
	t.Setenv("NO_COLOR", "1")
	if colorful(device) {
		t.Error("NO_COLOR is not honoured")
	}
	if got := (&streams{color: true}).paint("31", "down"); got != "\x1b[31mdown\x1b[0m" {
		t.Errorf("painted %q", got)
	}
}

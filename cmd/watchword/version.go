package main

import (
	"cmp"
	"fmt"
	"runtime"
	"runtime/debug"
	"time"
)

// release is set by the linker; builds by `go install` take the module version.
var release string //nolint:gochecknoglobals // -ldflags can set nothing else

// commit is set by the linker where the build cannot see the repository, as in
// the image.
var commit string //nolint:gochecknoglobals // -ldflags can set nothing else

// built is set by the linker too, as RFC 3339 writes it; else the time of the
// commit stands for it.
var built string //nolint:gochecknoglobals // -ldflags can set nothing else

// builtAt returns when the program was built, as far as it knows: not before.
func builtAt() time.Time {
	at := built
	if at == "" {
		at = setting("vcs.time")
	}
	t, err := time.Parse(time.RFC3339, at)
	if err != nil {
		return time.Time{}
	}
	return t
}

func version() string {
	if release != "" {
		return release
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "dev"
}

func revision() string { return cmp.Or(commit, setting("vcs.revision"), "unknown") }

// setting returns what the build noted of itself, "" where it did not.
func setting(key string) string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, s := range info.Settings {
		if s.Key == key {
			return s.Value
		}
	}
	return ""
}

type versionCommand struct{}

func (versionCommand) Help() string {
	return `Examples:

    watchword version`
}

func (versionCommand) Run(s *streams) error {
	fmt.Fprintf(s.out, "watchword %s (commit %s, %s, %s/%s)\n", version(), revision(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return nil
}

package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// release is set by the linker; builds by `go install` take the module version.
var release string //nolint:gochecknoglobals // -ldflags can set nothing else

func version() string {
	if release != "" {
		return release
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "dev"
}

func revision() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return s.Value
		}
	}
	return "unknown"
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

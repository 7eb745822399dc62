package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// notices gathers the license texts of all modules that the program is made of
// on any system, and of Go: most licenses ask that they go along.
func notices(ctx context.Context) ([]byte, error) {
	var text bytes.Buffer
	text.WriteString("Watchword holds parts of these works, under the licenses below.\n")
	goroot, err := output(ctx, nil, "go", "env", "GOROOT")
	if err != nil {
		return nil, err
	}
	if err := notice(&text, "The Go standard library", goroot); err != nil {
		return nil, err
	}
	targets, err := parse(systems)
	if err != nil {
		return nil, err
	}
	var modules []string
	for _, t := range targets {
		list, err := output(ctx, []string{"GOFLAGS=", "CGO_ENABLED=0", "GOOS=" + t.os, "GOARCH=" + t.arch},
			"go", "list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}}\t{{.Dir}}{{end}}{{end}}", "./cmd/watchword")
		if err != nil {
			return nil, err
		}
		modules = append(modules, strings.Split(list, "\n")...)
	}
	slices.Sort(modules)
	for _, module := range slices.Compact(modules) {
		if name, dir, ok := strings.Cut(module, "\t"); ok {
			if err := notice(&text, name, dir); err != nil {
				return nil, err
			}
		}
	}
	return text.Bytes(), nil
}

// notice adds the license texts of one work.
func notice(text *bytes.Buffer, name, dir string) error {
	legal := regexp.MustCompile(`(?i)^(licen[cs]e|copying|notice|patents)`)
	entries, err := os.ReadDir(dir) // sorted
	if err != nil {
		return fmt.Errorf("look for the license of %s: %w", name, err)
	}
	found := false
	for _, e := range entries {
		if e.IsDir() || !legal.MatchString(e.Name()) {
			continue
		}
		content, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return fmt.Errorf("read the license of %s: %w", name, err)
		}
		found = true
		fmt.Fprintf(text, "\n%s\n%s, %s\n\n%s\n", strings.Repeat("-", 80), name, e.Name(), bytes.TrimSpace(content))
	}
	if !found {
		return fmt.Errorf("%s comes without a license", name)
	}
	return nil
}

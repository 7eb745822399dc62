// Command dist makes what is handed out with a release: an archive for each
// system with the program, its documentation and the notices of what it is made
// of, a list of its parts for each (CycloneDX), and the checksums of all.
//
// The same commit and the same Go give the same bytes, on any machine, in any
// folder: whoever wants to know whether an archive is what it says builds it.
package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// bomTool lists the parts of a program. A module of its own pins it by checksum
// and keeps what it needs out of ours; once fetched it works offline.
const bomTool = "-modfile=internal/dist/tools/go.mod"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "dist:", err)
		os.Exit(1)
	}
}

// release is what is to be made.
type release struct {
	out     string // folder; it is emptied first
	version string
	commit  string
	date    time.Time // of the commit, and of every file in an archive
	fresh   bool      // trust no cache
	targets []target
	said    io.Writer
}

// target is a system, as Go names it.
type target struct{ os, arch string }

func (t target) String() string { return t.os + "/" + t.arch }

// systems are those of a release.
const systems = "linux/amd64,linux/arm64,darwin/amd64,darwin/arm64,windows/amd64"

func parse(names string) ([]target, error) {
	var all []target
	for name := range strings.SplitSeq(names, ",") {
		system, arch, ok := strings.Cut(name, "/")
		if !ok {
			return nil, fmt.Errorf("the target %q is not like linux/amd64", name)
		}
		all = append(all, target{system, arch})
	}
	return all, nil
}

func run(ctx context.Context, args []string, said io.Writer) error {
	flags := flag.NewFlagSet("dist", flag.ContinueOnError)
	out := flags.String("out", "dist", "folder to write to; what is in it goes away")
	legal := flags.String("notices", "", "write the notices of the dependencies to this file, and nothing else")
	targets := flags.String("targets", systems, "systems to build for")
	version := flags.String("version", "", "version; by default as git describes the commit")
	commit := flags.String("commit", "", "commit; by default the one that is checked out")
	fresh := flags.Bool("fresh", false, "compile everything anew, trusting no cache")
	if err := flags.Parse(args); err != nil {
		return err
	}
	r := &release{out: *out, version: *version, commit: *commit, fresh: *fresh, said: said}
	var err error
	if r.targets, err = parse(*targets); err != nil {
		return err
	}
	if *legal != "" {
		text, err := notices(ctx)
		if err != nil {
			return err
		}
		return os.WriteFile(*legal, text, 0o644)
	}
	if err := r.describe(ctx); err != nil {
		return err
	}
	return r.make(ctx)
}

// describe asks git for what was not given. SOURCE_DATE_EPOCH takes the place
// of the date of the commit (reproducible-builds.org).
func (r *release) describe(ctx context.Context) error {
	var err error
	if r.version == "" {
		if r.version, err = output(ctx, nil, "git", "describe", "--tags", "--always", "--dirty"); err != nil {
			return err
		}
	}
	if r.commit == "" {
		if r.commit, err = output(ctx, nil, "git", "rev-parse", "HEAD"); err != nil {
			return err
		}
	}
	epoch := os.Getenv("SOURCE_DATE_EPOCH")
	if epoch == "" {
		if epoch, err = output(ctx, nil, "git", "log", "-1", "--format=%ct"); err != nil {
			return err
		}
	}
	var seconds int64
	if _, err := fmt.Sscan(epoch, &seconds); err != nil {
		return fmt.Errorf("read the date %q: %w", epoch, err)
	}
	r.date = time.Unix(seconds, 0).UTC()
	return nil
}

// empty makes room for what is made, and takes away nothing else: out may be any
// folder.
func (r *release) empty() error {
	if err := os.MkdirAll(r.out, 0o755); err != nil {
		return err
	}
	var errs []error
	for _, pattern := range []string{"watchword_*", "watchword-*", "SHA256SUMS"} {
		old, err := filepath.Glob(filepath.Join(r.out, pattern))
		errs = append(errs, err)
		for _, path := range old {
			errs = append(errs, os.Remove(path))
		}
	}
	return errors.Join(errs...)
}

func (r *release) make(ctx context.Context) error {
	if err := r.empty(); err != nil {
		return err
	}
	work, err := os.MkdirTemp("", "watchword-dist-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(work) }()
	legal, err := notices(ctx)
	if err != nil {
		return err
	}
	docs, err := documents(ctx)
	if err != nil {
		return err
	}
	for _, t := range r.targets {
		if err := r.pack(ctx, t, work, append(slices.Clone(docs), file{name: "THIRD-PARTY-LICENSES", content: legal})); err != nil {
			return fmt.Errorf("%s: %w", t, err)
		}
	}
	return r.sum()
}

// pack builds for a target and writes its archive and its list of parts.
func (r *release) pack(ctx context.Context, t target, work string, files []file) error {
	binary := filepath.Join(work, t.os+"-"+t.arch, "watchword")
	if t.os == "windows" {
		binary += ".exe"
	}
	if err := r.build(ctx, t, binary); err != nil {
		return err
	}
	name := strings.Join([]string{"watchword", strings.TrimPrefix(r.version, "v"), t.os, t.arch}, "-")
	bom := filepath.Join(r.out, name+".cdx.json")
	// The tool reads the binary, so the list is of what is in it. Serial number
	// and time would make each list another.
	tool := []string{"GOFLAGS=-trimpath", "GOWORK=off", "CGO_ENABLED=0"} // its own checksum is in the list
	if _, err := output(ctx, tool, "go", "tool", bomTool, "cyclonedx-gomod", "bin", "-json", "-noserial", "-notimestamp", "-std",
		"-version", r.version, "-output", bom, binary); err != nil {
		return err
	}
	content, err := os.ReadFile(binary)
	if err != nil {
		return err
	}
	files = append(files, file{name: filepath.Base(binary), content: content, program: true})
	archive, err := r.archive(t, name, files)
	if err != nil {
		return err
	}
	fmt.Fprintf(r.said, "%s  %.1f MB\n", archive, float64(len(content))/1e6)
	return nil
}

// build compiles with nothing of this machine in it: no paths, no settings.
func (r *release) build(ctx context.Context, t target, binary string) error {
	env := []string{"CGO_ENABLED=0", "GOOS=" + t.os, "GOARCH=" + t.arch, "GOFLAGS=", "GOWORK=off", "GOAMD64=v1", "GOARM64=v8.0", "GOEXPERIMENT="}
	if r.fresh {
		cache, err := os.MkdirTemp("", "watchword-dist-cache-")
		if err != nil {
			return err
		}
		defer func() { _ = os.RemoveAll(cache) }()
		env = append(env, "GOCACHE="+cache)
	}
	ldflags := fmt.Sprintf("-s -w -X main.release=%s -X main.commit=%s -X main.built=%s", r.version, r.commit, r.date.Format(time.RFC3339))
	_, err := output(ctx, env, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags", ldflags, "-o", binary, "./cmd/watchword")
	return err
}

// sum writes the checksums, as sha256sum -c reads them.
func (r *release) sum() error {
	entries, err := os.ReadDir(r.out) // sorted
	if err != nil {
		return err
	}
	var sums strings.Builder
	for _, e := range entries {
		content, err := os.ReadFile(filepath.Join(r.out, e.Name()))
		if err != nil {
			return err
		}
		fmt.Fprintf(&sums, "%x  %s\n", sha256.Sum256(content), e.Name())
	}
	return os.WriteFile(filepath.Join(r.out, "SHA256SUMS"), []byte(sums.String()), 0o644)
}

// output runs a program and returns what it prints.
func output(ctx context.Context, env []string, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(os.Environ(), env...)
	var errs strings.Builder
	cmd.Stderr = &errs
	text, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, errs.String())
	}
	return strings.TrimSpace(string(text)), nil
}

package packaging

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestDistTwice makes the archives for Linux and Windows in two folders, and
// wants the same bytes. The second time Linux is compiled without any cache.
func TestDistTwice(t *testing.T) {
	t.Parallel()
	program(t, "git", "git")
	tool := filepath.Join(t.TempDir(), "dist")
	out(t, command(t, root, "go", "build", "-o", tool, "./internal/dist"))
	here, there := sources(t, "watchword"), sources(t, "another/folder/of/it")
	make := func(folder, to string, args ...string) string {
		cmd := command(t, folder, tool, append([]string{"-version", "v1.2.3", "-commit", "0123abcd", "-out", to}, args...)...)
		cmd.Env = append(os.Environ(), "SOURCE_DATE_EPOCH=1700000000")
		out(t, cmd)
		return filepath.Join(folder, to)
	}
	first := make(here, "dist", "-targets", "linux/amd64,windows/amd64")
	second := map[string]string{
		"linux":   make(there, "fresh", "-targets", "linux/amd64", "-fresh"),
		"windows": make(there, "dist", "-targets", "windows/amd64"),
	}
	names := must(t, func() ([]os.DirEntry, error) { return os.ReadDir(first) })
	var got []string
	for _, e := range names {
		got = append(got, e.Name())
		for system, folder := range second {
			if strings.Contains(e.Name(), system) && read(t, filepath.Join(first, e.Name())) != read(t, filepath.Join(folder, e.Name())) {
				t.Errorf("%s is not the same twice", e.Name())
			}
		}
	}
	want := []string{
		"SHA256SUMS", "watchword-1.2.3-linux-amd64.cdx.json", "watchword-1.2.3-linux-amd64.tar.gz", "watchword-1.2.3-windows-amd64.cdx.json", "watchword-1.2.3-windows-amd64.zip",
	}
	if !slices.Equal(got, want) {
		t.Fatalf("dist made %q, want %q", got, want)
	}
	out(t, command(t, first, "sha256sum", "--check", "--strict", "SHA256SUMS"))
	holdsRelease(t, untar(t, filepath.Join(first, want[2])), "watchword-1.2.3-linux-amd64/", "watchword")
	holdsRelease(t, unzip(t, filepath.Join(first, want[4])), "watchword-1.2.3-windows-amd64/", "watchword.exe")
	listsParts(t, filepath.Join(first, want[1]))
}

// sources copies what git knows of this tree, as it is now, to a folder.
func sources(t *testing.T, name string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), name)
	list := out(t, command(t, root, "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"))
	for name := range strings.SplitSeq(strings.Trim(list, "\x00"), "\x00") {
		info, err := os.Stat(filepath.Join(root, name))
		if errors.Is(err, os.ErrNotExist) { // removed, and not committed yet
			continue
		}
		write(t, filepath.Join(dir, name), read(t, filepath.Join(root, name)))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(filepath.Join(dir, name), info.Mode().Perm()); err != nil {
			t.Fatal(err)
		}
	}
	out(t, command(t, dir, "git", "init", "--quiet"))
	out(t, command(t, dir, "git", "add", "--all"))
	return dir
}

// holdsRelease: an archive holds one folder with what belongs to a release.
func holdsRelease(t *testing.T, files map[string]string, folder, binary string) {
	t.Helper()
	for _, name := range []string{
		binary, "LICENSE", "README.md", "CHANGELOG.md", "THIRD-PARTY-LICENSES", "docs/install.md", "examples/full.yaml", "examples/uptime-kuma/compose.yaml",
		"packaging/systemd/watchword.service",
	} {
		if files[folder+name] == "" {
			t.Errorf("%s lacks %s", folder, name)
		}
	}
	for name := range files {
		if !strings.HasPrefix(name, folder) {
			t.Errorf("%s lies outside of %s", name, folder)
		}
	}
	for _, want := range []string{"The Go standard library", "modernc.org/sqlite", "github.com/alecthomas/kong"} {
		if !strings.Contains(files[folder+"THIRD-PARTY-LICENSES"], want) {
			t.Errorf("%s: the license of %s is missing", folder, want)
		}
	}
	for _, path := range []string{os.TempDir() + "/", goEnv(t, "GOMODCACHE")} {
		if bytes.Contains([]byte(files[folder+binary]), []byte(path)) {
			t.Errorf("%s holds the path %s of this machine", binary, path)
		}
	}
}

func untar(t *testing.T, path string) map[string]string {
	t.Helper()
	unpacked, err := gzip.NewReader(strings.NewReader(read(t, path)))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for archive := tar.NewReader(unpacked); ; {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		if h.Uid != 0 || h.Gid != 0 || h.Uname != "" || h.ModTime.Unix() != 1700000000 {
			t.Errorf("%s belongs to %d:%d %q and is of %s", h.Name, h.Uid, h.Gid, h.Uname, h.ModTime)
		}
		if program := strings.HasSuffix(h.Name, "/watchword") || strings.HasSuffix(h.Name, "/prepare"); program != (h.Mode == 0o755) {
			t.Errorf("%s has the mode %o", h.Name, h.Mode)
		}
		files[h.Name] = string(must(t, func() ([]byte, error) { return io.ReadAll(archive) }))
	}
}

func unzip(t *testing.T, path string) map[string]string {
	t.Helper()
	archive, err := zip.OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	files := map[string]string{}
	for _, f := range archive.File {
		r := must(t, f.Open)
		files[f.Name] = string(must(t, func() ([]byte, error) { return io.ReadAll(r) }))
		_ = r.Close()
		if f.Modified.Unix() != 1700000000 {
			t.Errorf("%s is of %s", f.Name, f.Modified)
		}
	}
	return files
}

// listsParts: the list of parts names every module that the program is built of.
func listsParts(t *testing.T, path string) {
	t.Helper()
	var bom struct {
		BOMFormat, SpecVersion, SerialNumber string
		Metadata                             struct{ Component struct{ Version string } }
		Components                           []struct{ Name, Version, PURL string }
	}
	if err := json.Unmarshal([]byte(read(t, path)), &bom); err != nil {
		t.Fatal(err)
	}
	if bom.BOMFormat != "CycloneDX" || bom.Metadata.Component.Version != "v1.2.3" || bom.SerialNumber != "" {
		t.Errorf("the list is of the form %q %s, version %q, serial number %q", bom.BOMFormat, bom.SpecVersion, bom.Metadata.Component.Version, bom.SerialNumber)
	}
	var names []string
	for _, c := range bom.Components {
		names = append(names, c.Name)
	}
	modules := out(t, command(t, root, "go", "list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}}{{end}}{{end}}", "./cmd/watchword"))
	for module := range strings.FieldsSeq(modules) {
		if !slices.Contains(names, module) {
			t.Errorf("the list lacks %s", module)
		}
	}
	if !slices.Contains(names, "std") {
		t.Errorf("the list lacks Go's own library: %q", names)
	}
	t.Logf("%d parts, sha256 %s", len(names), fmt.Sprintf("%x", sha256.Sum256([]byte(read(t, path))))[:12])
}

package packaging

import (
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// builder is buildah with a store of its own that is removed with the test.
type builder struct {
	t       *testing.T
	program string
	dir     string
}

func newBuilder(t *testing.T) *builder {
	t.Helper()
	b := &builder{t, program(t, "buildah", "buildah"), t.TempDir()}
	return b
}

func (b *builder) cmd(args ...string) *exec.Cmd {
	store := []string{"--root", filepath.Join(b.dir, "root"), "--runroot", filepath.Join(b.dir, "run"), "--storage-driver", "vfs"}
	cmd := command(b.t, root, b.program, append(store, args...)...)
	cmd.Env = append(os.Environ(), "TMPDIR="+b.dir, "BUILDAH_ISOLATION=chroot")
	return cmd
}

func (b *builder) run(args ...string) string {
	b.t.Helper()
	s := out(b.t, b.cmd(args...))
	for len(s) > 0 && s[len(s)-1] == '\n' {
		s = s[:len(s)-1]
	}
	return s
}

// standIn puts something in the place of the image of Go, which cannot be had
// without a registry: a shell, the certificates, and places for the toolchain
// and the caches of this machine. So both stages of the Dockerfile are built.
func (b *builder) standIn(name string) {
	b.t.Helper()
	container := b.run("from", "scratch")
	base := b.run("mount", container)
	for _, dir := range []string{"bin", "tmp", "root", "usr/local/go", "go/pkg/mod", "cache", "etc/ssl/certs"} {
		if err := os.MkdirAll(filepath.Join(base, dir), 0o755); err != nil {
			b.t.Fatal(err)
		}
	}
	b.copy(program(b.t, "busybox", "busybox-static"), filepath.Join(base, "bin/sh"), 0o755)
	b.copy("/etc/ssl/certs/ca-certificates.crt", filepath.Join(base, "etc/ssl/certs/ca-certificates.crt"), 0o644)
	for _, applet := range []string{"mkdir", "cp", "echo", "chmod"} {
		if err := os.Symlink("sh", filepath.Join(base, "bin", applet)); err != nil {
			b.t.Fatal(err)
		}
	}
	b.run("config", "--env", "PATH=/usr/local/go/bin:/bin", "--env", "GOTOOLCHAIN=local", "--env", "GOPATH=/go", "--env", "GOCACHE=/cache", container)
	b.run("umount", container)
	b.run("commit", "--quiet", "--rm", container, name)
}

func (b *builder) copy(from, to string, mode os.FileMode) {
	b.t.Helper()
	src, err := os.Open(from)
	if err != nil {
		b.t.Fatalf("%v: the certificates are in the Debian package ca-certificates", err)
	}
	defer src.Close()
	dst, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY, mode)
	if err != nil {
		b.t.Fatal(err)
	}
	if _, err := io.Copy(dst, src); err != nil {
		b.t.Fatal(err)
	}
	if err := dst.Close(); err != nil {
		b.t.Fatal(err)
	}
}

// image is a built one: its configuration and where its files are.
type image struct {
	User, WorkingDir, StopSignal string
	Entrypoint, Cmd, Env         []string
	Volumes, ExposedPorts        map[string]struct{}
	Labels                       map[string]string
	Healthcheck                  struct{ Test []string }

	rootfs string
	size   int64 // of the image as it is sent, in bytes
}

// build builds the Dockerfile and unpacks what came of it.
func (b *builder) build(version, commit string) *image {
	b.t.Helper()
	cache := goEnv(b.t, "GOCACHE")
	if err := os.MkdirAll(cache, 0o755); err != nil {
		b.t.Fatal(err)
	}
	b.run("bud", "--isolation", "chroot", "--format", "docker", "--pull-never", "--quiet",
		"--build-arg", "VERSION="+version, "--build-arg", "REVISION="+commit, "--build-arg", "CREATED=2026-11-25T10:00:00Z",
		"--volume", goEnv(b.t, "GOROOT")+":/usr/local/go:ro", "--volume", goEnv(b.t, "GOMODCACHE")+":/go/pkg/mod", "--volume", cache+":/cache",
		"--tag", "localhost/watchword:test", ".")
	var inspected struct{ Docker struct{ Config *image } }
	i := &image{}
	inspected.Docker.Config = i
	if err := json.Unmarshal([]byte(b.run("inspect", "--type", "image", "localhost/watchword:test")), &inspected); err != nil {
		b.t.Fatal(err)
	}
	layout := filepath.Join(b.dir, "oci")
	b.run("push", "--quiet", "localhost/watchword:test", "oci:"+layout+":test")
	blobs, err := filepath.Glob(filepath.Join(layout, "blobs/sha256/*"))
	if err != nil {
		b.t.Fatal(err)
	}
	for _, blob := range blobs {
		info, err := os.Stat(blob)
		if err != nil {
			b.t.Fatal(err)
		}
		i.size += info.Size()
	}
	bundle := filepath.Join(b.dir, "bundle")
	out(b.t, command(b.t, "", program(b.t, "umoci", "umoci"), "unpack", "--image", layout+":test", bundle))
	i.rootfs = filepath.Join(bundle, "rootfs")
	return i
}

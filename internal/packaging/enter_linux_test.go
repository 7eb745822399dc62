package packaging

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// enterVariable names the root file system to enter.
const enterVariable = "WATCHWORD_TEST_ENTER"

// user is the user of the image.
const user = 65532

// inImage returns a command that runs the image's program as an engine with
// --read-only would: as the user of the image, in its folder, with volumes over
// a root that cannot be written.
func (i *image) inImage(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := command(t, "", self, args...)
	cmd.Env = append(i.Env, enterVariable+"="+i.rootfs)
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS} // mounts of its own, gone with it
	return cmd
}

// enter makes this process one in the image; it returns only if that fails. The
// volumes lie beside the root file system.
func enter(args []string) error {
	rootfs := os.Getenv(enterVariable)
	if err := os.Unsetenv(enterVariable); err != nil {
		return err
	}
	binds := []struct {
		what, where string
		flags       uintptr
	}{
		{rootfs, rootfs, syscall.MS_RDONLY},
		{filepath.Join(filepath.Dir(rootfs), "config"), filepath.Join(rootfs, "etc/watchword"), syscall.MS_RDONLY},
		{filepath.Join(filepath.Dir(rootfs), "data"), filepath.Join(rootfs, "data"), 0},
	}
	for _, b := range binds {
		if err := syscall.Mount(b.what, b.where, "", syscall.MS_BIND, ""); err != nil {
			return fmt.Errorf("mount %s: %w", b.where, err)
		}
		if err := syscall.Mount("", b.where, "", syscall.MS_REMOUNT|syscall.MS_BIND|syscall.MS_NOSUID|b.flags, ""); err != nil {
			return fmt.Errorf("mount %s again: %w", b.where, err)
		}
	}
	for _, step := range []func() error{
		func() error { return syscall.Chroot(rootfs) },
		func() error { return os.Chdir("/data") },
		func() error { return syscall.Setgroups(nil) },
		func() error { return syscall.Setgid(user) },
		func() error { return syscall.Setuid(user) },
	} {
		if err := step(); err != nil {
			return fmt.Errorf("become the user of the image: %w", err)
		}
	}
	return syscall.Exec("/watchword", append([]string{"/watchword"}, args...), os.Environ())
}

// ownerOf returns user and group of a file.
func ownerOf(info os.FileInfo) (uid, gid int) {
	s := info.Sys().(*syscall.Stat_t)
	return int(s.Uid), int(s.Gid)
}

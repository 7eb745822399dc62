package agent_test

import "syscall"

const remount, readOnly = syscall.MS_REMOUNT, syscall.MS_RDONLY

// mountTmpfs mounts a file system in memory at dir, or changes the one that is
// mounted there.
func mountTmpfs(dir string, flags uintptr, options string) error {
	return syscall.Mount("tmpfs", dir, "tmpfs", flags, options)
}

func unmount(dir string) error { return syscall.Unmount(dir, syscall.MNT_DETACH) }

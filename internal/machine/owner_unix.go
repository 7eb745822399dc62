//go:build unix

package machine

import (
	"os"
	"syscall"
)

func ownerOf(info os.FileInfo) (uid int, known bool) {
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	return int(s.Uid), true
}

// Writable says why this process may not write the file or into the folder at
// path, nil if it may: syscall.EROFS and fs.ErrPermission among others.
func Writable(path string) error {
	const write = 2 // W_OK
	return syscall.Access(path, write)
}

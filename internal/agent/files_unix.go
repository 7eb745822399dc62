//go:build unix

package agent

import "syscall"

// openFiles returns how many files this process may have open.
func openFiles() int {
	var l syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l); err != nil {
		return 512
	}
	return int(min(uint64(l.Cur), 1<<20))
}

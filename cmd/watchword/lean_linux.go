package main

import (
	"bufio"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// dropCode gives back the resident pages of the program's own code and
// constants: reading flags, YAML and migrations touched most of them, and
// watching needs about half. Only clean pages of read-only mappings of the
// executable are given back; the kernel maps them again, from its cache, when
// they are next used (madvise(2), MADV_DONTNEED).
func dropCode() {
	self, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return
	}
	maps, err := os.Open("/proc/self/maps")
	if err != nil {
		return
	}
	defer maps.Close()
	for lines := bufio.NewScanner(maps); lines.Scan(); {
		f := strings.Fields(lines.Text()) // address perms offset dev inode path, see proc(5)
		if len(f) < 6 || f[5] != self || f[1][1] == 'w' {
			continue
		}
		from, to, ok := strings.Cut(f[0], "-")
		start, err1 := strconv.ParseUint(from, 16, 64)
		end, err2 := strconv.ParseUint(to, 16, 64)
		if ok && err1 == nil && err2 == nil {
			_, _, _ = syscall.Syscall(syscall.SYS_MADVISE, uintptr(start), uintptr(end-start), syscall.MADV_DONTNEED)
		}
	}
}

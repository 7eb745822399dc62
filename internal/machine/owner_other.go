//go:build !unix

package machine

import "os"

func ownerOf(os.FileInfo) (uid int, known bool) { return 0, false }

// Writable says why this process may not write the file or into the folder at
// path, nil if it may or that cannot be told.
func Writable(string) error { return nil }

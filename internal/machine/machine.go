// Package machine is what this machine is to the program on it: who the program
// runs as, what that user may do to a file, whether it all is a container, which
// name servers are asked, and whether the clock can be right. It is for words:
// nothing here decides what is done.
package machine

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// Container says whether this process runs in a container, as far as that can
// be told: Docker, Podman, Kubernetes and systemd-nspawn leave marks.
func Container() bool {
	for _, mark := range []string{"/.dockerenv", "/run/.containerenv"} {
		if _, err := os.Stat(mark); err == nil {
			return true
		}
	}
	return os.Getenv("container") != "" || os.Getenv("KUBERNETES_SERVICE_HOST") != ""
}

// Unusable says in one line why the file at path cannot be used and what to do
// about it. verb is what was to be done, "read" or "write"; err is what the
// system said, and all there is to tell where nothing better is known.
func Unusable(path, verb string, err error) string {
	abs := path
	if a, bad := filepath.Abs(path); bad == nil {
		abs = a
	}
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		return absent(abs)
	case errors.Is(err, fs.ErrPermission):
		return denied(abs, verb)
	case errors.Is(err, syscall.EISDIR):
		return abs + " is a folder, and should be a file"
	}
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		err = e.Err
	}
	return fmt.Sprintf("%s %s: %v", verb, abs, err)
}

// absent is a file that is not there, or the first folder on the way to it that
// is not.
func absent(path string) string {
	dir := filepath.Dir(path)
	info, err := os.Stat(dir)
	switch {
	case err == nil && info.IsDir(), dir == path:
		return "there is no file " + path
	case err == nil:
		return dir + " is a file, and should be a folder"
	}
	for first := dir; ; {
		up := filepath.Dir(first)
		info, err := os.Stat(up)
		if err == nil && !info.IsDir() {
			return up + " is a file, and should be a folder"
		}
		if err == nil || up == first {
			return fmt.Sprintf("there is no folder %s, on the way to %s", first, path)
		}
		first = up
	}
}

// InContainer returns words in a container, else nothing.
func InContainer(words string) string {
	if Container() {
		return words
	}
	return ""
}

// denied says who may not do what to which file, or which folder on the way to
// it may not be entered, and what would mend it.
func denied(path, verb string) string {
	info, err := os.Stat(path)
	for err != nil && path != filepath.Dir(path) { // the barrier is the deepest that can be seen
		path, verb = filepath.Dir(path), "enter the folder"
		info, err = os.Stat(path)
	}
	who, uid := Me()
	if err != nil {
		return fmt.Sprintf("%s may not %s %s", who, verb, path)
	}
	text := fmt.Sprintf("%s may not %s %s (mode %s", who, verb, path, info.Mode())
	owner, known := ownerOf(info)
	switch {
	case !known:
		return text + ")"
	case owner == uid || uid == 0:
		return fmt.Sprintf("%s, owner %s): chmod it; if the mode is right, SELinux, AppArmor or a network file system forbids it", text, nameOf(owner))
	}
	return fmt.Sprintf("%s, owner %s): chown %d %s, or chmod it%s", text, nameOf(owner), uid, path,
		InContainer("; in a container: do that on the host to what is mounted there (a volume: docker run --rm -v VOLUME:/v alpine chown "+strconv.Itoa(uid)+" /v)"))
}

// Me names the user that this process runs as.
func Me() (name string, uid int) {
	uid = os.Geteuid()
	return "user " + nameOf(uid), uid
}

// nameOf writes a user id with the name that it has, if it has one.
func nameOf(uid int) string {
	id := strconv.Itoa(uid)
	if u, err := user.LookupId(id); err == nil && u.Username != "" {
		return fmt.Sprintf("%s (uid %s)", u.Username, id)
	}
	return "uid " + id
}

//go:build !linux

package store

import "errors"

const remount, readOnly = 0, 0

func mountTmpfs(string, uintptr, string) error { return errors.ErrUnsupported }

func unmount(string) error { return errors.ErrUnsupported }

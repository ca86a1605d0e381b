package boltfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"switchboard/engine/failpoint"
)

// MayComeLater reports whether it is for want of room or of rights, or for a disk
// that fails, that a file could not be made: nothing else is wrong with its place.
func MayComeLater(err error) bool {
	for _, why := range []error{syscall.ENOSPC, syscall.EDQUOT, syscall.EIO, syscall.EROFS, fs.ErrPermission} {
		if errors.Is(err, why) {
			return true
		}
	}
	return false
}

// Beside makes an empty file with mode 0600 in the folder of path.
func Beside(path string) (string, error) {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".new-*")
	if err != nil {
		return "", fmt.Errorf("no file can be created in the folder of %s: %w", path, err)
	}
	return f.Name(), f.Close()
}

// Publish gives tmp the name path, for good, and fails where path exists.
func Publish(tmp, path string) error {
	// A link, and not a rename, so that two who create at once don't replace
	// each other's file.
	if err := os.Link(tmp, path); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("%s exists already; remove it or name another file: %w", path, fs.ErrExist)
		}
		if err := os.Rename(tmp, path); err != nil {
			return err
		}
	}
	return failpoint.Before(failpoint.CreateLinked, func() error { return SyncFolder(path) })
}

// SyncFolder makes the names in the folder of path durable.
func SyncFolder(path string) error {
	d, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// SetAside renames a corrupt file so that a new one can begin, and tells the
// new name.
func SetAside(path string, now time.Time) (string, error) {
	aside := FreeName(path+".corrupt", now)
	if err := failpoint.Before(failpoint.OpenCorrupt, func() error { return os.Rename(path, aside) }); err != nil {
		return "", fmt.Errorf("the corrupt database %s can't be set aside: %w", path, err)
	}
	failpoint.Pass(failpoint.OpenSetAside)
	return aside, SyncFolder(path)
}

// FreeName is a name that no file has: stem and the time, and a number where
// that is taken.
func FreeName(stem string, now time.Time) string {
	stamp := stem + "-" + now.UTC().Format("20060102T150405Z")
	name := stamp
	for i := 2; Exists(name); i++ {
		name = fmt.Sprintf("%s-%d", stamp, i)
	}
	return name
}

// Exists reports whether something has that name, a broken link included.
func Exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// Size of a file in bytes; zero where there is none.
func Size(path string) int64 {
	st, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return st.Size()
}

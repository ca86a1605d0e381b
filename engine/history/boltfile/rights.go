package boltfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"strconv"
)

// rightsHint is what to do about a file that this process may not open, such as a
// backup that another user restored; empty where that is not the matter.
func rightsHint(path string, err error) string {
	id := os.Geteuid()
	if !errors.Is(err, fs.ErrPermission) || id < 0 {
		return ""
	}
	name := strconv.Itoa(id)
	if u, err := user.LookupId(name); err == nil {
		name = u.Username
	}
	return fmt.Sprintf("; Switchboard runs as user %s here: let that user own the file and write it (chown %s %s; chmod u+rw %s)", name, name, path, path)
}

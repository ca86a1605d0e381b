package history

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"switchboard/engine/history/boltfile"
	"switchboard/engine/history/journal"
)

// DamagedError says that a copy is not to be restored.
type DamagedError struct{ Report VerifyReport }

func (e *DamagedError) Error() string {
	return fmt.Sprintf("%s is damaged and was not restored: %s", e.Report.Path, e.Report.Problems[0])
}

// Restore puts a copy of a database in the place of the one at path, which no
// process may have open: ErrInUse otherwise. The copy is checked first, and stays
// where it is. The old database keeps its content under the name that is
// returned, empty where there was none; its index is made anew at the next start.
//
// The copy takes its place in one step: a crash leaves the old database or the
// new one. The error is also *DamagedError, ctx's, or the operating system's.
func Restore(ctx context.Context, copied, path string, now time.Time, progress Progress) (aside string, err error) {
	r, err := VerifyShowing(ctx, copied, progress)
	if err != nil {
		return "", err
	}
	if !r.OK() {
		return "", &DamagedError{r}
	}
	from, err := readOnly(copied)
	if err != nil {
		return "", err
	}
	defer from.Close()
	if boltfile.Exists(path) {
		old, err := journal.OpenExisting(path, defaults().logOptions(false))
		switch {
		case err == nil:
			defer old.Close()
		case errors.Is(err, boltfile.ErrCorrupt), errors.Is(err, ErrNotOurs):
			// Nothing that a server could have open; it is kept like any other.
		default:
			return "", err
		}
	}
	tmp, err := boltfile.Beside(path)
	if err != nil {
		return "", err
	}
	if err := os.Remove(tmp); err != nil {
		return "", err
	}
	if err := from.Copy(ctx, tmp, false); err != nil {
		return "", err
	}
	defer os.Remove(tmp)
	if boltfile.Exists(path) {
		if aside, err = keepBeside(path, now); err != nil {
			return "", err
		}
	}
	if err := os.Rename(tmp, path); err != nil {
		return aside, err
	}
	if err := os.Remove(IndexPath(path)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return aside, err
	}
	return aside, boltfile.SyncFolder(path)
}

// keepBeside gives a file a second name, or where the file system has none such
// another name, and tells it.
func keepBeside(path string, now time.Time) (string, error) {
	aside := boltfile.FreeName(path+".before-restore", now)
	if err := os.Link(path, aside); err != nil {
		if err := os.Rename(path, aside); err != nil {
			return "", fmt.Errorf("the old database %s can't be kept under another name: %w", path, err)
		}
	}
	return aside, nil
}

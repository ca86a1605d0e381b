package history

import (
	"context"
	"errors"

	"switchboard/engine/history/journal"
)

// Backup writes a consistent copy of the database to a new file at path, mode
// 0600, while the store serves. It holds every record that was on disk when it
// began; the index is not part of it, for it can be made from the log. It fails
// where path exists, and leaves nothing behind when it fails.
func (s *Store) Backup(ctx context.Context, path string) error {
	return s.file.Copy(ctx, path, true)
}

// BackupFile is Backup for a database that no process has open; ErrInUse
// otherwise. It changes no byte of src.
func BackupFile(ctx context.Context, src, dst string) error {
	l, err := readOnly(src)
	if err != nil {
		return err
	}
	return errors.Join(l.Copy(ctx, dst, false), l.Close())
}

// Readable reports why the database at path can't be used as it is: it is not
// there, in use, of a newer version, damaged, or none of ours. It changes no byte.
func Readable(path string) error {
	l, err := readOnly(path)
	if err != nil {
		return err
	}
	return l.Close()
}

// readOnly opens a log without changing it.
func readOnly(path string) (*journal.File, error) {
	return journal.OpenExisting(path, defaults().logOptions(true))
}

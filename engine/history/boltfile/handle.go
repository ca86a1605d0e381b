package boltfile

import (
	"errors"
	"sync/atomic"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// Handle is an open database that another opening of its file can take the place
// of: one that could only be read, and now can be written.
type Handle struct{ db atomic.Pointer[bbolt.DB] }

// NewHandle holds a database; nil for none yet.
func NewHandle(db *bbolt.DB) *Handle {
	h := &Handle{}
	h.db.Store(db)
	return h
}

// DB is the database of this moment; nil where there is none yet. Who keeps it
// may find it closed.
func (h *Handle) DB() *bbolt.DB { return h.db.Load() }

// View runs f in a transaction that reads. There must be a database.
func (h *Handle) View(f func(*bbolt.Tx) error) error {
	for {
		db := h.db.Load()
		err := db.View(f)
		// It may have been replaced before the transaction began.
		if !errors.Is(err, bolterrors.ErrDatabaseNotOpen) || h.db.Load() == db {
			return err
		}
	}
}

// Update runs f in a transaction that writes. There must be a database.
func (h *Handle) Update(f func(*bbolt.Tx) error) error { return h.db.Load().Update(f) }

// Replace lets all who come from now on have another database, and returns when
// those who read the old one are done and it is closed: only then may the new one
// be written, which knows nothing of its readers.
func (h *Handle) Replace(db *bbolt.DB) error {
	if old := h.db.Swap(db); old != nil {
		return old.Close()
	}
	return nil
}

// Close closes the database, where there is one.
func (h *Handle) Close() error {
	if db := h.db.Load(); db != nil {
		return db.Close()
	}
	return nil
}

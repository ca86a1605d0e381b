package journal

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"sync/atomic"

	"go.etcd.io/bbolt"

	"switchboard/engine/failpoint"
	"switchboard/engine/history/boltfile"
)

// The buckets of the log's file; its owner has others beside them.
var (
	bucketMeta = []byte("meta")
	bucketLog  = []byte("log") // sequence number -> record
)

// The keys of bucket meta.
var (
	metaFormat  = []byte("format")
	metaID      = []byte("id")      // random, so that an index knows its log
	metaClock   = []byte("clock")   // when the clock was believed last
	metaTrimmed = []byte("trimmed") // records up to this sequence number were deleted
)

// ErrNewerFormat: a newer Switchboard wrote the file. It is left as it is.
var ErrNewerFormat = errors.New("the database was written by a newer version of Switchboard; use that version, or name another file")

// ErrNotOurs: the file is a bbolt database of something else. It is left as it
// is.
var ErrNotOurs = errors.New("the file is a database, but not one of Switchboard; name another file")

// Options say how a log's file is opened and what its owner keeps in it.
type Options struct {
	Bolt    boltfile.Options
	Format  uint64   // of the records; a file with a greater one is refused
	Buckets [][]byte // the owner's, beside the log
	// Create stands around making a new file and normally just calls it: the seam
	// for disks that fail.
	Create func(next func() error) error
	// Write is the same for opening a file that is there for writing.
	Write func(next func() error) error
}

// File is the log's bbolt file. One that can't be written yet, or could not even
// be made, tells why in [File.Refused].
type File struct {
	db      *boltfile.Handle // of nothing where there is no file yet
	ahead   *boltfile.Ahead  // the journal's alone; nil where the log is not appended to
	held    *boltfile.Held   // of a file that can only be read; the journal's alone
	path    string
	o       Options
	refused atomic.Pointer[error] // why it can't be written yet; nil where it can
	id      string
	first   uint64 // of the oldest record; 0 when there is none
	last    uint64 // of the newest record; 0 when there is none
	gone    uint64 // how many of the records up to trimmed are deleted
	trimMu  sync.Mutex
	trimmed uint64 // the records up to here were deleted
}

// Open opens the log at path for appending, or begins one where there is none.
// Where it can't be begun or written for want of room or of rights, or because the
// disk can only be read, it is what it is meanwhile, and the journal tries again:
// calls are answered. The error is ErrNewerFormat, ErrNotOurs, one of package
// boltfile, or as the operating system said it.
func Open(path string, o Options) (*File, error) {
	id := rand.Text()
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		err := create(path, id, o)
		if boltfile.MayComeLater(err) {
			return later(path, id, o, err), nil
		}
		if err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, err
		}
	}
	l, err := openAppending(path, id, o, nil)
	if boltfile.MayComeLater(err) {
		return openHeld(path, o, err)
	}
	return l, err
}

// create begins a log; the error is fs.ErrExist where something has its name.
func create(path, id string, o Options) error {
	return o.Create(func() error {
		return boltfile.Create(path, o.Bolt, func(tx *bbolt.Tx) error { return begin(tx, id, o) })
	})
}

// openAppending opens a log that is there, and held where it is read already; one
// without any content gets the id.
func openAppending(path, id string, o Options, held *boltfile.Held) (*File, error) {
	var db *bbolt.DB
	var ahead *boltfile.Ahead
	err := failpoint.Before(failpoint.OpenLog, func() error {
		return o.Write(func() (err error) {
			db, ahead, err = held.OpenAhead(path, logAhead, o.Bolt)
			return err
		})
	})
	if err != nil {
		return nil, err
	}
	l, err := read(db, o)
	if errors.Is(err, errEmpty) {
		if err = db.Update(func(tx *bbolt.Tx) error { return begin(tx, id, o) }); err == nil {
			l, err = read(db, o)
		}
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), db.Close())
	}
	l.ahead, l.path, l.o = ahead, path, o
	return l, nil
}

// OpenExisting opens a log that is there, and fails as Open does. Nothing is
// appended to it.
func OpenExisting(path string, o Options) (*File, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("the database can't be read: %w", err)
	}
	db, err := boltfile.Open(path, o.Bolt)
	if err != nil {
		return nil, err
	}
	l, err := read(db, o)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), db.Close())
	}
	return l, nil
}

// logAhead is how many bytes are filled ahead of the log: what a busy server
// takes some 50 ms to write.
const logAhead = 1 << 20

// errEmpty: a database without a bucket, such as bbolt makes of an empty file.
var errEmpty = errors.New("the database is empty")

func begin(tx *bbolt.Tx, id string, o Options) error {
	for _, name := range append([][]byte{bucketMeta, bucketLog}, o.Buckets...) {
		if _, err := tx.CreateBucketIfNotExists(name); err != nil {
			return err
		}
	}
	meta := tx.Bucket(bucketMeta)
	return errors.Join(meta.Put(metaFormat, boltfile.Key(o.Format)), meta.Put(metaID, []byte(id)))
}

// read reads what a log's file says of itself.
func read(db *bbolt.DB, o Options) (*File, error) {
	l := &File{db: boltfile.NewHandle(db)}
	if err := failpoint.Here(failpoint.OpenRead); err != nil {
		return nil, err
	}
	err := boltfile.Inspect(db, func(tx *bbolt.Tx) error {
		meta := tx.Bucket(bucketMeta)
		if meta == nil {
			if k, _ := tx.Cursor().First(); k == nil {
				return errEmpty
			}
			return ErrNotOurs
		}
		switch f := boltfile.Number(meta.Get(metaFormat)); {
		case f == 0:
			return ErrNotOurs
		case f > o.Format:
			return fmt.Errorf("%w (its format is %d, this one reads up to %d)", ErrNewerFormat, f, o.Format)
		}
		for _, name := range append([][]byte{bucketLog}, o.Buckets...) {
			if tx.Bucket(name) == nil {
				return fmt.Errorf("%w: its bucket %q is missing", boltfile.ErrCorrupt, name)
			}
		}
		l.id, l.trimmed = string(meta.Get(metaID)), boltfile.Number(meta.Get(metaTrimmed))
		c := tx.Bucket(bucketLog).Cursor()
		last, _ := c.Last()
		first, _ := c.First()
		// A log whose records were all deleted goes on counting.
		l.first, l.last, l.gone = boltfile.Number(first), max(boltfile.Number(last), l.trimmed), l.trimmed
		for k := first; k != nil && boltfile.Number(k) <= l.trimmed; k, _ = c.Next() {
			l.gone-- // some stay longer
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return l, nil
}

// ID tells the log from others; it is made up when a log begins.
func (l *File) ID() string { return l.id }

// First is the sequence number of the oldest record when the file was opened,
// zero where there was none.
func (l *File) First() uint64 { return l.first }

// Last is that of the newest record when the file was opened, deleted or not.
func (l *File) Last() uint64 { return l.last }

// Trimmed is the sequence number up to which records were deleted.
func (l *File) Trimmed() uint64 {
	l.trimMu.Lock()
	defer l.trimMu.Unlock()
	return l.trimmed
}

// SetTrimmed notes up to where Trim deletes.
func (l *File) SetTrimmed(through uint64) {
	l.trimMu.Lock()
	defer l.trimMu.Unlock()
	l.trimmed = max(l.trimmed, through)
}

// UpTo is the log as if the record of that sequence number were its last. Both
// are one file: it is closed once.
func (l *File) UpTo(last uint64) *File {
	return &File{db: l.db, id: l.id, first: l.first, last: last, trimmed: l.Trimmed()}
}

// View reads the file in one transaction, the owner's buckets as well. Where
// there is no file yet f is not called: there is nothing to see.
func (l *File) View(f func(*bbolt.Tx) error) error {
	if l.Absent() {
		return nil
	}
	return boltfile.Guard(func() error { return l.db.View(f) })
}

// Update changes the owner's buckets in a transaction of its own. The error is
// that of [File.Refused] where the file can't be written yet.
func (l *File) Update(f func(*bbolt.Tx) error) error {
	if why := l.Refused(); why != nil {
		return why
	}
	return boltfile.Guard(func() error { return l.db.Update(f) })
}

// Copy writes a consistent copy to a new file. Where beside is true the log goes
// on, and has half of the disk's time.
func (l *File) Copy(ctx context.Context, path string, beside bool) error {
	switch {
	case l.Absent():
		return l.Refused()
	case beside:
		return boltfile.CopyBeside(ctx, l.db.DB(), path)
	}
	return boltfile.Copy(ctx, l.db.DB(), path)
}

// Compacted writes a copy without free pages to a new file beside path and tells
// its name.
func (l *File) Compacted(path string, o boltfile.Options, progress func(done, total int64)) (string, error) {
	return boltfile.Compacted(l.db.DB(), path, o, progress)
}

// Close lets go of the file.
func (l *File) Close() error { return l.db.Close() }

package history

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"

	"go.etcd.io/bbolt"

	"switchboard/engine/history/boltfile"
)

// The buckets of the log's file.
var (
	bucketMeta       = []byte("meta")
	bucketLog        = []byte("log")        // sequence -> record
	bucketRevisions  = []byte("revisions")  // revision -> revisionRef
	bucketQuarantine = []byte("quarantine") // id -> quarantineRef
)

// The keys of bucket meta.
var (
	metaFormat  = []byte("format")
	metaID      = []byte("id")      // random, so that an index knows its log
	metaTrimmed = []byte("trimmed") // retention deleted records up to this sequence
)

// seqKey is a sequence number as a key: in order.
func seqKey(seq uint64) []byte { return binary.BigEndian.AppendUint64(nil, seq) }

func seqOf(b []byte) uint64 {
	if len(b) != 8 {
		return 0
	}
	return binary.BigEndian.Uint64(b)
}

// logFile is the log's bbolt file.
type logFile struct {
	db      *bbolt.DB
	ahead   *boltfile.Ahead // nil where the log is only read
	id      string
	first   uint64 // of the oldest record; 0 when there is none
	last    uint64 // of the newest record; 0 when there is none
	gone    uint64 // how many of the records up to trimmed are deleted
	trimMu  sync.Mutex
	trimmed uint64 // retention went up to here
}

// openLog opens the log at path, or begins one where there is none.
func openLog(path string, t tuning) (*logFile, error) {
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		if err := t.newFile(path, initLog); err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, err
		}
	}
	db, ahead, err := boltfile.OpenAhead(path, logAhead, t.bolt(false))
	if err != nil {
		return nil, err
	}
	l, err := readLog(db)
	if errors.Is(err, errEmpty) {
		if err = db.Update(initLog); err == nil {
			l, err = readLog(db)
		}
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), db.Close())
	}
	l.ahead = ahead
	return l, nil
}

// logAhead is how many bytes are filled ahead of the log: what a busy server
// takes some 50 ms to write.
const logAhead = 1 << 20

// errEmpty: a database without a bucket, such as bbolt makes of an empty file.
var errEmpty = errors.New("the database is empty")

func initLog(tx *bbolt.Tx) error {
	for _, name := range [][]byte{bucketMeta, bucketLog, bucketRevisions, bucketQuarantine} {
		if _, err := tx.CreateBucketIfNotExists(name); err != nil {
			return err
		}
	}
	meta := tx.Bucket(bucketMeta)
	return errors.Join(meta.Put(metaFormat, seqKey(format)), meta.Put(metaID, []byte(rand.Text())))
}

// readLog reads what a log's file says of itself.
func readLog(db *bbolt.DB) (*logFile, error) {
	l := &logFile{db: db}
	err := boltfile.Inspect(db, func(tx *bbolt.Tx) error {
		meta := tx.Bucket(bucketMeta)
		if meta == nil {
			if k, _ := tx.Cursor().First(); k == nil {
				return errEmpty
			}
			return ErrNotOurs
		}
		switch f := seqOf(meta.Get(metaFormat)); {
		case f == 0:
			return ErrNotOurs
		case f > format:
			return fmt.Errorf("%w (its format is %d, this one reads up to %d)", ErrNewerFormat, f, format)
		}
		for _, name := range [][]byte{bucketLog, bucketRevisions, bucketQuarantine} {
			if tx.Bucket(name) == nil {
				return fmt.Errorf("%w: its bucket %q is missing", boltfile.ErrCorrupt, name)
			}
		}
		l.id, l.trimmed = string(meta.Get(metaID)), seqOf(meta.Get(metaTrimmed))
		c := tx.Bucket(bucketLog).Cursor()
		last, _ := c.Last()
		first, _ := c.First()
		// A log whose records all went by retention goes on counting.
		l.first, l.last, l.gone = seqOf(first), max(seqOf(last), l.trimmed), l.trimmed
		for k := first; k != nil && seqOf(k) <= l.trimmed; k, _ = c.Next() {
			l.gone-- // the files of revisions stay longer than calls
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return l, nil
}

// append commits items in one transaction.
func (l *logFile) append(items []*item) error {
	return boltfile.Guard(func() error {
		return l.db.Update(func(tx *bbolt.Tx) error {
			b := tx.Bucket(bucketLog)
			b.FillPercent = 1 // keys only grow: no page is ever split in the middle
			for _, it := range items {
				if err := b.Put(seqKey(it.seq), it.data); err != nil {
					return err
				}
				if it.also == nil {
					continue
				}
				if err := it.also(tx, it.seq); err != nil {
					return err
				}
			}
			return nil
		})
	})
}

// get returns a copy of one record, nil where there is none.
func (l *logFile) get(seq uint64) (data []byte, err error) {
	err = boltfile.Guard(func() error {
		return l.db.View(func(tx *bbolt.Tx) error {
			if v := tx.Bucket(bucketLog).Get(seqKey(seq)); v != nil {
				data = append([]byte{}, v...)
			}
			return nil
		})
	})
	return data, err
}

// stored is one record as it lies in the log.
type stored struct {
	seq  uint64
	data []byte
}

// chunk is how many records one read transaction copies out at most, so that
// none stays open for long.
const chunk = 256

// ascend calls f with the records from sequence number from on, oldest first,
// up to and with to.
func (l *logFile) ascend(ctx context.Context, from, to uint64, f func(stored) error) error {
	return l.walk(ctx, from, func(c *bbolt.Cursor, at uint64) ([]byte, []byte) {
		return c.Seek(seqKey(at))
	}, (*bbolt.Cursor).Next, func(seq uint64) bool { return seq <= to }, +1, f)
}

// descend calls f with the records from sequence number from down, newest
// first.
func (l *logFile) descend(ctx context.Context, from uint64, f func(stored) error) error {
	return l.walk(ctx, from, func(c *bbolt.Cursor, at uint64) ([]byte, []byte) {
		if k, v := c.Seek(seqKey(at)); seqOf(k) == at {
			return k, v
		} else if k == nil {
			return c.Last()
		}
		return c.Prev()
	}, (*bbolt.Cursor).Prev, func(uint64) bool { return true }, -1, f)
}

// errStop ends a walk early, without error.
var errStop = errors.New("stop")

func (l *logFile) walk(ctx context.Context, at uint64, seek func(*bbolt.Cursor, uint64) ([]byte, []byte),
	next func(*bbolt.Cursor) ([]byte, []byte), wanted func(uint64) bool, step int, f func(stored) error) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		got := make([]stored, 0, chunk)
		err := boltfile.Guard(func() error {
			return l.db.View(func(tx *bbolt.Tx) error {
				c := tx.Bucket(bucketLog).Cursor()
				for k, v := seek(c, at); k != nil && len(got) < chunk && wanted(seqOf(k)); k, v = next(c) {
					got = append(got, stored{seqOf(k), append([]byte{}, v...)})
				}
				return nil
			})
		})
		if err != nil {
			return err
		}
		for _, r := range got {
			if err := f(r); errors.Is(err, errStop) {
				return nil
			} else if err != nil {
				return err
			}
		}
		if len(got) < chunk {
			return nil
		}
		if at = got[len(got)-1].seq + uint64(step); at == 0 {
			return nil
		}
	}
}

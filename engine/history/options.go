package history

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"switchboard/engine/failpoint"
	"switchboard/engine/history/boltfile"
	"switchboard/engine/history/fold"
	"switchboard/engine/history/journal"
)

// ErrInUse: another process, or another Store of this one, has the file open.
var ErrInUse = boltfile.ErrInUse

// ErrNewerFormat: a newer Switchboard wrote the file. It is left as it is.
var ErrNewerFormat = journal.ErrNewerFormat

// ErrNotOurs: the file is a bbolt database of something else. It is left as it
// is.
var ErrNotOurs = journal.ErrNotOurs

// Options say where a Store keeps its files and by which rules it counts.
type Options struct {
	// Path is the log's file; the index lies beside it as Path + ".index".
	Path string
	// CallTTL ends "in flight" where no completion comes. More than zero.
	CallTTL time.Duration
	// Zone is the time zone whose local dates are the days of profiles.
	Zone *time.Location
	// Retention is the age, by our arrival time, at which records are deleted.
	// Zero keeps them for ever.
	Retention time.Duration
	// Now is the clock; nil is time.Now.
	Now func() time.Time
	// Log takes warnings; nil discards them.
	Log *slog.Logger
	// OnCommit is told of each attempt to bring records to the disk: how many, how
	// long it took, and why it failed. It must not block. Optional.
	OnCommit func(records int, took time.Duration, err error)
}

func (o Options) validate() error {
	switch {
	case o.Path == "":
		return errors.New("history: Path is empty; name the database file")
	case o.CallTTL <= 0:
		return fmt.Errorf("history: CallTTL is %v; give a time greater than zero", o.CallTTL)
	case o.Zone == nil:
		return errors.New("history: Zone is nil; give the time zone of local dates")
	case o.Retention < 0:
		return fmt.Errorf("history: Retention is %v; give zero to keep records for ever, or a time greater than zero", o.Retention)
	}
	return nil
}

func (o Options) withDefaults() Options {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

func (o Options) rules() fold.Rules { return fold.Rules{Zone: o.Zone, TTL: o.CallTTL} }

// IndexPath is where the index of the log at path lies.
func IndexPath(path string) string { return path + ".index" }

// tuning holds the bounds that tests make small.
type tuning struct {
	epochBits    uint          // an epoch of the index spans 1<<epochBits sequence numbers
	filterEvery  int           // new calls that the kept filters of the index may lack: opening looks through those
	pileKeys     int           // keys of a pile that is full, at least: one of profiles grows with the index, to four times as many
	settleMore   int           // keys of a full pile that a round brings to the trees beside as many as it puts in the next
	mmap         int           // bytes mapped at opening, so that growing rarely waits for readers
	lockWait     time.Duration // how long opening waits for another process to let go
	roundEvery   time.Duration // the longest a change waits to be written behind, at rest
	roundSize    int           // changes that start a round early
	maxDirty     int           // changes waiting for the index before completions wait
	maxPending   int           // records waiting for the disk before no more are taken
	maxBytes     int           // the same, in bytes
	completeWait time.Duration // how long a completion waits for the disk
	rebuildFirst time.Duration // how long a start rebuilds before anything is answered
	backoff      time.Duration // the first pause after a failed commit; it doubles
	maxBackoff   time.Duration // the longest pause
	closeWait    time.Duration // how long Close waits for a failing disk
	claimFor     time.Duration // the longest others are held back by a turn
	evictEvery   time.Duration // a tick of the clock by which idle entries leave memory
	maxIdle      int           // entries in memory before young idle ones leave too
	trimBatch    int           // records deleted in one transaction
	trimEvery    time.Duration // pause between two looks for records to delete
	quarantined  int           // items in quarantine
	quarantineB  int64         // bytes in quarantine
	sessions     int           // sessions that have not ended
	ended        int           // sessions that have ended
	facts        int           // facts
	factBytes    int64         // bytes of facts, names included
	timeline     int           // changes that a timeline keeps in memory before it writes them to its temporary file

	// elapsed is the uptime, which no setting of the clock changes.
	elapsed func() time.Duration

	// commit is the seam for failing disks: it stands around each commit of the
	// log and normally just calls it.
	commit func(next func() error) error
	// round is the same for the index, create for making a new file, write for
	// opening one that is there for writing.
	round  func(next func() error) error
	create func(next func() error) error
	write  func(next func() error) error
}

func defaults() tuning {
	began := time.Now()
	return tuning{
		elapsed:   func() time.Duration { return time.Since(began) },
		epochBits: uint(failpoint.Bound(17, 6)), filterEvery: failpoint.Bound(8192, 8), pileKeys: failpoint.Bound(1<<17, 8), settleMore: 256, mmap: 4 << 30, lockWait: 500 * time.Millisecond,
		roundEvery: 200 * time.Millisecond, roundSize: 16_000, maxDirty: 100_000,
		maxPending: 50_000, maxBytes: 256 << 20,
		completeWait: 10 * time.Second, backoff: 50 * time.Millisecond, maxBackoff: time.Second, closeWait: 5 * time.Second,
		rebuildFirst: 200 * time.Millisecond, claimFor: 20 * time.Millisecond, evictEvery: time.Second, maxIdle: 200_000,
		trimBatch: failpoint.Bound(trimAtOnce, 8), trimEvery: time.Duration(failpoint.Bound(60_000, 100)) * time.Millisecond,
		quarantined: 10_000, quarantineB: 64 << 20, sessions: 2_000_000, ended: 500_000, facts: 100_000, factBytes: 256 << 20, timeline: 10_000,
		commit: func(next func() error) error { return next() },
		round:  func(next func() error) error { return next() },
		create: func(next func() error) error { return next() },
		write:  func(next func() error) error { return next() },
	}
}

// bolt is how files are opened.
func (t tuning) bolt(readOnly bool) boltfile.Options {
	return boltfile.Options{ReadOnly: readOnly, Wait: t.lockWait, Mmap: t.mmap}
}

// logOptions are how logs are opened.
func (t tuning) logOptions(readOnly bool) journal.Options {
	return journal.Options{
		Bolt: t.bolt(readOnly), Format: format, Buckets: [][]byte{bucketRevisions, bucketQuarantine}, Create: t.create, Write: t.write,
	}
}

// bounds are those of the journal, which tells onCommit.
func (t tuning) bounds(onCommit func(records int, took time.Duration, err error)) journal.Bounds {
	return journal.Bounds{
		MaxPending: t.maxPending, MaxBytes: t.maxBytes, Backoff: t.backoff, MaxBackoff: t.maxBackoff,
		OnCommit: onCommit, Commit: t.commit,
	}
}

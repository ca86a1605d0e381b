package history

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/cespare/xxhash/v2"
	"go.etcd.io/bbolt"

	"switchboard/engine"
	"switchboard/engine/failpoint"
	"switchboard/engine/history/boltfile"
	"switchboard/engine/history/calltable"
	"switchboard/engine/history/fold"
	"switchboard/engine/history/pile"
)

// The buckets of the index's file are those of its parts (packages calltable and pile),
// one for each kind of profile, named like the kind: number -> profile, those of live
// data, and these.
var (
	bucketMeta   = []byte("meta")
	indexBuckets = slices.Concat([][]byte{bucketMeta, bucketCells, bucketTrail, []byte(engine.Callers), []byte(engine.Receivers), []byte(engine.DIDs)}, liveBuckets)
)

// profileKinds are the kinds of profiles; their order is part of the format of piles.
var profileKinds = []engine.ProfileKind{engine.Callers, engine.Receivers, engine.DIDs}

// The keys of the index's bucket meta.
var (
	metaRules    = []byte("rules")    // format and settings that the content depends on
	metaLog      = []byte("log")      // id of the log
	metaApplied  = []byte("applied")  // the content is the fold of the log up to this
	metaSum      = []byte("sum")      // hash of the log's record at applied
	metaComplete = []byte("complete") // 1 once a rebuild has come to its end
	metaNewest   = []byte("newest")   // the newest RoutedAt
	metaFiltered = []byte("filtered") // the kept filters know the calls up to this place

	metaFacts     = []byte("facts")      // how many facts there are
	metaFactBytes = []byte("fact_bytes") // and their size
	metaSides     = []byte("sides")      // of sessions that have not ended
	metaRefs      = []byte("refs")       // of sessions that are known, ended or not
	metaGone      = []byte("gone")       // sessions that ended up to this moment may be gone
	metaSwept     = []byte("swept")      // what expired up to this moment may be gone
	metaInFlight  = []byte("in_flight")  // how many calls are in flight, by when they were routed
)

// chunk is how many entries one read transaction copies out at most, so that none
// stays open for long.
const chunk = 256

// mark says what an index's content is the fold of.
type mark struct {
	applied  uint64
	sum      uint64
	complete bool
	newest   int64
	live     liveCount
	swept    int64 // what expired up to this moment may be gone
	gone     int64 // sessions that ended up to this moment may be gone
	inFlight []byte
}

// index is the file that is written behind the log: call table and profiles.
type index struct {
	db     *boltfile.Handle
	ahead  *boltfile.Ahead // the index writer's alone
	held   *boltfile.Held  // the same, of a file that can only be read so far
	path   string
	absent error       // why there is none; db is nil then
	stat   os.FileInfo // tells it from a newer one of the same name
	mark   mark        // as of the last round, or of opening
	calls  *calltable.Table
	piles  *pile.Set // over which profiles and call_ids come to their trees
	live   anyLive

	tuning tuning

	// The index writer's alone.
	profile []byte // room for the next one that is put
}

// indexAhead is how many bytes are filled ahead of the index.
const indexAhead = 4 << 20

// indexFormat is the number of this file's own encoding.
const indexFormat = 9

// errOther: the index belongs to another log, or to other settings.
var errOther = errors.New("the index was made from another log or with other settings")

// openIndex opens the index at path. The error is errOther or boltfile.ErrCorrupt where
// it must be made anew.
func openIndex(path, log string, r fold.Rules, t tuning) (*index, error) {
	return indexAt(path, log, r, t, func() (db *bbolt.DB, ahead *boltfile.Ahead, err error) {
		err = t.write(func() error {
			db, ahead, err = boltfile.OpenAhead(path, indexAhead, t.bolt(false))
			return err
		})
		return db, ahead, err
	})
}

// indexAt reads what is kept in memory of an index that open opens.
func indexAt(path, log string, r fold.Rules, t tuning, open func() (*bbolt.DB, *boltfile.Ahead, error)) (*index, error) {
	if !boltfile.Exists(path) {
		return nil, os.ErrNotExist
	}
	if err := failpoint.Here(failpoint.OpenIndex); err != nil {
		return nil, err
	}
	db, ahead, err := open()
	if err != nil {
		return nil, err
	}
	x := &index{db: boltfile.NewHandle(db), ahead: ahead, path: path, tuning: t}
	if x.stat, err = os.Stat(path); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	err = boltfile.Inspect(db, func(tx *bbolt.Tx) error { return x.read(tx, log, rulesTag(r, t.epochBits)) })
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return x, nil
}

// newIndex makes an empty index at path in place of whatever lies there. It is
// complete where the log is empty as well.
func newIndex(path, log string, complete bool, r fold.Rules, t tuning) (*index, error) {
	if err := failpoint.Before(failpoint.IndexRemove, func() error { return os.Remove(path) }); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("the old index can't be removed: %w", err)
	}
	fill := func(tx *bbolt.Tx) error {
		if err := errors.Join(boltfile.MakeBuckets(tx, indexBuckets...), calltable.Create(tx), pile.Create(tx)); err != nil {
			return err
		}
		meta := tx.Bucket(bucketMeta)
		return errors.Join(meta.Put(metaRules, rulesTag(r, t.epochBits)), meta.Put(metaLog, []byte(log)),
			putMark(meta, mark{complete: complete}))
	}
	err := t.create(func() error { return boltfile.Create(path, t.bolt(false), fill) })
	if err != nil {
		return nil, err
	}
	return openIndex(path, log, r, t)
}

// read checks an index at opening and takes in what is kept in memory of it.
func (x *index) read(tx *bbolt.Tx, log string, rules []byte) error {
	meta := tx.Bucket(bucketMeta)
	if meta == nil || !bytes.Equal(meta.Get(metaRules), rules) || string(meta.Get(metaLog)) != log {
		return errOther
	}
	if err := boltfile.NeedBuckets(tx, indexBuckets...); err != nil {
		return err
	}
	x.mark = mark{
		applied: boltfile.Number(meta.Get(metaApplied)), sum: boltfile.Number(meta.Get(metaSum)),
		complete: boltfile.Number(meta.Get(metaComplete)) == 1, newest: int64(boltfile.Number(meta.Get(metaNewest))),
		live:  liveCount{int64(boltfile.Number(meta.Get(metaFacts))), int64(boltfile.Number(meta.Get(metaFactBytes))), int64(boltfile.Number(meta.Get(metaSides))), int64(boltfile.Number(meta.Get(metaRefs)))},
		swept: int64(boltfile.Number(meta.Get(metaSwept))), gone: int64(boltfile.Number(meta.Get(metaGone))), inFlight: bytes.Clone(meta.Get(metaInFlight)),
	}
	if _, err := fold.DecodeInFlight(x.mark.inFlight); err != nil {
		return fmt.Errorf("%w: %w", boltfile.ErrCorrupt, err)
	}
	x.live.read(tx)
	var err error
	if x.piles, err = pile.Open(tx, x.pileOptions()); err != nil {
		return err
	}
	x.calls, err = calltable.Open(tx, x.tuning.epochBits, boltfile.Number(meta.Get(metaFiltered)))
	return err
}

// sumOf is the hash of a record that an index remembers its log by.
func sumOf(record []byte) uint64 { return xxhash.Sum64(record) }

func (x *index) close() error {
	if x.db == nil {
		return nil
	}
	return x.db.Close()
}

package history

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"

	"github.com/cespare/xxhash/v2"
	"go.etcd.io/bbolt"

	"switchboard/engine"
	"switchboard/engine/failpoint"
	"switchboard/engine/history/boltfile"
	"switchboard/engine/history/fold"
	"switchboard/engine/history/pile"
)

// The buckets of the index's file. One bucket a kind of profile comes to them,
// named like the kind: number -> profile.
var (
	bucketMeta   = []byte("meta")
	bucketCalls  = []byte("calls")  // place (the sequence number of the call's first record) -> call
	bucketIDs    = []byte("ids")    // epoch, call_id -> place
	bucketEpochs = []byte("epochs") // epoch -> filter
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
	epochs epochs
	piles  *pile.Set // over which profiles and call_ids come to their trees
	live   anyLive

	tuning tuning

	// The index writer's alone.
	profile  []byte // room for the next one that is put
	filtered uint64 // the kept filters know the calls up to this place
	young    int    // calls that came to the filters since
	urgent   bool   // something came to the filters that the next opening would miss
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
	x := &index{db: boltfile.NewHandle(db), ahead: ahead, path: path, epochs: epochs{bits: t.epochBits}, tuning: t}
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
		names := [][]byte{bucketMeta, bucketCalls, bucketIDs, bucketEpochs, bucketCells, bucketTrail, bucketTimes}
		for _, k := range profileKinds {
			names = append(names, []byte(k))
		}
		names = append(names, liveBuckets...)
		for _, name := range names {
			if _, err := tx.CreateBucketIfNotExists(name); err != nil {
				return err
			}
		}
		meta := tx.Bucket(bucketMeta)
		return errors.Join(pile.Create(tx), meta.Put(metaRules, rulesTag(r, t.epochBits)), meta.Put(metaLog, []byte(log)),
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
	need := [][]byte{bucketCalls, bucketIDs, bucketEpochs, bucketCells, bucketTrail, bucketTimes, []byte(engine.Callers), []byte(engine.Receivers), []byte(engine.DIDs)}
	for _, name := range append(need, liveBuckets...) {
		if tx.Bucket(name) == nil {
			return fmt.Errorf("%w: its bucket %q is missing", boltfile.ErrCorrupt, name)
		}
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
	x.filtered = boltfile.Number(meta.Get(metaFiltered))
	x.live.read(tx)
	var err error
	if x.piles, err = pile.Open(tx, x.pileOptions()); err != nil {
		return err
	}
	err = tx.Bucket(bucketEpochs).ForEach(func(k, v []byte) error {
		e, err := decodeEpoch(v, x.epochs.bits)
		if err != nil {
			return fmt.Errorf("%w: %w", boltfile.ErrCorrupt, err)
		}
		x.epochs.set(boltfile.Number(k), e)
		return nil
	})
	if err != nil {
		return err
	}
	return x.readYoung(tx)
}

// readYoung brings the calls that the kept filters lack to them.
func (x *index) readYoung(tx *bbolt.Tx) error {
	c := tx.Bucket(bucketCalls).Cursor()
	for k, v := c.Seek(boltfile.Key(x.filtered + 1)); k != nil; k, v = c.Next() {
		s, err := decodeCall(boltfile.Number(k), v)
		if err != nil {
			return fmt.Errorf("%w: %w", boltfile.ErrCorrupt, err)
		}
		if calls := s.group.Calls(); len(calls) > 0 {
			x.epochs.at(boltfile.Number(k)).addGroup(calls[0].CallID, s.group)
			x.young++
		}
	}
	return nil
}

// encodeCall writes a call for the call table: its records in the log (the
// first is the key), then its group.
func encodeCall(s state) []byte {
	b := binary.AppendUvarint(make([]byte, 0, 512), uint64(len(s.seqs)-1))
	for i, seq := range s.seqs[1:] {
		b = binary.AppendUvarint(b, seq-s.seqs[i])
	}
	return fold.AppendGroup(b, s.group)
}

func decodeCall(place uint64, b []byte) (state, error) {
	more, n := binary.Uvarint(b)
	if n <= 0 || more > uint64(len(b)) {
		return state{}, errors.New("history: a call of the index can't be read")
	}
	s := state{seqs: make([]uint64, 1, 1+more)}
	s.seqs[0] = place
	for b = b[n:]; more > 0; more-- {
		delta, n := binary.Uvarint(b)
		if n <= 0 {
			return state{}, errors.New("history: a call of the index can't be read")
		}
		b, s.seqs = b[n:], append(s.seqs, s.seqs[len(s.seqs)-1]+delta)
	}
	g, err := fold.DecodeGroup(b)
	if err != nil {
		return state{}, err
	}
	s.group = g
	return s, nil
}

func (x *index) idKey(place uint64, id string) []byte {
	b := binary.BigEndian.AppendUint32(make([]byte, 0, 4+len(id)), uint32(x.epochs.of(place)))
	return append(b, id...)
}

// sumOf is the hash of a record that an index remembers its log by.
func sumOf(record []byte) uint64 { return xxhash.Sum64(record) }

func (x *index) close() error {
	if x.db == nil {
		return nil
	}
	return x.db.Close()
}

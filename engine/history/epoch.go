package history

import (
	"encoding/binary"
	"errors"
	"math"
	"sync/atomic"

	"switchboard/engine"
	"switchboard/engine/failpoint"
	"switchboard/engine/history/filter"
	"switchboard/engine/history/fold"
)

// epoch describes the calls whose place lies in one stretch of sequence
// numbers: which call_ids and numbers are among them (a filter: "no" is certain)
// and between which times they lie. It is what keeps a new call_id's
// look-up and a rare number's listing from touching the tree.
//
// It grows only, so that readers beside the index writer see at worst too much.
type epoch struct {
	filter.Filter
	from, to atomic.Int64
	changed  bool // since it was last written; the index writer's alone
}

// bitsPerSeq is how many bits the filter has for each sequence number of the
// epoch. With the call_id, the caller and few others of a call that is below one
// false "maybe" in a hundred, or in a thousand where calls have two records.
const bitsPerSeq = 16

func newEpoch(epochBits uint) *epoch {
	e := &epoch{Filter: filter.New(bitsPerSeq << epochBits)}
	e.from.Store(math.MaxInt64)
	e.to.Store(math.MinInt64)
	return e
}

// addGroup takes a call_id with all its calls in, and reports whether that was
// any news.
func (e *epoch) addGroup(id string, g *fold.Group) (news bool) {
	news = e.Add(filter.Hash(callKey(id)))
	for _, c := range g.Calls() {
		for _, k := range filterKeys(c.Caller, c.Receiver, c.DID) {
			news = e.Add(filter.Hash(k)) || news
		}
		// Under what a report calls it the call counted as long as it was an
		// orphan: who asks for the past finds it there.
		for _, k := range g.Reported(c) {
			news = e.Add(filter.Hash(k)) || news
		}
		if at := c.At(); at < e.from.Load() {
			e.from.Store(at)
			news = true
		}
		if at := c.At(); at > e.to.Load() {
			e.to.Store(at)
			news = true
		}
	}
	e.changed = e.changed || news
	return news
}

// filterKeys are the keys under which calls with these numbers are found;
// an empty number has none. Masked values are listed too, other than in profiles.
func filterKeys(caller, receiver, did string) []fold.Key {
	out := make([]fold.Key, 0, 3)
	for _, k := range []fold.Key{{Kind: engine.Callers, Number: caller}, {Kind: engine.Receivers, Number: receiver}, {Kind: engine.DIDs, Number: did}} {
		if k.Number != "" {
			out = append(out, k)
		}
	}
	return out
}

func (e *epoch) encode() []byte {
	b := make([]byte, 0, 16+8*len(e.Filter))
	b = binary.BigEndian.AppendUint64(b, uint64(e.from.Load()))
	b = binary.BigEndian.AppendUint64(b, uint64(e.to.Load()))
	return e.Append(b)
}

func decodeEpoch(b []byte, epochBits uint) (*epoch, error) {
	e := newEpoch(epochBits)
	if len(b) < 16 || !e.Read(b[16:]) {
		return nil, errors.New("history: a filter of the index has the wrong size")
	}
	e.from.Store(int64(binary.BigEndian.Uint64(b)))
	e.to.Store(int64(binary.BigEndian.Uint64(b[8:])))
	return e, nil
}

// epochs are all epochs of an index, by number; nil where one has no calls. The
// index writer alone adds to them; readers see the list as it was.
type epochs struct {
	bits uint
	list atomic.Pointer[[]*epoch]
}

func (s *epochs) of(place uint64) uint64 { return place >> s.bits }

// all returns the epochs by number.
func (s *epochs) all() []*epoch {
	if l := s.list.Load(); l != nil {
		return *l
	}
	return nil
}

// at returns the epoch of a place, made where it is new.
func (s *epochs) at(place uint64) *epoch {
	n := s.of(place)
	if l := s.all(); n < uint64(len(l)) && l[n] != nil {
		return l[n]
	}
	failpoint.Pass(failpoint.IndexEpoch)
	e := newEpoch(s.bits)
	s.set(n, e)
	return e
}

func (s *epochs) set(n uint64, e *epoch) {
	old := s.all()
	list := make([]*epoch, max(uint64(len(old)), n+1))
	copy(list, old)
	list[n] = e
	s.list.Store(&list)
}

package history

import (
	"encoding/binary"
	"errors"
	"math"
	"sync/atomic"

	"github.com/cespare/xxhash/v2"

	"switchboard/engine"
	"switchboard/engine/failpoint"
	"switchboard/engine/history/fold"
)

// epoch describes the calls whose place lies in one stretch of sequence
// numbers: which call_ids and numbers are among them (a Bloom filter: "no" is
// certain) and between which times they lie. It is what keeps a new call_id's
// look-up and a rare number's listing from touching the tree.
//
// It grows only, so that readers beside the index writer see at worst too much.
type epoch struct {
	words    []uint64 // blocks of 512 bits; a key sets its bits in one block
	from, to atomic.Int64
	changed  bool // since it was last written; the index writer's alone
}

// The filter has 16 bits for each sequence number of the epoch and sets 6 of a
// key. With the call_id, the caller and few others of a call that is below one
// false "maybe" in a hundred, or in a thousand where calls have two records.
const (
	bitsPerSeq = 16
	bitsPerKey = 6
	blockWords = 8
)

func newEpoch(epochBits uint) *epoch {
	e := &epoch{words: make([]uint64, max(blockWords, bitsPerSeq<<epochBits/64))}
	e.from.Store(math.MaxInt64)
	e.to.Store(math.MinInt64)
	return e
}

// keyHash is the same in every process: filters are kept on disk.
func keyHash(k fold.Key) uint64 {
	var d xxhash.Digest
	d.Reset()
	d.WriteString(string(k.Kind)) //nolint:errcheck // never fails
	d.WriteString("\x00")         //nolint:errcheck
	d.WriteString(k.Number)       //nolint:errcheck
	return d.Sum64()
}

func (e *epoch) block(hash uint64) []uint64 {
	// The upper bits choose the block, the lower 54 the bits in it.
	blocks := uint64(len(e.words) / blockWords)
	i := (hash >> 40) % blocks * blockWords
	return e.words[i : i+blockWords]
}

// add reports whether the key changed the filter.
func (e *epoch) add(hash uint64) (news bool) {
	b := e.block(hash)
	for range bitsPerKey {
		bit := hash % 512
		hash = mix(hash)
		if atomic.OrUint64(&b[bit/64], 1<<(bit%64))&(1<<(bit%64)) == 0 {
			news = true
		}
	}
	return news
}

func (e *epoch) has(hash uint64) bool {
	b := e.block(hash)
	for range bitsPerKey {
		bit := hash % 512
		hash = mix(hash)
		if atomic.LoadUint64(&b[bit/64])&(1<<(bit%64)) == 0 {
			return false
		}
	}
	return true
}

// mix gives the next hash of a key from the last.
func mix(h uint64) uint64 {
	h *= 0x9e3779b97f4a7c15
	return h ^ h>>29
}

// addGroup takes a call_id with all its calls in, and reports whether that was
// any news.
func (e *epoch) addGroup(id string, g *fold.Group) (news bool) {
	news = e.add(keyHash(callKey(id)))
	for _, c := range g.Calls() {
		for _, k := range filterKeys(c.Caller, c.Receiver, c.DID) {
			news = e.add(keyHash(k)) || news
		}
		// Under what a report calls it the call counted as long as it was an
		// orphan: who asks for the past finds it there.
		for _, k := range g.Reported(c) {
			news = e.add(keyHash(k)) || news
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
	b := make([]byte, 0, 16+8*len(e.words))
	b = binary.BigEndian.AppendUint64(b, uint64(e.from.Load()))
	b = binary.BigEndian.AppendUint64(b, uint64(e.to.Load()))
	for i := range e.words {
		b = binary.BigEndian.AppendUint64(b, atomic.LoadUint64(&e.words[i]))
	}
	return b
}

func decodeEpoch(b []byte, epochBits uint) (*epoch, error) {
	e := newEpoch(epochBits)
	if len(b) != 16+8*len(e.words) {
		return nil, errors.New("history: a filter of the index has the wrong size")
	}
	e.from.Store(int64(binary.BigEndian.Uint64(b)))
	e.to.Store(int64(binary.BigEndian.Uint64(b[8:])))
	for i := range e.words {
		e.words[i] = binary.BigEndian.Uint64(b[16+8*i:])
	}
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

package history

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"go.etcd.io/bbolt"

	"switchboard/engine"
	"switchboard/engine/history/boltfile"
	"switchboard/engine/history/filter"
	"switchboard/engine/history/fold"
)

// Calls lists calls, newest first: by Call.At, whenever they reached us. A page's
// cursor stays right while calls come in, and after a restart. The error is
// engine.ErrBadCursor, ctx's, or the disk's.
//
// Numbers in the filter, and times, leave out whole stretches of the history
// where they don't occur; what remains is looked through, for as long as the
// filter's Within allows.
func (s *Store) Calls(ctx context.Context, f engine.CallFilter) (engine.CallPage, error) {
	limit := f.Limit
	if limit <= 0 {
		limit = engine.DefaultPage
	}
	limit = min(limit, engine.MaxPage)
	from, err := s.parseCursor(cursorCalls, f.Cursor)
	if err != nil {
		return engine.CallPage{}, err
	}
	list := s.listCalls(from.timed, f)
	now := s.now().UnixNano()
	page := engine.CallPage{Calls: []*engine.Call{}}
	began := time.Now()
	for {
		next, err := list.next(ctx, f)
		if err != nil || next == nil {
			return page, err
		}
		if f.Within > 0 && next.timed != from.timed && time.Since(began) > f.Within {
			page.Next, page.Partial = s.cursor(cursorCalls, position{timed: next.timed}), true
			return page, nil
		}
		for i, c := range next.group.Calls() {
			if c.At() != next.when || next.timed == from.timed && i < from.skip {
				continue
			}
			c = fold.Resolve(c, now, s.rules.TTL)
			if !matches(f, c) {
				continue
			}
			if len(page.Calls) == limit {
				page.Next = s.cursor(cursorCalls, position{next.timed, i})
				return page, nil
			}
			page.Calls = append(page.Calls, c)
		}
	}
}

func matches(f engine.CallFilter, c *engine.Call) bool {
	at := c.At()
	return (f.Caller == "" || f.Caller == c.Caller) &&
		(f.DID == "" || f.DID == c.DID) &&
		(f.Receiver == "" || f.Receiver == c.Receiver) &&
		(f.Status == "" || f.Status == c.Status) &&
		(f.Reason == "" || f.Reason == c.Reason) &&
		(f.Source == "" || f.Source == c.Source) &&
		(f.From.IsZero() || at >= f.From.UnixNano()) &&
		(f.To.IsZero() || at < f.To.UnixNano())
}

// position is where a page begins: at a call_id, after some of the calls there.
type position struct {
	timed
	skip int
}

// The lists that positions are in: a cursor of one is none of the other.
const (
	cursorCalls = "calls"
	cursorAudit = "audit"
)

func (s *Store) cursor(list string, p position) string {
	b := binary.BigEndian.AppendUint64(boltfile.Key(p.place), uint64(p.when))
	b = binary.AppendUvarint(b, uint64(p.skip))
	return base64.RawURLEncoding.EncodeToString(binary.BigEndian.AppendUint32(b, s.cursorSum(append([]byte(list), b...))))
}

// cursorSum tells a cursor of this database from anything else.
func (s *Store) cursorSum(b []byte) uint32 {
	return uint32(sumOf(append([]byte(s.file.ID()), b...)))
}

func (s *Store) parseCursor(list, c string) (position, error) {
	if c == "" {
		return position{timed: newestTimed}, nil
	}
	b, err := base64.RawURLEncoding.DecodeString(c)
	if err != nil || len(b) < 8+8+1+4 {
		return position{}, engine.ErrBadCursor
	}
	body, sum := b[:len(b)-4], binary.BigEndian.Uint32(b[len(b)-4:])
	skip, n := binary.Uvarint(body[16:])
	if s.cursorSum(append([]byte(list), body...)) != sum || n != len(body)-16 || skip > math.MaxInt32 {
		return position{}, engine.ErrBadCursor
	}
	return position{timed{int64(binary.BigEndian.Uint64(body[8:])), boltfile.Number(body[:8])}, int(skip)}, nil
}

// callWalk goes through the call table from a place down: what is not written
// behind yet, and the index.
type callWalk struct {
	s      *Store
	index  *index
	fresh  []written       // from memory, newest first
	stored []placed        // the next from the index, newest first
	below  uint64          // the index is to be read from below this place
	ended  bool            // the index has no more
	seen   map[string]bool // the call_ids changed in memory: the index's state of them is older
	any    []fold.Key      // of whole epochs, those that may hold one of these; nil for all
}

// placed is a call as the index has it.
type placed struct {
	place uint64
	data  []byte
}

// walkCalls begins a walk at a place. What is dirty is noted before the index
// is read: what is written behind in between is in the index as well then.
func (s *Store) walkCalls(from uint64) *callWalk {
	w := &callWalk{s: s, below: from, seen: make(map[string]bool)}
	if from < math.MaxUint64 {
		w.below = from + 1
	}
	waits := s.unwritten(only(kindCall))
	w.index = waits.index
	for _, e := range waits.states {
		w.seen[e.key.Number] = true
		if len(e.seqs) > 0 && e.seqs[0] <= from {
			w.fresh = append(w.fresh, e)
		}
	}
	slices.SortFunc(w.fresh, func(a, b written) int { return cmp.Compare(b.seqs[0], a.seqs[0]) })
	return w
}

// next returns the next call_id's state, nil at the end. The filter only leaves
// out what can't match.
func (w *callWalk) next(ctx context.Context, f engine.CallFilter) (*state, error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		for len(w.stored) == 0 && !w.ended {
			if err := errors.Join(ctx.Err(), w.read(f)); err != nil {
				if ctx.Err() == nil {
					w.s.indexBroken(w.index, err)
				}
				return nil, err
			}
		}
		switch {
		case len(w.fresh) > 0 && (len(w.stored) == 0 || w.fresh[0].seqs[0] >= w.stored[0].place):
			st := w.fresh[0].state
			w.fresh = w.fresh[1:]
			return &st, nil
		case len(w.stored) > 0:
			p := w.stored[0]
			w.stored = w.stored[1:]
			st, err := decodeCall(p.place, p.data)
			if err != nil {
				return nil, fmt.Errorf("the call table is damaged at %d: %w", p.place, err)
			}
			calls := st.group.Calls()
			if len(calls) > 0 && w.seen[calls[0].CallID] {
				continue
			}
			return &st, nil
		default:
			return nil, nil
		}
	}
}

// read takes the next calls out of the index, passing over epochs that hold
// nothing for the filter.
func (w *callWalk) read(f engine.CallFilter) error {
	x := w.index
	keys := filterKeys(f.Caller, f.Receiver, f.DID)
	epochs := x.epochs.all()
	return boltfile.Guard(func() error {
		return x.view(func(tx *bbolt.Tx) error {
			c := tx.Bucket(bucketCalls).Cursor()
			k, v := boltfile.Before(c, w.below)
			for looked := 0; k != nil && len(w.stored) < chunk && looked < scanStep; looked++ {
				n := x.epochs.of(boltfile.Number(k))
				if n < uint64(len(epochs)) && epochs[n] != nil && !(epochs[n].mayHold(f, keys) && epochs[n].mayHoldAny(w.any)) {
					w.below = n << x.epochs.bits
					k, v = boltfile.Before(c, w.below)
					continue
				}
				w.below = boltfile.Number(k)
				if w.wants(v) {
					w.stored = append(w.stored, placed{boltfile.Number(k), bytes.Clone(v)})
				}
				k, v = c.Prev()
			}
			w.ended = k == nil
			return nil
		})
	})
}

// wants leaves out calls that none of the numbers occurs in: most are, and need
// not be decoded. Numbers stand in the encoding as they are.
func (w *callWalk) wants(data []byte) bool {
	return len(w.any) == 0 || slices.ContainsFunc(w.any, func(k fold.Key) bool { return bytes.Contains(data, []byte(k.Number)) })
}

// mayHold reports whether any call of the epoch could match.
func (e *epoch) mayHold(f engine.CallFilter, keys []fold.Key) bool {
	if !f.From.IsZero() && e.to.Load() < f.From.UnixNano() || !f.To.IsZero() && e.from.Load() >= f.To.UnixNano() {
		return false
	}
	return !slices.ContainsFunc(keys, func(k fold.Key) bool { return !e.Has(filter.Hash(k)) })
}

// mayHoldAny reports whether calls with any of these numbers could be in the
// epoch; without numbers any could.
func (e *epoch) mayHoldAny(keys []fold.Key) bool {
	return len(keys) == 0 || slices.ContainsFunc(keys, func(k fold.Key) bool { return e.Has(filter.Hash(k)) })
}

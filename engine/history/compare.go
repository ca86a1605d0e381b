package history

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"time"

	"go.etcd.io/bbolt"

	"switchboard/engine/history/boltfile"
	"switchboard/engine/history/calltable"
	"switchboard/engine/history/fold"
	"switchboard/engine/history/journal"
	"switchboard/engine/history/pile"
)

// indexRules is what an index's content depends on beside its log.
type indexRules struct {
	Index int    `json:"index"`
	Fold  int    `json:"fold"`
	Epoch uint   `json:"epoch"`
	Zone  string `json:"zone"`
	TTL   string `json:"ttl"`
}

func rulesTag(r fold.Rules, epochBits uint) []byte {
	b, err := json.Marshal(indexRules{indexFormat, fold.Format, epochBits, r.Zone.String(), r.TTL.String()})
	if err != nil {
		panic(err) // numbers and strings can always be written
	}
	return b
}

// settingsOf reads back by which rules an index was made.
func settingsOf(db *bbolt.DB) (o Options, t tuning, err error) {
	var tag []byte
	err = boltfile.Guard(func() error {
		return db.View(func(tx *bbolt.Tx) error {
			if meta := tx.Bucket(bucketMeta); meta != nil {
				tag = bytes.Clone(meta.Get(metaRules))
			}
			return nil
		})
	})
	var r indexRules
	if err == nil {
		err = json.Unmarshal(tag, &r)
	}
	if err == nil && (r.Index != indexFormat || r.Fold != fold.Format) {
		err = errOther
	}
	if err == nil {
		o.CallTTL, err = time.ParseDuration(r.TTL)
	}
	if err == nil {
		o.Zone, err = time.LoadLocation(r.Zone)
	}
	t = defaults()
	t.epochBits = r.Epoch
	return o.withDefaults(), t, err
}

// compareCopies brings a copy of the index up to date as a start would, makes a
// fresh one from the log's records, and compares the two.
func (r *VerifyReport) compareCopies(ctx context.Context, l *journal.File, livePath, freshPath string, o Options, t tuning) error {
	x, err := openIndex(livePath, l.ID(), o.rules(), t)
	if errors.Is(err, errOther) || errors.Is(err, boltfile.ErrCorrupt) {
		r.Index = IndexForeign
		return nil
	}
	if err != nil {
		return err
	}
	live := offline(l, x, o, t)
	live.stepped = r.step
	r.Applied = x.mark.applied
	if why := live.mismatch(x); why != "" {
		if r.Index = IndexForeign; !x.mark.complete {
			r.Index = IndexUnfinished
		}
		return live.closeOffline()
	}
	if x, err = newIndex(freshPath, l.ID(), false, o.rules(), t); err != nil {
		return errors.Join(err, live.closeOffline())
	}
	fresh := offline(l, x, o, t)
	fresh.stepped = r.step
	fresh.rebuilding = true
	err = errors.Join(live.foldAll(ctx, live.index.mark.applied+1), live.index.settleAll())
	if errors.Is(err, errDamaged) || errors.Is(err, pile.ErrFormat) || errors.Is(err, boltfile.ErrPanic) {
		r.Index = IndexDifferent
		r.problem("what the index has not brought to its place yet can't be read, so that it is made anew when it is used: %v", err)
		return errors.Join(live.closeOffline(), fresh.closeOffline())
	}
	if err == nil {
		err = errors.Join(fresh.foldAll(ctx, 1), fresh.index.settleAll())
	}
	if err == nil {
		r.Index = IndexEqual
		before := len(r.Problems)
		err = r.compare(live.index.db.DB(), fresh.index.db.DB(), sameShown(fresh), lost{
			max(live.memory.swept, fresh.memory.swept), max(live.memory.gone, fresh.memory.gone), l.Trimmed() > 0,
		})
		r.filters(live.index)
		r.inFlight(live, fresh)
		if len(r.Problems) > before {
			r.Index = IndexDifferent
		}
	}
	return errors.Join(err, live.closeOffline(), fresh.closeOffline())
}

// offline is a Store that only folds: nothing is appended to its log.
func offline(l *journal.File, x *index, o Options, t tuning) *Store {
	s := &Store{Options: o, tuning: t, rules: o.rules(), log: o.Log, drained: make(chan struct{}), care: make(chan struct{}, 1), summing: make(chan struct{}, 1), file: l, index: x}
	s.memory = newMemory(s.rules)
	s.memory.resume(x.mark)
	s.journal = journal.Start(l, t.bounds(nil))
	s.behind = newBehind(s)
	return s
}

func (s *Store) closeOffline() error {
	return errors.Join(s.journal.Close(s.closeWait), s.index.close())
}

// foldAll folds the log from a record on into the index.
func (s *Store) foldAll(ctx context.Context, from uint64) error {
	err := s.file.Ascend(ctx, from, s.file.Last(), func(st journal.Stored) error {
		if err := s.refold(ctx, st); err != nil {
			return err
		}
		s.stepped()
		if len(s.memory.dirty) < s.roundSize {
			return nil
		}
		defer s.sweep()
		return s.behind.round(ctx)
	})
	if err != nil {
		return err
	}
	s.rebuilding = false
	return s.behind.round(ctx)
}

// compare tells where two indexes differ.
func (r *VerifyReport) compare(live, fresh *bbolt.DB, same func(a, b []byte) bool, lost lost) error {
	return boltfile.Guard(func() error {
		return live.View(func(a *bbolt.Tx) error {
			return fresh.View(func(b *bbolt.Tx) error {
				for i, name := range calltable.Folded() {
					if n := r.compareBucket(a, b, name, bytes.Equal); i == 0 {
						r.Calls = n
					}
				}
				for _, kind := range profileKinds {
					r.Profiles += r.compareBucket(a, b, []byte(kind), same)
				}
				if err := r.compareCells(a.Bucket(bucketCells), b.Bucket(bucketCells)); err != nil {
					return err
				}
				r.compareBucket(a, b, bucketTrail, bytes.Equal)
				r.compareLive(a, b, lost)
				return nil
			})
		})
	})
}

// sameShown compares profiles. They are equal to the byte, unless a call left a
// full one: it remembers that it once forgot something, which one that was
// folded in another order, or from fewer records, can't know. Then what they
// show counts.
func sameShown(s *Store) func(a, b []byte) bool {
	return func(a, b []byte) bool {
		if bytes.Equal(a, b) {
			return true
		}
		p, perr := fold.DecodeProfile(a)
		q, qerr := fold.DecodeProfile(b)
		if perr != nil || qerr != nil {
			return false
		}
		pj, perr := json.Marshal(p.At(s.memory.newest, s.rules))
		qj, qerr := json.Marshal(q.At(s.memory.newest, s.rules))
		return perr == nil && qerr == nil && bytes.Equal(pj, qj)
	}
}

// compareBucket returns how many entries the fresh bucket has. Keys are people's
// numbers, so that a report only counts them.
func (r *VerifyReport) compareBucket(live, fresh *bbolt.Tx, name []byte, same func(a, b []byte) bool) (entries uint64) {
	a, b := live.Bucket(name).Cursor(), fresh.Bucket(name).Cursor()
	ak, av := a.First()
	bk, bv := b.First()
	var lost, extra, other int
	for ak != nil || bk != nil {
		order := bytes.Compare(ak, bk)
		switch {
		case bk == nil || ak != nil && order < 0:
			extra++
			ak, av = a.Next()
		case ak == nil || order > 0:
			lost, entries = lost+1, entries+1
			bk, bv = b.Next()
		default:
			if !same(av, bv) {
				other++
			}
			entries++
			ak, av = a.Next()
			bk, bv = b.Next()
		}
	}
	r.differ(name, lost, extra, other)
	return entries
}

// differ reports a bucket that is not as the log has it.
func (r *VerifyReport) differ(name []byte, lost, extra, other int) {
	if lost+extra+other > 0 {
		r.problem("in the index's %s %d entries are missing, %d are too many and %d differ from the log", name, lost, extra, other)
	}
}

// inFlight compares how many calls are in flight at the first moment of which both
// know.
func (r *VerifyReport) inFlight(live, fresh *Store) {
	a, b := &live.memory.flights, &fresh.memory.flights
	now := max(a.Exact(live.rules), b.Exact(fresh.rules))
	if a, b := a.At(now, live.rules), b.At(now, fresh.rules); a != b {
		r.problem("by the index %d calls are in flight, by the log %d", a, b)
	}
}

// filters checks that no call is hidden by a filter.
func (r *VerifyReport) filters(x *index) {
	hidden := 0
	err := boltfile.Guard(func() error {
		return x.db.View(func(tx *bbolt.Tx) error {
			hidden = x.calls.Hidden(tx)
			return nil
		})
	})
	if err != nil {
		r.problem("the index's ids can't be read: %v", err)
	}
	if hidden > 0 {
		r.problem("the index's filters hide %d calls", hidden)
	}
}

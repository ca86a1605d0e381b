package history

import (
	"context"
	"fmt"

	"switchboard/engine"
	"switchboard/engine/history/fold"
)

// PutFact sets a fact; see [engine.LiveData]. Set is the store's to fill in.
// Beyond 100,000 facts or 256 MiB of them new ones are refused with
// engine.ErrTooMany; an expired one takes up room for a few seconds more.
func (s *Store) PutFact(ctx context.Context, in engine.Fact) (*engine.Fact, error) {
	if err := checkFact(&in, s.now().UnixNano()); err != nil {
		return nil, err
	}
	k, _ := factKey(in.Collection, in.Key)
	out := new(engine.Fact)
	err := s.writeLive(ctx, []fold.Key{k}, "", func(now int64) (*record, uint64, error) {
		old, _ := s.memory.entries[k].value.(*keptFact)
		*out = in
		out.Set = now
		room := s.memory.live
		room.add(old, -1)
		room.add(&keptFact{fact: out}, +1)
		if room.facts > int64(s.facts) {
			return nil, 0, fmt.Errorf("%w: there are %d facts already; delete some, or let them expire", engine.ErrTooMany, s.facts)
		}
		if room.bytes > s.factBytes {
			return nil, 0, fmt.Errorf("%w: all facts together may have %d MiB; delete some, or make them smaller", engine.ErrTooMany, s.factBytes>>20)
		}
		c := &factChange{Collection: in.Collection, Key: in.Key, By: in.By, Before: storeFact(old.live(now)), After: storeFact(out)}
		return &record{Kind: kindFactChange, At: now, Fact: c}, 0, nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// DeleteFact deletes a fact, for good once it returns, and reports whether
// there was one.
func (s *Store) DeleteFact(ctx context.Context, collection, key, by string) (bool, error) {
	k, ok := factKey(collection, key)
	if !ok {
		return false, nil
	}
	was := false
	err := s.writeLive(ctx, []fold.Key{k}, "", func(now int64) (*record, uint64, error) {
		old, _ := s.memory.entries[k].value.(*keptFact)
		was = old.live(now) != nil
		switch {
		case old == nil && s.rebuilding:
			return nil, 0, errRebuilding
		case old == nil:
			return nil, 0, nil
		case !was:
			return nil, old.seq, nil
		}
		c := &factChange{Collection: collection, Key: key, By: by, Before: storeFact(old.fact)}
		return &record{Kind: kindFactChange, At: now, Fact: c}, 0, nil
	})
	return was && err == nil, err
}

// Fact returns a fact that has not expired; nil where there is none. The error
// is ctx's.
func (s *Store) Fact(ctx context.Context, collection, key string) (*engine.Fact, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	k, ok := factKey(collection, key)
	if !ok {
		return nil, nil
	}
	now := s.now().UnixNano()
	f, _ := s.lockEntry(k).value.(*keptFact)
	defer s.mu.Unlock()
	return f.live(now), nil
}

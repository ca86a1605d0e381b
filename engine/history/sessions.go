package history

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"switchboard/engine"
	"switchboard/engine/history/fold"
)

var _ engine.LiveData = (*Store)(nil)

// maxPaired bounds the sessions of one person on one DID: a call reads them all.
const maxPaired = 100

// errRebuilding: what is there is not fully known yet.
var errRebuilding = fmt.Errorf("the index is being made anew and this can't be answered yet; try again in a minute: %w", engine.ErrUnavailable)

// PutSession creates a session, extends it, or replaces the one with its ref;
// see [engine.LiveData]. The same content again gets no record of its own.
// Created and LastEnded are the store's to fill in. A session whose pair stays
// the same keeps when it was created. On one DID one person has at most 100.
// Beyond 2,000,000 open sessions new ones are refused with engine.ErrTooMany; an
// expired one takes up room for a few seconds more.
func (s *Store) PutSession(ctx context.Context, in engine.Session, pool []string, by string) (*engine.Session, error) {
	if err := checkSession(&in, pool, s.now().UnixNano()); err != nil {
		return nil, err
	}
	need := []fold.Key{refKey(in.Ref)}
	for _, did := range candidates(&in, pool) {
		need = append(need, pairKeys(&engine.Session{DID: did, Parties: in.Parties})...)
	}
	var out *engine.Session
	err := s.writeLive(ctx, need, in.Ref, func(now int64) (*record, uint64, error) {
		c, seq, err := s.planSession(in, pool, now)
		if err != nil {
			return nil, 0, err
		}
		out = c.After.session()
		if seq != 0 {
			return nil, seq, nil
		}
		c.By = by
		return &record{Kind: kindSession, At: now, Session: c}, 0, nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// candidates are the DIDs that a session may come to stand on.
func candidates(in *engine.Session, pool []string) []string {
	if in.DID != "" {
		return []string{in.DID}
	}
	return pool
}

// planSession works out a put; seq is the record to wait for where there is
// nothing to change. The mutex is held.
func (s *Store) planSession(in engine.Session, pool []string, now int64) (c *sessionChange, seq uint64, err error) {
	k, _ := s.memory.entries[refKey(in.Ref)].value.(*kept)
	old := k.live(now)
	if old == nil && s.memory.live.sides >= 2*int64(s.sessions) {
		return nil, 0, fmt.Errorf("%w: there are %d open sessions already; end some, or give new ones a time to expire", engine.ErrTooMany, s.sessions)
	}
	if in.DID == "" {
		if in.DID, err = s.choose(&in, old, pool, now); err != nil {
			return nil, 0, err
		}
	}
	in.Created, in.LastEnded = now, 0
	switch {
	case old != nil && samePair(old, &in):
		if old.Expires == in.Expires && bytes.Equal(old.Data, in.Data) {
			return &sessionChange{After: storeSession(old)}, k.seq, nil
		}
		in.Created, in.LastEnded = old.Created, old.LastEnded
	default:
		for _, key := range pairKeys(&in) {
			p, _ := s.memory.entries[key].value.(*pair)
			in.LastEnded = max(in.LastEnded, p.endedBy(now))
			if old != nil && slices.Contains(pairKeys(old), key) {
				in.LastEnded = now // the pair that this one replaces
			}
			if n := len(p.without(in.Ref, now).list); n >= maxPaired {
				return nil, 0, fmt.Errorf("%w: %s has %d sessions on the DID %s; end some of them, or use another DID",
					engine.ErrTooMany, engine.Mask(in.Parties[0])+" or "+engine.Mask(in.Parties[1]), n, in.DID)
			}
		}
	}
	c = &sessionChange{After: storeSession(&in)}
	if k != nil {
		c.Before = storeSession(k.session)
	}
	return c, 0, nil
}

// EndSession ends a session at this moment and returns it as it ended, once
// that is on disk; nil where none of that ref counts any more.
func (s *Store) EndSession(ctx context.Context, ref, by string) (*engine.Session, error) {
	var out *engine.Session
	err := s.writeLive(ctx, []fold.Key{refKey(ref)}, ref, func(now int64) (*record, uint64, error) {
		out = nil
		k, _ := s.memory.entries[refKey(ref)].value.(*kept)
		switch {
		case k == nil && s.rebuilding:
			return nil, 0, errRebuilding
		case k == nil:
			return nil, 0, nil
		case k.live(now) == nil:
			return nil, k.seq, nil
		}
		ended := *k.session
		ended.Expires = now
		out = &ended
		c := &sessionChange{By: by, End: true, Before: storeSession(k.session), After: storeSession(out)}
		return &record{Kind: kindSession, At: now, Session: c}, 0, nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// Session returns the newest version of a session, also for 30 days after it
// has ended, as long as it is among the latest 500,000 that did; nil for a ref that is not kept. One that was ended expires at the
// moment it was. The error is ctx's.
func (s *Store) Session(ctx context.Context, ref string) (*engine.Session, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	k, _ := s.lockEntry(refKey(ref)).value.(*kept)
	defer s.mu.Unlock()
	if k == nil {
		return nil, nil
	}
	return k.session, nil
}

package history

import (
	"context"
	"slices"
	"time"

	"switchboard/engine"
	"switchboard/engine/history/fold"
)

// maxJump is how far the clock may jump back without being believed.
const maxJump = 2 * time.Second

// view is one decision's sight of the history: everything that had happened up
// to a sequence number. What changed after that is a conflict.
type view struct {
	s        *Store
	at       time.Time
	snapshot uint64
	tries    int
	reads    []fold.Key // in order of the first read; also of what is not there
	absent   []fold.Key // read as well, of a kind of live data of which there is none
	turn     *turn      // held; nil for none
}

var _ engine.View = (*view)(nil)

// View opens a view. It waits only from the fourth try on, for its turn.
func (s *Store) View(ctx context.Context, previous engine.View) (engine.View, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	v := &view{s: s, tries: 1}
	if prev, ok := previous.(*view); ok && prev != nil {
		v.tries = prev.tries + 1
		if v.tries > triesBeforeTurn {
			prev.Close() // a second turn while it holds one would wait for itself
			t, err := s.takeTurn(ctx, slices.Concat(prev.reads, prev.absent))
			if err != nil {
				return nil, err
			}
			v.turn = t
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	v.at = s.nextMoment()
	v.snapshot, _ = s.journal.Position()
	return v, nil
}

// nextMoment is the time of a new view: later than that of the one before,
// unless the clock was set back. The mutex is held.
func (s *Store) nextMoment() time.Time {
	now := s.Now()
	if back := s.moment - now.UnixNano(); back >= 0 && back <= int64(maxJump) {
		s.moment++
		return time.Unix(0, s.moment)
	}
	s.moment = now.UnixNano()
	return time.Unix(0, s.moment)
}

func (v *view) At() time.Time { return v.at }

func (v *view) Profile(kind engine.ProfileKind, number string) (*engine.Profile, error) {
	e, err := v.read(fold.Key{Kind: kind, Number: number})
	if err != nil {
		return nil, err
	}
	p, shown, shownAt := e.profile, e.shown, e.shownAt
	v.s.mu.Unlock()
	now := v.at.UnixNano()
	switch {
	case p == nil:
		return nil, nil
	case shown != nil && now >= shownAt:
		return shown, nil
	}
	out := p.At(now, v.s.rules)
	if out != nil && out.InFlight == 0 {
		v.s.mu.Lock()
		if e.profile == p {
			e.shown, e.shownAt = out, now
		}
		v.s.mu.Unlock()
	}
	return out, nil
}

func (v *view) Sessions(did, number string) ([]*engine.Session, error) {
	k, ok := pairKey(did, number)
	if !ok {
		return nil, nil
	}
	there, err := v.value(k)
	p, _ := there.(*pair)
	return p.live(v.at.UnixNano()), err
}

func (v *view) Fact(collection, key string) (*engine.Fact, error) {
	k, ok := factKey(collection, key)
	if !ok {
		return nil, nil
	}
	there, err := v.value(k)
	f, _ := there.(*keptFact)
	return f.live(v.at.UnixNano()), err
}

func (v *view) Call(id string) (*engine.Call, error) {
	e, err := v.read(callKey(id))
	if err != nil {
		return nil, err
	}
	g := e.group
	v.s.mu.Unlock()
	return newest(g, v.at.UnixNano(), v.s.rules), nil
}

// value reads live data. Who keeps none of a kind has no entries of it in memory
// either: each call would make some, for its caller and DID.
func (v *view) value(k fold.Key) (value, error) {
	if v.s.never(k, v.snapshot) {
		if !slices.Contains(v.absent, k) {
			v.absent = append(v.absent, k)
		}
		return nil, nil
	}
	e, err := v.read(k)
	if err != nil {
		return nil, err
	}
	defer v.s.mu.Unlock()
	return e.value, nil
}

// never reports whether nothing was ever at a key of live data, as of a snapshot.
func (s *Store) never(k fold.Key, snapshot uint64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.index.never(k.Kind) && s.memory.entries[k] == nil && s.memory.horizon <= snapshot
}

// read notes that a key is read and returns its entry with the mutex held, or
// ErrConflict without it.
func (v *view) read(k fold.Key) (*entry, error) {
	if !slices.Contains(v.reads, k) {
		v.reads = append(v.reads, k)
	}
	e := v.s.lockEntry(k)
	if e.version > v.snapshot {
		v.s.mu.Unlock()
		return nil, engine.ErrConflict
	}
	return e, nil
}

func (v *view) KnowsDID(did string) bool {
	k := fold.Key{Kind: engine.DIDs, Number: did}
	e := v.s.lockEntry(k)
	defer v.s.mu.Unlock()
	return e.profile != nil
}

func (v *view) Close() {
	if v.turn == nil {
		return
	}
	v.s.mu.Lock()
	defer v.s.mu.Unlock()
	v.s.endTurn(v.turn)
}

// newest is the call of a group that counts: a call_id may have come with
// several DIDs. nil where the group has none.
func newest(g *fold.Group, now int64, r fold.Rules) *engine.Call {
	var out *engine.Call
	for _, c := range g.Calls() {
		if out == nil || c.Newer(out) {
			out = c
		}
	}
	if out == nil {
		return nil
	}
	return fold.Resolve(out, now, r.TTL)
}

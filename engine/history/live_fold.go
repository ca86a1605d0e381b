package history

import (
	"slices"

	"switchboard/engine"
	"switchboard/engine/history/fold"
)

// liveKeys are the keys that a record of live data changes, as far as it tells.
func (r *record) liveKeys() []fold.Key {
	if r.Fact != nil {
		k, _ := factKey(r.Fact.Collection, r.Fact.Key)
		return []fold.Key{k}
	}
	c := r.Session
	keys := append([]fold.Key{refKey(c.After.Ref)}, pairKeys(c.After.session())...)
	return append(keys, pairKeys(c.Before.session())...)
}

// prepareLive takes the mutex with all in memory that a record changes: also
// where the session stands by now.
func (s *Store) prepareLive(need []fold.Key, ref string) []fold.Key {
	for {
		s.lockWith(need...)
		if ref == "" {
			return need
		}
		k, _ := s.memory.entries[refKey(ref)].value.(*kept)
		if k == nil {
			return need
		}
		more := pairKeys(k.session)
		missing := s.memory.lacking(more)
		for _, key := range more {
			if !slices.Contains(need, key) {
				need = append(need, key)
			}
		}
		if len(missing) == 0 {
			return need
		}
		s.mu.Unlock()
	}
}

// refoldLive folds a record that is in the log already. Of the versions of a
// session or of a fact the one with the highest sequence number counts, so that
// the order of folding does not matter.
func (s *Store) refoldLive(r *record, seq uint64) {
	ref := ""
	if r.Session != nil {
		ref = r.Session.After.Ref
	}
	s.prepareLive(r.liveKeys(), ref)
	defer s.mu.Unlock()
	s.memory.applyLive(r, seq)
}

// applyLive folds a record; everything it changes is in memory.
func (m *memory) applyLive(r *record, seq uint64) {
	m.swept = max(m.swept, r.At) // a change leaves out what had expired by then
	if r.Session != nil {
		m.applySession(r.Session, r.At, seq)
		return
	}
	k, _ := factKey(r.Fact.Collection, r.Fact.Key)
	if old, _ := m.entries[k].value.(*keptFact); old != nil && old.seq >= seq {
		return
	}
	m.changed(m.set(k, r.Fact.kept(seq, r.At)), seq)
}

func (m *memory) applySession(c *sessionChange, at int64, seq uint64) {
	before, after := c.Before.session(), c.After.session()
	if over := endOf(before, after, at); over != 0 {
		for _, k := range pairKeys(before) {
			p, _ := m.entries[k].value.(*pair)
			if p == nil {
				p = &pair{}
			}
			if over > p.ended {
				m.changed(m.set(k, &pair{list: p.list, ended: over}), seq)
			}
		}
	}
	self := m.entries[refKey(after.Ref)]
	old, _ := self.value.(*kept)
	if old != nil && old.seq >= seq {
		return
	}
	if old != nil {
		for _, k := range pairKeys(old.session) {
			p, _ := m.entries[k].value.(*pair)
			m.changed(m.set(k, p.without(after.Ref, at).orNothing()), seq)
		}
	}
	if after.Live(at) {
		for _, k := range pairKeys(after) {
			p, _ := m.entries[k].value.(*pair)
			m.changed(m.set(k, p.without(after.Ref, at).with(after)), seq)
		}
	}
	m.changed(m.set(self.key, &kept{seq, after}), seq)
}

// endOf is when a version of a session ended that another replaces at a moment;
// zero where it goes on as the other.
func endOf(before, after *engine.Session, at int64) int64 {
	switch {
	case before == nil:
		return 0
	case !before.Live(at):
		return before.Expires
	case !after.Live(at) || !samePair(before, after):
		return at
	}
	return 0
}

// samePair reports whether two sessions are of the same people on one DID.
func samePair(a, b *engine.Session) bool {
	return a.DID == b.DID &&
		(a.Parties == b.Parties || a.Parties == [2]string{b.Parties[1], b.Parties[0]})
}

package history

import "switchboard/engine/history/fold"

// sweepEnded lets the oldest of the ended sessions go where there are more than
// the bound, and what their pairs know of them. Whoever ended first comes first in
// the index's list of when there is something to look at. From one sweep to the
// next the look goes on where it stopped: what it left behind still counts.
func (s *Store) sweepEnded() {
	now := s.Now().Add(-sweepLag).UnixNano()
	for range sweepSteps {
		s.mu.Lock()
		x, after := s.index, s.endedAt
		more := s.memory.live.ended() > int64(s.ended) && !s.sweepBusy()
		s.mu.Unlock()
		if !more {
			return
		}
		entries, err := x.due(after, now+keepEnded, sweepStep)
		if err != nil {
			s.indexBroken(x, err)
			return
		}
		if len(entries) == 0 {
			s.mu.Lock()
			s.endedAt = nil // some may have been written behind it meanwhile
			s.mu.Unlock()
			return
		}
		for _, b := range entries {
			if !s.dropEnded(b, now) {
				return
			}
		}
	}
}

// dropEnded forgets the session that an entry of the list is about, if it had
// ended by a moment, and passes the entry by. It reports whether there may be more
// to do.
func (s *Store) dropEnded(entry []byte, now int64) bool {
	due, ref, ok := parseDue(entry)
	if !ok || ref.Kind != kindRef {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.endedAt = entry
		return true
	}
	s.prepareLive([]fold.Key{ref}, ref.Number)
	defer s.mu.Unlock()
	m := s.memory
	if m.live.ended() <= int64(s.ended) || s.sweepBusy() {
		return false
	}
	s.endedAt = entry
	k, _ := m.entries[ref].value.(*kept)
	if k != nil && k.due() == due && k.session.Expires > now {
		return true // it goes on
	}
	m.undue(due, ref)
	if k == nil || k.due() != due {
		return true // the entry was about an earlier version
	}
	over := k.session.Expires
	m.gone = max(m.gone, over)
	m.touch(m.set(ref, nil))
	for _, key := range pairKeys(k.session) {
		m.undue(due, key)
		if p, _ := m.entries[key].value.(*pair); p != nil && p.ended != 0 && p.ended <= over {
			m.touch(m.set(key, (&pair{list: p.list}).orNothing()))
		}
	}
	return true
}

// undue takes an entry off the list of when there is something to look at.
func (m *memory) undue(at int64, k fold.Key) {
	key := fold.Key{Kind: kindDue, Number: string(dueKey(at, k))}
	if m.entries[key] == nil {
		m.put(key, state{}) // an entry has no content that would have to be read
	}
	m.touch(m.entries[key])
}

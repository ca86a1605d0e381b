package history

import "switchboard/engine/failpoint"

// carryOver writes the records of live data that retention is about to take, and
// that still count, once more at the log's new end. The journal keeps the order:
// the new record is on disk before the old one goes.
func (s *Store) carryOver(old []aged) error {
	for _, a := range old {
		if a.live == nil {
			continue
		}
		if err := failpoint.Before(failpoint.RetentionCarry, func() error { return s.carry(a) }); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) carry(a aged) error {
	now := s.now().UnixNano()
	keys := a.live.liveKeys()
	s.lockWith(keys...)
	defer s.mu.Unlock()
	if s.unsure() {
		return errRebuilding // what is not found may count all the same
	}
	next := &record{Kind: a.live.Kind, At: now}
	switch v := s.memory.entries[keys[0]].value.(type) {
	case *kept:
		if v.seq != a.seq || v.live(now) == nil {
			return nil
		}
		next.Session = &sessionChange{Kept: true, After: storeSession(v.session)}
	case *keptFact:
		if v.seq != a.seq || v.live(now) == nil {
			return nil
		}
		next.Fact = &factChange{Collection: v.fact.Collection, Key: v.fact.Key, Kept: true, After: storeFact(v.fact)}
	default:
		return nil
	}
	data, err := next.encode()
	if err != nil {
		return err
	}
	it, err := s.journal.Append(data, false, nil)
	if err != nil {
		return err
	}
	s.memory.applyLive(next, it.Seq)
	return nil
}

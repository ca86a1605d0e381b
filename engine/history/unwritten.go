package history

import "switchboard/engine"

// unindexed is what waits for the index.
type unindexed struct {
	index      *index // that lacks it
	rebuilding bool
	states     []written // each key once; only the key and the state are there
}

// unwrittenTries is how often what waits is gone through while others have the
// mutex, before they wait for it. A round takes seldom less than a fifth of a
// second to come, and to go through what waits a millisecond.
const unwrittenTries = 3

// unwrittenMore is room for what comes meanwhile: memory is not asked for with the
// mutex.
const unwrittenMore = 64

// unwritten notes what waits for the index of some kinds, all of it as of one
// moment. It comes before the index is read: what is written behind in between is
// in the index as well then.
//
// Tens of thousands of changes may wait, most of them of other kinds. Which they
// are is found while others have the mutex.
func (s *Store) unwritten(kinds func(engine.ProfileKind) bool) unindexed {
	pick := func(list []*entry) (out []*entry) {
		for _, e := range list {
			if kinds(e.key.Kind) {
				out = append(out, e)
			}
		}
		return out
	}
	for tries := 1; ; tries++ {
		s.mu.Lock()
		m, cuts, dirty, writing := s.memory, s.memory.cuts, s.memory.dirty, s.memory.writing
		s.mu.Unlock()
		changed, flushing := pick(dirty), pick(writing) // lists only grow, and keys stay
		states := make([]written, 0, len(changed)+len(flushing)+unwrittenMore)
		s.mu.Lock()
		if s.memory != m || m.cuts != cuts {
			if tries < unwrittenTries {
				s.mu.Unlock()
				continue
			}
			m, dirty, changed, flushing = s.memory, nil, nil, pick(s.memory.writing)
		}
		changed = append(changed, pick(m.dirty[len(dirty):])...)
		for _, e := range changed {
			states = append(states, written{key: e.key, state: e.state})
		}
		for _, e := range flushing {
			if !e.dirty { // else it is there already
				states = append(states, written{key: e.key, state: e.state})
			}
		}
		out := unindexed{s.index, s.rebuilding, states}
		s.mu.Unlock()
		return out
	}
}

// only is one kind.
func only(kind engine.ProfileKind) func(engine.ProfileKind) bool {
	return func(k engine.ProfileKind) bool { return k == kind }
}

// unwrittenByKey are the states of one kind that wait for the index, by key; and
// the index that lacks them.
func (s *Store) unwrittenByKey(kind engine.ProfileKind) (*index, map[string]*written) {
	waits := s.unwritten(only(kind))
	out := make(map[string]*written, len(waits.states))
	for i := range waits.states {
		out[waits.states[i].key.Number] = &waits.states[i]
	}
	return waits.index, out
}

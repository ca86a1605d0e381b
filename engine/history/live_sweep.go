package history

import (
	"slices"
	"time"

	"switchboard/engine/history/fold"
)

// sweepLag is how long what expired stays: views that were opened before may
// still read it.
const sweepLag = 5 * time.Second

// The bounds of one sweep.
const (
	sweepStep  = 256 // looked at while others wait for the mutex
	sweepSteps = 32  // in a row
)

// sweepLive removes what expired, by the index's list of when there is something
// to look at. Calls never wait for it: they see expiry by themselves.
func (s *Store) sweepLive() {
	until := s.Now().Add(-sweepLag).UnixNano()
	var after []byte
	for range sweepSteps {
		s.mu.Lock()
		x, busy := s.index, s.sweepBusy()
		s.mu.Unlock()
		if busy {
			return // a rebuild must not meet an older version after the newest was swept
		}
		entries, err := x.due(after, until, sweepStep)
		if err != nil {
			s.indexBroken(x, err)
			return
		}
		if len(entries) == 0 {
			return
		}
		s.sweepEntries(entries, until)
		after = entries[len(entries)-1]
	}
}

// sweepBusy reports whether sweeping has to wait. The mutex is held.
func (s *Store) sweepBusy() bool {
	return s.rebuilding || s.behind.damaged.Load() || len(s.memory.dirty) >= s.maxDirty/2
}

func (s *Store) sweepEntries(entries [][]byte, until int64) {
	keys := make([]fold.Key, 0, 2*len(entries))
	for _, b := range entries {
		keys = append(keys, fold.Key{Kind: kindDue, Number: string(b)})
		if _, k, ok := parseDue(b); ok && !slices.Contains(keys, k) {
			keys = append(keys, k)
		}
	}
	s.lockWith(keys...)
	defer s.mu.Unlock()
	if s.rebuilding {
		return
	}
	s.memory.swept = max(s.memory.swept, until)
	for _, k := range keys {
		e := s.memory.entries[k]
		if k.Kind == kindDue {
			s.memory.touch(e)
			continue
		}
		if e.value == nil {
			continue
		}
		if rest := e.value.swept(until); rest != e.value {
			s.memory.touch(s.memory.set(k, rest))
		}
	}
}

// touch has an entry written behind whose meaning does not change: views that
// read it are not disturbed.
func (m *memory) touch(e *entry) {
	if !e.dirty {
		e.dirty = true
		m.dirty = append(m.dirty, e)
	}
}

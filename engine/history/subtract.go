package history

import (
	"context"
	"maps"
	"slices"

	"switchboard/engine/failpoint"
	"switchboard/engine/history/fold"
)

// staysWithout tells which records stay in the log whatever their age, when some
// revisions go.
func (s *Store) staysWithout(drop []string) func(uint64) (bool, error) {
	kept := make(map[uint64]bool)
	s.archive.mu.Lock()
	defer s.archive.mu.Unlock()
	for id, ref := range s.archive.revisions {
		kept[ref.Seq] = kept[ref.Seq] || !slices.Contains(drop, id)
	}
	return func(seq uint64) (bool, error) { return kept[seq], nil }
}

// inLog reports whether a record is in the log.
func (s *Store) inLog(seq uint64) (bool, error) {
	data, err := s.journal.Get(seq)
	return data != nil, err
}

// forgetThrough subtracts all records up to through from the fold: the calls
// that have such records become what the rest of their records say, and the audit
// trail keeps those that stay. at gives the sequence number of the change; it is
// called in the critical section.
func (s *Store) forgetThrough(ctx context.Context, through uint64, stays func(uint64) (bool, error), at func() (uint64, error)) error {
	ids, err := s.touchedBy(ctx, through)
	if err != nil {
		return err
	}
	gone, err := s.trailThrough(through, stays)
	if err != nil {
		return err
	}
	need := make([]fold.Key, len(ids))
	for i, id := range ids {
		need[i] = callKey(id)
	}
	for {
		rests, err := s.rests(need[:len(ids)], through)
		if err != nil {
			return err
		}
		s.lockWith(need...)
		missing, again := s.memory.lackingFor(rests)
		if !again && len(missing) == 0 {
			defer s.mu.Unlock()
			seq, err := at()
			if err != nil {
				return err
			}
			for _, r := range rests {
				failpoint.Pass(failpoint.RetentionSubtract)
				s.memory.reduce(r, seq)
			}
			for _, old := range gone {
				s.memory.trail(old, false)
			}
			return nil
		}
		s.mu.Unlock()
		need = append(need, missing...)
	}
}

// rest is what remains of a call.
type rest struct {
	key    fold.Key
	before *fold.Group // as it was when the rest was worked out
	had    int         // records, then
	seqs   []uint64
	after  *fold.Group
}

// rests works out what remains of calls after through.
func (s *Store) rests(calls []fold.Key, through uint64) ([]rest, error) {
	out := make([]rest, len(calls))
	s.lockWith(calls...)
	for i, k := range calls {
		e := s.memory.entries[k]
		n, _ := slices.BinarySearch(e.seqs, through+1)
		out[i] = rest{key: k, before: e.group, had: len(e.seqs), seqs: slices.Clone(e.seqs[n:])}
	}
	s.mu.Unlock()
	for i := range out {
		if err := failpoint.Here(failpoint.RetentionRests); err != nil {
			return nil, err
		}
		var there []uint64
		for _, seq := range out[i].seqs {
			r, err := s.read(seq)
			if err != nil {
				return nil, err
			}
			if r == nil {
				continue // after a crash: taken by a later retention
			}
			if _, e, ok := r.entry(); ok {
				out[i].after, _ = out[i].after.With(e)
				there = append(there, seq)
			}
		}
		out[i].seqs = there
	}
	return out, nil
}

// lackingFor are the profiles that rests change and that are not in memory;
// again is true where a call has changed since.
func (m *memory) lackingFor(rests []rest) (missing []fold.Key, again bool) {
	for _, r := range rests {
		if e := m.entries[r.key]; e.group != r.before || len(e.seqs) != r.had {
			return nil, true
		}
		for _, c := range fold.Diff(r.before, r.after) {
			missing = append(missing, m.lacking(m.appendKeys(m.appendKeys(nil, c.Old), c.New))...)
		}
	}
	slices.SortFunc(missing, compareKeys)
	return slices.Compact(missing), false
}

// reduce makes a call what remains of it.
func (m *memory) reduce(r rest, seq uint64) {
	e := m.entries[r.key]
	e.group, e.seqs = r.after, r.seqs
	e.recent = slices.DeleteFunc(slices.Clone(e.recent), func(p published) bool { return !slices.Contains(r.seqs, p.item.Seq) })
	m.changed(e, seq)
	m.replace(fold.Diff(r.before, r.after), seq)
}

// touchedBy are the call_ids with records up to through: the oldest of the call
// table, for every earlier deletion took or moved those before.
func (s *Store) touchedBy(ctx context.Context, through uint64) ([]string, error) {
	ids := make(map[string]bool)
	w := s.walkCalls(through)
	for {
		st, err := w.next(ctx)
		if err != nil {
			return nil, err
		}
		if st == nil {
			return slices.Sorted(maps.Keys(ids)), nil
		}
		if calls := st.group.Calls(); len(calls) > 0 {
			ids[calls[0].CallID] = true
		}
	}
}

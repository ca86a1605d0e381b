package history

import (
	"slices"

	"switchboard/engine"
	"switchboard/engine/history/calltable"
	"switchboard/engine/history/fold"
	"switchboard/engine/history/journal"
	"switchboard/engine/history/stats"
)

// kindCall makes a fold.Key name a call_id, beside the three kinds of profiles.
const kindCall = calltable.Kind

func callKey(id string) fold.Key { return fold.Key{Kind: kindCall, Number: id} }

// state is the folded state of one call_id or of one number. Its values are
// immutable; a change makes new ones.
type state struct {
	group   *fold.Group   // of a call_id
	seqs    []uint64      // of a call_id: its records in the log, ascending; the first is its place in the call table
	profile *fold.Profile // of a number
	tally   *stats.Tally  // of a cell of the statistics
	value   value         // of live data
}

// entry is a state in memory. Both absent values are kept as well: "never seen"
// is something that was read.
type entry struct {
	key fold.Key
	state
	version  uint64      // sequence number of the record that changed it last, or a bound above it
	place    uint64      // where the index's call table has it; 0 when it has not
	indexed  *fold.Group // as the call table has it
	recent   []published
	dirty    bool   // in memory.dirty
	flushing bool   // in the round that is being written
	touched  uint32 // tick of the last use
	// shown is the profile as of shownAt, with nothing in flight: it stays right
	// from then on until the profile changes.
	shown   *engine.Profile
	shownAt int64
}

// published is a decision that was published a short while ago.
type published struct {
	rec  *engine.DecisionRecord
	item *journal.Item
}

// memory holds what is in use or not yet written behind. The Store's mutex
// guards it.
type memory struct {
	rules   fold.Rules
	entries map[fold.Key]*entry
	dirty   []*entry // changed since the last cut
	writing []*entry // of the cut that is being written
	cuts    uint64   // so many were taken
	unsure  int      // of those, how many are not known to be written or not
	queue   []*entry // every entry, the longest in memory first
	tick    uint32
	// forgotten counts evictions: what was read from the index while it changed
	// may be older than what was evicted.
	forgotten uint64
	// horizon is at or above the version of every entry that left memory, and
	// so of every one that comes back from the index.
	horizon uint64
	newest  int64 // the newest RoutedAt folded
	live    liveCount
	gone    int64 // the latest end of a session that was let go for the bound on ended ones
	swept   int64 // the latest moment at which something that had expired was left out
	flights fold.InFlight
	// uncounted leaves out what is counted of all calls together: who tells the past has no use for it.
	uncounted bool
}

func newMemory(r fold.Rules) *memory {
	return &memory{rules: r, entries: make(map[fold.Key]*entry)}
}

// resume goes on with what an index knows.
func (m *memory) resume(k mark) {
	m.newest, m.live, m.swept, m.gone = k.newest, k.live, k.swept, k.gone
	m.flights, _ = fold.DecodeInFlight(k.inFlight) // opening the index did it before
}

// get returns an entry and marks it used; nil when it is not in memory.
func (m *memory) get(k fold.Key) *entry {
	e := m.entries[k]
	if e != nil {
		e.touched = m.tick
	}
	return e
}

// lacking are the keys among those given that are not in memory.
func (m *memory) lacking(keys []fold.Key) (out []fold.Key) {
	for _, k := range keys {
		if m.get(k) == nil {
			out = append(out, k)
		}
	}
	return out
}

// put takes in a state that was read from the index, unless one came meanwhile.
func (m *memory) put(k fold.Key, s state) *entry {
	if e := m.entries[k]; e != nil {
		return e
	}
	e := &entry{key: k, state: s, version: m.horizon, place: s.at(), indexed: s.group, touched: m.tick}
	m.entries[k] = e
	m.queue = append(m.queue, e)
	return e
}

// plan is what a record will change.
type plan struct {
	id      string
	after   *fold.Group
	result  engine.CompletionResult
	changes []fold.Change
	keys    []fold.Key // of the profiles and sums that change
}

// plan works out what a record of a call in memory changes. The profiles may
// not be in memory yet.
func (m *memory) plan(id string, e fold.Entry) plan {
	before := m.entries[callKey(id)].group
	p := plan{id: id}
	p.after, p.result = before.With(e)
	if p.after == before {
		return p
	}
	p.changes = fold.Diff(before, p.after)
	for _, c := range p.changes {
		p.keys = m.appendKeys(m.appendKeys(p.keys, c.Old), c.New)
	}
	return p
}

// appendKeys adds what a call counts in.
func (m *memory) appendKeys(keys []fold.Key, c *engine.Call) []fold.Key {
	if c == nil {
		return keys
	}
	counts := fold.Keys(c)
	if !m.uncounted {
		counts = append(counts, cellKey(c, m.rules))
	}
	for _, k := range counts {
		if !slices.Contains(keys, k) {
			keys = append(keys, k)
		}
	}
	return keys
}

// apply carries a plan out for the record seq. Every key of the plan is in
// memory.
func (m *memory) apply(p plan, seq uint64, e fold.Entry) {
	call := m.entries[callKey(p.id)]
	call.group = p.after
	call.seqs = insert(call.seqs, seq)
	m.changed(call, seq)
	m.replace(p.changes, seq)
	if e.Decision != nil {
		m.newest = max(m.newest, e.Decision.RoutedAt)
	}
}

// replace brings the changes of calls to their profiles and to the statistics.
func (m *memory) replace(changes []fold.Change, seq uint64) {
	for _, c := range changes {
		if !m.uncounted {
			m.flights.Replace(c.Old, c.New, m.rules)
		}
		for _, k := range m.appendKeys(m.appendKeys(nil, c.Old), c.New) {
			e := m.entries[k]
			if k.Kind == kindCell {
				m.recount(e, c, seq)
				continue
			}
			e.profile = e.profile.Replace(k, c.Old, c.New, m.rules)
			if e.profile.Empty() {
				e.profile = nil
			}
			m.changed(e, seq)
		}
	}
}

func (m *memory) changed(e *entry, seq uint64) {
	e.version = max(e.version, seq) // a rebuild folds old records behind newer ones
	e.touched, e.shown = m.tick, nil
	if !e.dirty {
		e.dirty = true
		m.dirty = append(m.dirty, e)
	}
}

// insert adds seq to an ascending list without changing it.
func insert(seqs []uint64, seq uint64) []uint64 {
	i, there := slices.BinarySearch(seqs, seq)
	if there {
		return seqs
	}
	out := make([]uint64, 0, len(seqs)+1)
	return append(append(append(out, seqs[:i]...), seq), seqs[i:]...)
}

// waiting is how many changes are not known to be in the index.
func (m *memory) waiting() int { return len(m.dirty) + m.unsure }

// evict drops entries that nobody used for a while, looking at no more than
// limit of them; it reports how many there are and how many it looked at.
func (m *memory) evict(idle uint32, limit int) (looked int) {
	evicted := false
	for ; looked < min(limit, len(m.queue)); looked++ {
		e := m.queue[looked]
		if e.dirty || e.flushing || m.tick-e.touched < idle {
			m.queue = append(m.queue, e)
			continue
		}
		delete(m.entries, e.key)
		m.horizon = max(m.horizon, e.version)
		evicted = true
	}
	clear(m.queue[:looked])
	m.queue = m.queue[looked:]
	if evicted {
		m.forgotten++
	}
	return looked
}

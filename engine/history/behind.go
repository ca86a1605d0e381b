package history

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"switchboard/engine/failpoint"
	"switchboard/engine/history/boltfile"
	"switchboard/engine/history/pile"
)

// behind writes what changed in memory to the index, one cut after the other.
type behind struct {
	s       *Store
	wake    chan struct{} // of capacity one: enough has changed to start a round early
	applied atomic.Uint64
	damaged atomic.Bool           // the index can't be read: the next start makes it anew
	failed  atomic.Pointer[error] // why the index can't be written
	rounds  chan struct{}         // of capacity one, full: held while a round is written
}

func newBehind(s *Store) *behind {
	b := &behind{s: s, wake: make(chan struct{}, 1), rounds: make(chan struct{}, 1)}
	b.applied.Store(s.index.mark.applied)
	if s.index.absent != nil {
		b.damaged.Store(true)
		b.fail(s.index.absent)
	}
	return b
}

// run writes rounds until ctx ends. A round holds all that changed during the
// one before: a slow disk makes rounds larger, and so cheaper per change.
func (b *behind) run(ctx context.Context) {
	tick := time.NewTicker(b.s.roundEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-b.wake:
		case <-tick.C:
		}
		err := b.round(ctx)
		b.mend(err)
		if b.damaged.Load() {
			err = b.s.renewIndex(ctx)
		}
		if err != nil && ctx.Err() == nil {
			b.fail(err)
		}
	}
}

func (b *behind) nudge() {
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

func (b *behind) fail(err error) {
	if b.failed.Swap(&err) == nil {
		b.s.log.Error("the history's index does not take what changed; routing goes on from memory", "index", IndexPath(b.s.Path), "error", err)
	}
}

// round writes one cut. The cut is taken in one critical section, so it is the
// fold of the log up to one sequence number; it is written once the log is on
// disk that far.
func (b *behind) round(ctx context.Context) error {
	select {
	case b.rounds <- struct{}{}:
		defer func() { <-b.rounds }()
	case <-ctx.Done():
		return ctx.Err()
	}
	s := b.s
	if b.damaged.Load() {
		return errDamaged
	}
	if ok, err := s.indexWritable(); !ok {
		return err
	}
	now := s.now().UnixNano()
	s.mu.Lock()
	s.memory.flights.Prune(now, s.rules)
	m := mark{complete: !s.rebuilding, newest: s.memory.newest, live: s.memory.live, swept: s.memory.swept, gone: s.memory.gone}
	if m.complete {
		m.applied, _ = s.journal.Position()
	}
	if len(s.memory.dirty) == 0 && m.complete == s.index.mark.complete && m.applied == b.applied.Load() {
		s.mu.Unlock()
		return nil
	}
	last, _ := s.journal.Position()
	m.inFlight = s.memory.flights.Append(nil)
	cut := s.memory.cut()
	s.mu.Unlock()

	err := failpoint.Before(failpoint.IndexCut, func() error { return s.journal.Wait(ctx, last) })
	if err == nil && m.applied > 0 {
		var data []byte
		data, err = s.journal.Get(m.applied)
		m.sum = sumOf(data)
	}
	if err == nil {
		err = s.round(func() error { return s.index.write(cut, m) })
	}
	s.memoryWritten(cut, err)
	if err != nil {
		return err
	}
	b.applied.Store(m.applied)
	b.failed.Store(nil)
	return nil
}

// settle brings everything that the index was given to its place.
func (b *behind) settle(ctx context.Context) error {
	select {
	case b.rounds <- struct{}{}:
		defer func() { <-b.rounds }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if b.damaged.Load() {
		return errDamaged
	}
	if ok, err := b.s.indexWritable(); !ok {
		return cmp.Or(err, b.s.file.Refused())
	}
	err := b.s.index.settleAll()
	b.mend(err)
	return err
}

// mend has an index made anew that can't be written for what is in it. The index
// is not replaced meanwhile.
func (b *behind) mend(err error) {
	if errors.Is(err, boltfile.ErrPanic) || errors.Is(err, pile.ErrFormat) {
		b.s.indexBroken(b.s.index, err)
	}
}

// cut takes all that is dirty, for a round.
func (m *memory) cut() []written {
	cut := make([]written, len(m.dirty))
	for i, e := range m.dirty {
		cut[i] = written{entry: e, key: e.key, state: e.state, version: e.version, place: e.place, before: e.indexed}
		e.dirty, e.flushing = false, true
	}
	m.writing, m.dirty, m.unsure = m.dirty, nil, len(cut)
	m.cuts++
	return cut
}

// memoryWritten ends a round: in small steps, for others wait for the mutex.
func (s *Store) memoryWritten(cut []written, err error) {
	const step = 512
	for len(cut) > 0 {
		n := min(step, len(cut))
		s.mu.Lock()
		for _, w := range cut[:n] {
			s.memory.finish(w, err)
		}
		s.mu.Unlock()
		cut = cut[n:]
	}
	s.mu.Lock()
	s.memory.writing = nil
	close(s.drained)
	s.drained = make(chan struct{})
	s.mu.Unlock()
}

func (m *memory) finish(w written, err error) {
	e := w.entry
	e.flushing = false
	m.unsure--
	if err != nil {
		if !e.dirty {
			e.dirty = true
			m.dirty = append(m.dirty, e)
		}
		return
	}
	e.place, e.indexed = w.at(), w.group
	if !e.dirty {
		e.recent = nil // the log has them
	}
}

// room waits until what waits for the index is within its bound.
func (s *Store) room(ctx context.Context) error {
	for {
		s.mu.Lock()
		n, drained := s.memory.waiting(), s.drained
		s.mu.Unlock()
		if n < s.maxDirty {
			return nil
		}
		s.behind.nudge()
		select {
		case <-drained:
		case <-ctx.Done():
			return fmt.Errorf("%d changes wait for the index: %w", n, ctx.Err())
		}
	}
}

package history

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"switchboard/engine"
	"switchboard/engine/failpoint"
	"switchboard/engine/history/fold"
	"switchboard/engine/history/journal"
)

// Store is the history: what an engine.Router decides by, and what remains of
// it. All methods may be called at once from many goroutines.
type Store struct {
	Options
	tuning
	rules fold.Rules
	log   *slog.Logger

	file    *journal.File
	journal *journal.Journal
	behind  *behind
	turns   turns
	clock   clockGuard
	archive archive

	// mu orders the history: what happens under it happens at once for everybody.
	// Nobody waits for a disk or for another call while holding it.
	mu         sync.Mutex
	memory     *memory
	index      *index        // another one after it was found damaged
	moment     int64         // of the newest view
	endedAt    []byte        // where the look for ended sessions stopped
	rebuilding bool          // the index does not hold all of the log yet
	care       chan struct{} // of capacity one, full: held while the log is rewritten, or read as a whole
	summing    chan struct{} // of capacity one: who sums up statistics fills it
	unfolded   atomic.Uint64 // a rebuild has folded the log above this record
	drained    chan struct{} // closed and replaced after each round of the index writer

	decisions, completions, conflicts atomic.Uint64
	refolded                          atomic.Uint64         // records, by rebuilds
	unread                            atomic.Pointer[error] // why a rebuild can't go on; nil where it can
	lastDecision, lastCompletion      atomic.Int64
	warnMu                            sync.Mutex
	warnings                          []engine.Warning

	confirmed chan struct{} // of capacity one: somebody confirmed the clock
	stepped   func()        // offline: a record was folded
	closing   atomic.Bool
	cancel    context.CancelFunc
	helpers   sync.WaitGroup // the goroutines beside the journal's
	closeOnce func() error
}

var _ engine.Ledger = (*Store)(nil)

// lockWith takes the mutex with the states of keys in memory.
func (s *Store) lockWith(keys ...fold.Key) {
	for {
		s.mu.Lock()
		missing := s.memory.lacking(keys)
		if len(missing) == 0 {
			return
		}
		states, ok := s.fetch(missing)
		if !ok {
			s.mu.Unlock()
			continue
		}
		for i, k := range missing {
			s.memory.put(k, states[i])
		}
		return
	}
}

// lockEntry takes the mutex with the state of one key in memory.
func (s *Store) lockEntry(k fold.Key) *entry {
	for {
		s.mu.Lock()
		if e := s.memory.get(k); e != nil {
			return e
		}
		if states, ok := s.fetch([]fold.Key{k}); ok {
			return s.memory.put(k, states[0])
		}
		s.mu.Unlock()
	}
}

// fetch reads states from the index while others have the mutex, which is held
// before and after. ok is false where something left memory meanwhile: what was
// read may be from before its last change.
func (s *Store) fetch(keys []fold.Key) (states []state, ok bool) {
	before, index := s.memory.forgotten, s.index
	s.mu.Unlock()
	states, err := index.load(keys)
	if err != nil {
		s.indexBroken(index, err)
		states = make([]state, len(keys))
	}
	s.mu.Lock()
	return states, s.memory.forgotten == before
}

// prepare takes the mutex with everything in memory that a record of a call
// changes, and works the change out.
func (s *Store) prepare(id string, e fold.Entry, also []fold.Key) plan {
	// What it most likely changes is read at once with the call.
	need := append(also[:len(also):len(also)], callKey(id))
	for _, k := range likelyKeys(e) {
		if !slices.Contains(also, k) {
			need = append(need, k)
		}
	}
	for {
		s.lockWith(need...)
		p := s.memory.plan(id, e)
		missing := s.memory.lacking(p.keys)
		if len(missing) == 0 {
			return p
		}
		s.mu.Unlock()
		need = append(need, missing...)
	}
}

// likelyKeys are the profiles of the numbers that a record names.
func likelyKeys(e fold.Entry) []fold.Key {
	out := make([]fold.Key, 0, 3)
	add := func(kind engine.ProfileKind, number string, valid bool) {
		if valid && number != "" {
			out = append(out, fold.Key{Kind: kind, Number: number})
		}
	}
	switch {
	case e.Decision != nil:
		d := e.Decision
		add(engine.Callers, d.Caller.Canonical, d.Caller.Valid)
		add(engine.Receivers, d.Decision.Number, d.ReceiverIsNumber)
		add(engine.DIDs, d.DID.Canonical, d.DID.Valid)
	case e.Completion != nil:
		c := e.Completion
		add(engine.Callers, c.Caller.Canonical, c.Caller.Valid)
		add(engine.Receivers, c.Receiver.Canonical, c.Receiver.Valid)
		add(engine.DIDs, c.DID.Canonical, c.DID.Valid)
	}
	return out
}

// warn tells the log once, and Status from now on.
func (s *Store) warn(w engine.Warning) {
	s.log.Warn(w.String())
	s.warnMu.Lock()
	defer s.warnMu.Unlock()
	s.warnings = append(s.warnings, w)
}

// maintain ticks the clock by which idle entries leave memory.
func (s *Store) maintain(ctx context.Context) {
	tick := time.NewTicker(s.evictEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			s.sweep()
			s.sweepLive()
			s.sweepEnded()
		}
	}
}

// Ticks that an entry stays in memory unused. Views live for a second or so;
// what they read should not go in between.
const (
	idleTicks  = 10
	idleTicks2 = 3 // where memory holds more than its bound
)

// sweep looks at every entry once, in steps, for others wait for the mutex.
func (s *Store) sweep() {
	const step = 512
	s.mu.Lock()
	s.memory.tick++
	left := len(s.memory.queue)
	idle := uint32(idleTicks)
	if left > s.maxIdle {
		idle = idleTicks2
	}
	s.mu.Unlock()
	for left > 0 {
		s.mu.Lock()
		looked := s.memory.evict(idle, min(step, left))
		s.mu.Unlock()
		if looked == 0 {
			return
		}
		left -= looked
	}
}

// Close brings everything to the disk and lets go of the files. It waits for a
// few seconds at most where the disk does not take it; the error then says how
// much was lost. It may be called twice.
func (s *Store) Close() error { return s.closeOnce() }

func (s *Store) close() error {
	s.closing.Store(true)
	failpoint.Pass(failpoint.StopLog)
	err := errors.Join(s.saveCounts(), s.journal.Close(s.closeWait))
	s.cancel()
	s.helpers.Wait()
	if err == nil {
		ctx, cancel := context.WithTimeout(context.Background(), s.closeWait)
		defer cancel()
		// The second round finds nothing to do, unless a rebuild was cut short.
		if rerr := failpoint.Before(failpoint.StopFlush, func() error { return s.behind.round(ctx) }); rerr != nil {
			s.log.Warn("the index could not be brought up to date; the next start does it", "error", rerr)
		}
	}
	if s.behind.damaged.Load() {
		s.index.abandon() // the next start makes it anew
		return errors.Join(err, s.file.Close())
	}
	failpoint.Pass(failpoint.StopIndex)
	err = errors.Join(err, s.index.close())
	failpoint.Pass(failpoint.StopClosing)
	return errors.Join(err, s.file.Close())
}

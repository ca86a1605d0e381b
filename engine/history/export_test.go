package history

import (
	"context"
	"errors"
	"time"

	"go.etcd.io/bbolt"

	"switchboard/engine"
)

// Tuning lets tests make bounds small and disks fail.
type Tuning struct {
	Commit       func(next func() error) error
	Round        func(next func() error) error
	Create       func(next func() error) error
	Write        func(next func() error) error
	FilterEvery  int
	PileKeys     int
	EpochBits    uint
	CompleteWait time.Duration
	CloseWait    time.Duration
	RoundEvery   time.Duration
	EvictEvery   time.Duration
	MaxPending   int
	MaxDirty     int
	Quarantined  int
	TrimEvery    time.Duration
	TrimBatch    int
	Elapsed      func() time.Duration // nil: as the clock goes
	ClaimFor     time.Duration
	Sessions     int
	Ended        int
	Facts        int
	FactBytes    int64
	Timeline     int
	LockWait     time.Duration // zero where a test does not say: 60 ms
	RebuildFirst time.Duration // zero where a test does not say: rebuilds then run beside what it does
}

// OpenTuned is Open with other bounds. Tests map little, for they open many.
func OpenTuned(o Options, tune ...func(*Tuning)) (*Store, error) {
	d := defaults()
	u := Tuning{
		d.commit, d.round, d.create, d.write, d.filterEvery, d.pileKeys, d.epochBits, d.completeWait, d.closeWait, d.roundEvery, d.evictEvery,
		d.maxPending, d.maxDirty, d.quarantined, d.trimEvery, d.trimBatch, nil, d.claimFor, d.sessions, d.ended, d.facts, d.factBytes, d.timeline, 0, 0,
	}
	for _, f := range tune {
		f(&u)
	}
	d.create, d.write, d.rebuildFirst = u.Create, u.Write, u.RebuildFirst
	d.commit, d.epochBits, d.completeWait, d.closeWait, d.roundEvery, d.evictEvery = u.Commit, u.EpochBits, u.CompleteWait, u.CloseWait, u.RoundEvery, u.EvictEvery
	d.maxPending, d.maxDirty, d.quarantined, d.trimEvery, d.trimBatch, d.claimFor = u.MaxPending, u.MaxDirty, u.Quarantined, u.TrimEvery, u.TrimBatch, u.ClaimFor
	d.round, d.filterEvery, d.pileKeys = u.Round, u.FilterEvery, u.PileKeys
	d.sessions, d.ended, d.facts, d.factBytes, d.timeline = u.Sessions, u.Ended, u.Facts, u.FactBytes, u.Timeline
	d.mmap, d.backoff, d.maxBackoff = 1<<26, time.Millisecond, 10*time.Millisecond
	if d.elapsed = u.Elapsed; d.elapsed == nil && o.Now != nil {
		d.elapsed = func() time.Duration { return time.Duration(o.Now().UnixNano()) }
	} else if d.elapsed == nil {
		d.elapsed = defaults().elapsed
	}
	if d.lockWait = u.LockWait; d.lockWait == 0 {
		d.lockWait = 60 * time.Millisecond
	}
	return open(o, d)
}

// Crash lets go of the files without writing anything behind, as a killed
// process does.
func (s *Store) Crash() error {
	s.closing.Store(true)
	s.cancel()
	s.helpers.Wait()
	err := s.journal.Close(0)
	s.closeOnce = func() error { return nil }
	return errors.Join(err, s.index.close(), s.file.Close())
}

// Flush writes behind all that changed.
func (s *Store) Flush(ctx context.Context) error { return s.behind.round(ctx) }

// Settle brings everything in the index to its place.
func (s *Store) Settle(ctx context.Context) error { return s.behind.settle(ctx) }

// Sweep lets every idle entry leave memory.
func (s *Store) Sweep() (left int) {
	for range idleTicks + 1 {
		s.sweep()
	}
	return s.InMemory()
}

// InMemory is how many states memory holds.
func (s *Store) InMemory() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.memory.entries)
}

// UnwrittenCalls are the call_ids that wait for the index. meanwhile is called
// where they are looked for without the mutex: at the first of them, and so n times.
func (s *Store) UnwrittenCalls(n int, meanwhile func()) (ids []string) {
	for _, w := range s.unwritten(func(k engine.ProfileKind) bool {
		if k == kindCall && n > 0 {
			n--
			meanwhile()
		}
		return k == kindCall
	}).states {
		ids = append(ids, w.key.Number)
	}
	return ids
}

// Trim deletes old records now, as retention does.
func (s *Store) Trim(ctx context.Context) error { return s.trimAll(ctx, s.Now()) }

// KeepsUp is by what deleting old records may rest.
var KeepsUp = keepsUp

// SweepLive removes live data that expired, and writes that behind.
func (s *Store) SweepLive(ctx context.Context) error {
	s.sweepLive()
	s.sweepEnded()
	return s.behind.round(ctx)
}

// LiveEntries tells how many entries the index has in each bucket of live data.
func (s *Store) LiveEntries() (map[string]int, error) {
	out := make(map[string]int)
	err := s.index.db.View(func(tx *bbolt.Tx) error {
		for _, name := range liveBuckets {
			out[string(name)] = tx.Bucket(name).Stats().KeyN
		}
		return nil
	})
	return out, err
}

// HoldStatistics keeps statistics waiting until done is called.
func (s *Store) HoldStatistics() (done func()) {
	s.summing <- struct{}{}
	return func() { <-s.summing }
}

package history

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"sync"

	"switchboard/engine"
	"switchboard/engine/failpoint"
	"switchboard/engine/history/boltfile"
	"switchboard/engine/history/journal"
)

// Open opens the history at Options.Path and begins one where there is none.
//
// It fails with ErrInUse, ErrNewerFormat, ErrNotOurs, or as the operating
// system does; the file then lies where it lay, unchanged. A corrupt file is
// renamed to "<path>.corrupt-<time>" and a new one begun, which the log and
// Status tell. An index that is missing, damaged or made by other settings is
// rebuilt beside routing. Where the disk has no room (or we no right) for a new log
// or an index, or a log that is there can be read and not be written, routing goes
// on from what is there and from memory, which Status tells, until that is mended.
func Open(o Options) (*Store, error) { return open(o, defaults()) }

func open(o Options, t tuning) (*Store, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	o = o.withDefaults()
	s := &Store{Options: o, tuning: t, rules: o.rules(), log: o.Log, drained: make(chan struct{}), confirmed: make(chan struct{}, 1), care: make(chan struct{}, 1), summing: make(chan struct{}, 1)}
	file, err := journal.Open(o.Path, t.logOptions(false))
	if errors.Is(err, boltfile.ErrCorrupt) {
		aside, aerr := boltfile.SetAside(o.Path, o.Now())
		if aerr != nil {
			return nil, errors.Join(err, aerr)
		}
		s.warn(engine.Warning{Code: "store_set_aside", Message: fmt.Sprintf("The database was corrupt and lies at %s now; the history begins anew (%v).", aside, err),
			Hint: "To have the history back, stop the server and restore a backup with switchboard db restore."})
		file, err = journal.Open(o.Path, t.logOptions(false))
	}
	if err != nil {
		return nil, err
	}
	s.file = file
	if why := file.Refused(); why != nil {
		s.log.Error("the database takes no records; calls are routed from what it holds and from memory, and what is decided is lost at a stop before it does", "path", s.Path, "because", why)
	}
	if err := s.openIndex(); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	s.memory = newMemory(s.rules)
	s.memory.resume(s.index.mark)
	if err := s.archive.open(file); err != nil {
		return nil, errors.Join(err, s.index.close(), file.Close())
	}
	s.start()
	return s, nil
}

// openIndex opens the index that belongs to the log, or begins a new one.
func (s *Store) openIndex() error {
	path := IndexPath(s.Path)
	opened := openIndex
	if s.file.Refused() != nil {
		opened = readIndex
	}
	x, err := opened(path, s.file.ID(), s.rules, s.tuning)
	switch {
	case err == nil:
		if why := s.mismatch(x); why != "" {
			err = errors.Join(errOther, errors.New(why), x.close())
		}
	case errors.Is(err, os.ErrNotExist), errors.Is(err, errOther), errors.Is(err, boltfile.ErrCorrupt), boltfile.MayComeLater(err):
	default:
		return err
	}
	if err == nil {
		s.index = x
		return nil
	}
	if s.rebuilding = s.file.First() > 0; s.rebuilding {
		s.log.Warn("the history's index is made anew from the log; routing goes on meanwhile", "because", err)
	}
	s.index, err = newIndex(path, s.file.ID(), !s.rebuilding, s.rules, s.tuning)
	if boltfile.MayComeLater(err) {
		s.index, err = absentIndex(path, s.tuning, err), nil
	}
	return err
}

// mismatch says why an index can't be continued from the log, empty when it
// can.
func (s *Store) mismatch(x *index) string {
	m := x.mark
	switch {
	case !m.complete:
		return "its rebuild did not come to its end"
	case m.applied > s.file.Last():
		return "it knows more than the log does"
	}
	if erased, err := erasedSince(s.file, m.applied); erased || err != nil {
		return "somebody was erased since it was written"
	}
	if m.applied <= s.file.Trimmed() {
		return "" // the record to compare was deleted; what else it held is subtracted in catchUp
	}
	data, err := s.file.Get(m.applied)
	if err != nil || sumOf(data) != m.sum {
		return "the log is another one than it was made from"
	}
	return ""
}

// start folds what the index lacks and lets the goroutines go.
func (s *Store) start() {
	ctx, cancel := context.WithCancel(context.Background())
	s.cancel = cancel
	s.journal = journal.Start(s.file, s.bounds(s.OnCommit))
	s.behind = newBehind(s)
	x, next := s.index, uint64(0)
	if s.rebuilding {
		next = s.rebuildNewest(ctx)
	} else {
		s.catchUp(ctx)
	}
	s.moment = max(s.memory.newest, s.memory.swept, s.newestRouted(ctx))
	s.helpers.Go(func() { s.behind.run(ctx) })
	s.helpers.Go(func() { s.maintain(ctx) })
	s.helpers.Go(func() { s.sweepAtStart(ctx) })
	if s.rebuilding && x.db != nil { // else all is folded once there is room for an index
		s.helpers.Go(func() { s.rebuild(ctx, x, next) })
	}
	if s.Retention > 0 {
		s.openClock(ctx)
		s.helpers.Go(func() { s.retain(ctx) })
	}
	s.closeOnce = sync.OnceValue(s.close)
}

// hintUnreadable is what to do about a log that can't be read in parts.
const hintUnreadable = "Look at the disk, and check a copy with switchboard db verify; where that finds more, restore a backup."

// catchUp folds the log's tail that was not written behind.
func (s *Store) catchUp(ctx context.Context) {
	err := s.file.Ascend(ctx, s.index.mark.applied+1, s.file.Last(), func(r journal.Stored) error {
		return failpoint.Before(failpoint.OpenTail, func() error { return s.refold(ctx, r) })
	})
	if err != nil {
		// The index must not say that it has what it lacks.
		s.behind.damaged.Store(true)
		s.behind.fail(fmt.Errorf("the log's tail could not be read, so the index is made anew: %w", err))
	}
}

// refold folds a record that is in the log already.
func (s *Store) refold(ctx context.Context, st journal.Stored) error {
	r, err := decodeRecord(st.Data)
	if err != nil {
		s.warn(engine.Warning{Code: "record_damaged", About: strconv.FormatUint(st.Seq, 10),
			Message: fmt.Sprintf("Record %d of the log is damaged and left out: %v.", st.Seq, err), Hint: hintUnreadable})
		return nil
	}
	return s.refoldRecord(ctx, r, st.Seq)
}

func (s *Store) refoldRecord(ctx context.Context, r *record, seq uint64) error {
	if r.Kind == kindRetention && !s.rebuilding {
		return s.forgetThrough(ctx, r.Through, s.inLog, func() (uint64, error) { return seq, nil })
	}
	if r.audited() {
		s.mu.Lock()
		s.memory.trail(seq, true)
		s.mu.Unlock()
	}
	if r.live() {
		s.refoldLive(r, seq)
		return nil
	}
	id, e, ok := r.entry()
	if !ok {
		return nil
	}
	p := s.prepare(id, e, nil)
	defer s.mu.Unlock()
	if _, there := slices.BinarySearch(s.memory.entries[callKey(id)].seqs, seq); !there {
		s.memory.apply(p, seq, e)
	}
	return nil
}

// newestRouted is the newest time of a decision or of a change of live data
// among the latest records: views' moments go on from there after a restart.
func (s *Store) newestRouted(ctx context.Context) int64 {
	newest, left := int64(0), 64
	err := s.file.Descend(ctx, s.file.Last(), func(st journal.Stored) error {
		if r, err := decodeRecord(st.Data); err == nil && r.Decision != nil {
			newest = max(newest, r.Decision.RoutedAt)
		} else if err == nil && r.live() {
			newest = max(newest, r.At)
		}
		if left--; left == 0 {
			return journal.ErrStop
		}
		return nil
	})
	if err != nil {
		s.log.Warn("the log's latest records can't be read", "error", err)
	}
	return newest
}

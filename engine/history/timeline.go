package history

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"os"
	"path/filepath"
	"time"

	"switchboard/engine"
	"switchboard/engine/history/journal"
)

// ErrOvertaken: retention deleted records faster than a timeline read them.
var ErrOvertaken = fmt.Errorf("records were deleted by age while they were read; start again: %w", engine.ErrUnavailable)

// Timeline is a log told from its oldest record to what was its newest when the
// timeline was opened, with the history at each moment in between. It folds the
// records by the very code of the store, in a store of its own that appends
// nothing, and leaves the live one alone: the log is read in short transactions.
// What does not fit into memory goes to a temporary file. It is for one
// goroutine.
type Timeline struct {
	fold    *Store // offline
	folder  string // of temporary files
	past    engine.Past
	inForce string // the policy set before the first record
	lean    lean
	trimmed uint64
	told    bool
}

// timelineIdle is how many times as many entries as wait for the temporary file
// stay in memory: some tens of megabytes.
const timelineIdle = 3

// Timeline tells the log up to what is on disk now. Close it.
func (s *Store) Timeline(ctx context.Context) (*Timeline, error) {
	last, durable := s.journal.Position()
	return newTimeline(ctx, s.file.UpTo(min(last, durable)), s.Options, s.tuning)
}

func newTimeline(ctx context.Context, l *journal.File, o Options, tune tuning) (*Timeline, error) {
	folder, err := tempFolder(filepath.Dir(o.Path))
	if err != nil {
		return nil, err
	}
	tune.roundSize, tune.maxIdle = tune.timeline, timelineIdle*tune.timeline
	x, err := newIndex(filepath.Join(folder, "fold"), l.ID(), false, o.rules(), tune)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(folder))
	}
	x.db.DB().NoSync = true // nobody reads it after a crash
	// It holds people's numbers and must not outlive the process: where the system
	// lets a file that is open go without its name, the name goes now.
	_ = os.RemoveAll(folder)
	t := &Timeline{fold: offline(l, x, o, tune), folder: folder, trimmed: l.Trimmed()}
	t.fold.rebuilding = true // what retention took is not in the log
	t.fold.memory.uncounted = true
	if err := t.look(ctx); err != nil {
		return nil, errors.Join(err, t.Close())
	}
	return t, nil
}

// tempFolder makes a folder beside the database, where there is room for what
// is made from it; where it can't, in the system's place for such.
func tempFolder(beside string) (string, error) {
	const name = "switchboard-timeline-*"
	if folder, err := os.MkdirTemp(beside, name); err == nil {
		return folder, nil
	}
	return os.MkdirTemp("", name)
}

// look finds where the log begins. Of what was deleted by age the files of policy
// sets are still there.
func (t *Timeline) look(ctx context.Context) error {
	l := t.fold.file
	t.past = engine.Past{Last: l.Last(), Trimmed: t.trimmed > 0}
	err := l.Ascend(ctx, 0, t.trimmed, func(st journal.Stored) error {
		if r, err := decodeRecord(st.Data); err == nil && r.Revision != nil {
			t.inForce = r.Revision.ID
		}
		return nil
	})
	if err != nil {
		return err
	}
	return l.Ascend(ctx, t.trimmed+1, l.Last(), func(st journal.Stored) error {
		t.past.First = st.Seq
		if r, err := decodeRecord(st.Data); err == nil {
			t.past.From = unixNano(r.At)
		}
		return journal.ErrStop
	})
}

// Past is how far back the log goes.
func (t *Timeline) Past() engine.Past { return t.past }

// Newest returns the places of the first and the last among the newest n
// decisions routed between two moments (see [engine.DecisionRecord.Within]), and
// whether older ones of the period are left out. Without any the places are zero.
func (t *Timeline) Newest(ctx context.Context, from, to time.Time, n int) (first, last uint64, more bool, err error) {
	err = t.fold.file.Descend(ctx, t.past.Last, func(st journal.Stored) error {
		if st.Seq < t.past.First {
			return journal.ErrStop
		}
		if !mayBe(st.Data, decisionsAlone) {
			return nil
		}
		if !from.IsZero() || !to.IsZero() {
			r, err := t.lean.record(st.Data)
			if err == nil && !from.IsZero() && r.At < from.Add(-disorder).UnixNano() {
				return journal.ErrStop
			}
			if err != nil || r.Decision == nil || !r.Decision.Within(from, to) {
				return nil
			}
		}
		if n == 0 {
			more = true
			return journal.ErrStop
		}
		first, last, n = st.Seq, max(last, st.Seq), n-1
		return nil
	})
	return first, last, more, err
}

// disorder is how far behind the log's order an arrival may lie, by a clock that
// was set back.
const disorder = 24 * time.Hour

var decisionsAlone = []recordKind{kindDecision}

// Decisions tells every decision of the log in order, each with the history just
// before it. Of its evaluation only the revision is there, and of payloads and
// replies nothing. It can be gone through once. After an error it ends: ErrOvertaken,
// ctx's, or the disk's. Records that can't be read are left out.
func (t *Timeline) Decisions(ctx context.Context) iter.Seq2[engine.Recorded, error] {
	return func(yield func(engine.Recorded, error) bool) {
		if t.told {
			yield(engine.Recorded{}, errors.New("history: a timeline is told once; open another"))
			return
		}
		t.told = true
		w := telling{Timeline: t, next: t.past.First, inForce: t.inForce, yield: yield}
		err := t.fold.file.Ascend(ctx, t.past.First, t.past.Last, func(st journal.Stored) error { return w.record(ctx, st) })
		if err == nil && !w.stopped && t.past.Last >= w.next && t.past.First > 0 {
			err = ErrOvertaken
		}
		if err != nil && !w.stopped {
			yield(engine.Recorded{}, err)
		}
	}
}

// telling is one way through a timeline.
type telling struct {
	*Timeline
	next    uint64 // the place of the record that is to come
	inForce string
	yield   func(engine.Recorded, error) bool
	stopped bool
}

func (w *telling) record(ctx context.Context, st journal.Stored) error {
	if st.Seq != w.next {
		return fmt.Errorf("%w (records %d to %d)", ErrOvertaken, w.next, st.Seq-1)
	}
	w.next++
	r, err := w.lean.record(st.Data)
	if err != nil {
		w.fold.log.Warn("a record of the log is damaged and left out", "record", st.Seq, "error", err)
		return nil
	}
	if r.Revision != nil {
		w.inForce = r.Revision.ID
	}
	if r.Decision != nil {
		over := &view{s: w.fold, at: unixNano(r.Decision.RoutedAt), snapshot: math.MaxUint64}
		if !w.yield(engine.Recorded{Seq: st.Seq, Record: r.Decision, View: over, InForce: w.inForce}, nil) {
			w.stopped = true
			return journal.ErrStop
		}
	}
	if err := w.fold.refoldRecord(ctx, r, st.Seq); err != nil {
		return err
	}
	if len(w.fold.memory.dirty) < w.fold.roundSize {
		return nil
	}
	defer w.fold.sweep()
	return w.fold.behind.round(ctx)
}

// Close gives back what the timeline holds.
func (t *Timeline) Close() error {
	return errors.Join(t.fold.closeOffline(), os.RemoveAll(t.folder))
}

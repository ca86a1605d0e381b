package history

import (
	"context"
	"errors"
	"slices"
	"time"

	"go.etcd.io/bbolt"

	"switchboard/engine"
	"switchboard/engine/failpoint"
	"switchboard/engine/giveway"
	"switchboard/engine/history/journal"
)

// retain deletes what is older than Options.Retention, from the oldest end of
// the log, and subtracts it from the fold; never by a clock that jumped.
func (s *Store) retain(ctx context.Context) {
	tick := time.NewTicker(s.trimEvery)
	defer tick.Stop()
	for {
		elapsed := s.elapsed() // before the clock: what goes by in between makes that stand ahead, which the next look puts right
		now := s.Now()
		believed, err := s.believes(ctx, now, elapsed)
		if err != nil && ctx.Err() == nil {
			s.log.Warn("the clock can't be judged by the log; it is tried again", "error", err)
		}
		if believed {
			if err := s.trimAll(ctx, now); err != nil && ctx.Err() == nil {
				s.log.Warn("old records could not be deleted; it is tried again", "error", err)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-s.confirmed:
		}
	}
}

// carefulTrim is trim while nobody else rewrites the log.
func (s *Store) carefulTrim(ctx context.Context, now time.Time) (more bool, err error) {
	if err := s.takeCare(ctx); err != nil {
		return false, err
	}
	defer s.endCare()
	giveway.Aside(func() { more, err = s.trim(ctx, now) })
	return more, err
}

// trimAtOnce is how many records are deleted in one transaction: subtracting them
// happens at once for everybody, so that calls wait for it, some microseconds a
// record, and longer where the thread that does it has to wait for a processor.
const trimAtOnce = 16

// trimRest is how long calls have the disk to themselves after each transaction
// that deletes, in times of what that took.
const trimRest = 3

// trimAll deletes all that is too old at now. It rests in between as long as it
// deletes at least twice as much as comes in meanwhile: else the log would grow.
func (s *Store) trimAll(ctx context.Context, now time.Time) error {
	before, _ := s.journal.Position()
	for batches := 1; ; batches++ {
		began := time.Now()
		more, err := s.carefulTrim(ctx, now)
		if err != nil || !more {
			return err
		}
		last, _ := s.journal.Position()
		if keepsUp(batches*s.trimBatch, int(last-before)-batches) { // each batch is told of in a record
			giveway.Rest(ctx, trimRest*time.Since(began))
		}
	}
}

// keepsUp reports whether so many records were deleted, while so many came in,
// that deleting may rest.
func keepsUp(deleted, came int) bool { return deleted >= 2*came }

// trim deletes the oldest records, at most a batch of them, and reports whether
// there may be more to delete. A record of its own tells of it: the deletion is
// part of that record's transaction, and a catch-up after a crash repeats the
// subtraction when it comes to that record.
func (s *Store) trim(ctx context.Context, now time.Time) (more bool, err error) {
	s.mu.Lock()
	unsure := s.unsure()
	s.mu.Unlock()
	if unsure {
		return false, nil // a rebuild reads the log's old end at this moment, or is about to
	}
	if err := failpoint.Here(failpoint.RetentionLook); err != nil {
		return false, err
	}
	cutoff := now.Add(-s.Retention).UnixNano()
	old, err := s.oldest(ctx, cutoff)
	if err != nil || len(old) == 0 {
		return false, err
	}
	if err := s.carryOver(old); err != nil {
		return false, err
	}
	through := old[len(old)-1].seq
	keep, drop := s.keepRevisions(old, cutoff)
	data, err := (&record{Kind: kindRetention, At: s.Now().UnixNano(), Through: through}).encode()
	if err != nil {
		return false, err
	}
	var it *journal.Item
	err = s.forgetThrough(ctx, through, s.staysWithout(drop), func() (uint64, error) {
		if s.unsure() {
			return 0, errRebuilding
		}
		it, err = s.append(data, func(tx *bbolt.Tx, _ uint64) error {
			return errors.Join(failpoint.Before(failpoint.RetentionRelay, func() error { return s.expireRelay(tx, old) }), deleteOld(tx, old, through, keep, drop))
		})
		if err != nil {
			return 0, err
		}
		return it.Seq, nil
	})
	if err != nil {
		return false, err
	}
	failpoint.Pass(failpoint.RetentionArchive)
	s.forgetArchive(old, drop)
	if err := it.Wait(ctx); err != nil {
		return false, err
	}
	failpoint.Pass(failpoint.RetentionDone)
	s.journal.Took(uint64(len(old) - len(keep)))
	if len(drop) > 0 {
		if err := s.sweepPieces(ctx); err != nil && ctx.Err() == nil {
			s.log.Warn("the files of deleted policy sets could not be taken away yet", "error", err)
		}
	}
	return len(old) == s.trimBatch, nil
}

// aged is a record that retention takes.
type aged struct {
	seq        uint64
	quarantine string            // id of the item whose payload it is; empty for others
	revision   string            // id of the revision that it tells of; empty for others
	live       *record           // of live data; nil for others
	relay      engine.RelayEntry // of a completion; zero for others
}

// oldest returns the records that are older than cutoff, in order, up to the
// first that is not, and at most a batch.
func (s *Store) oldest(ctx context.Context, cutoff int64) (old []aged, err error) {
	last, durable := s.journal.Position()
	err = s.file.Ascend(ctx, s.file.Trimmed()+1, min(last, durable), func(st journal.Stored) error {
		r, err := decodeRecord(st.Data)
		if err != nil {
			return err
		}
		if r.At >= cutoff || len(old) == s.trimBatch {
			return journal.ErrStop
		}
		a := aged{seq: st.Seq}
		if r.Quarantine != nil {
			a.quarantine = r.Quarantine.ID
		}
		if r.Revision != nil {
			a.revision = r.Revision.ID
		}
		if r.live() {
			a.live = r
		}
		a.relay, _ = r.relayable(st.Seq)
		old = append(old, a)
		return nil
	})
	return old, err
}

// keepRevisions says which of the old records stay, for they hold the files of
// a revision that explains decisions still kept, and which revisions go. A
// revision goes when the next one went live before the cutoff.
func (s *Store) keepRevisions(old []aged, cutoff int64) (keep []uint64, drop []string) {
	s.archive.mu.Lock()
	defer s.archive.mu.Unlock()
	for id, ref := range s.archive.revisions {
		for _, next := range s.archive.revisions {
			if next.Order > ref.Order && next.At < cutoff {
				drop = append(drop, id)
				break
			}
		}
	}
	for _, a := range old {
		if a.revision != "" && s.archive.revisions[a.revision].Seq == a.seq && !slices.Contains(drop, a.revision) {
			keep = append(keep, a.seq)
		}
	}
	return keep, drop
}

// deleteOld takes old records out of the log, and what points to them.
func deleteOld(tx *bbolt.Tx, old []aged, through uint64, keep []uint64, drop []string) error {
	revisions, items := tx.Bucket(bucketRevisions), tx.Bucket(bucketQuarantine)
	errs := []error{failpoint.Before(failpoint.RetentionMark, func() error { return journal.Trim(tx, through) })}
	for _, a := range old {
		if !slices.Contains(keep, a.seq) {
			errs = append(errs, failpoint.Before(failpoint.RetentionDelete, func() error { return journal.Delete(tx, a.seq) }))
		}
		if a.quarantine == "" {
			continue
		}
		// The same payload may have come again after it was deleted.
		ref, err := getRef[quarantineRef](items, a.quarantine)
		if err == nil && ref.Seq == a.seq {
			err = items.Delete([]byte(a.quarantine))
		}
		errs = append(errs, err)
	}
	for _, id := range drop {
		ref, err := getRef[revisionRef](revisions, id)
		if err == nil && ref.Seq > 0 {
			err = journal.Delete(tx, ref.Seq)
		}
		errs = append(errs, err, revisions.Delete([]byte(id)))
	}
	return errors.Join(errs...)
}

// forgetArchive drops from memory what deleteOld drops from the disk.
func (s *Store) forgetArchive(old []aged, drop []string) {
	a := &s.archive
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, o := range old {
		if ref, ok := a.items[o.quarantine]; ok && ref.Seq == o.seq {
			a.bytes -= ref.Size
			delete(a.items, o.quarantine)
		}
	}
	for _, id := range drop {
		delete(a.revisions, id)
	}
	s.file.SetTrimmed(old[len(old)-1].seq)
}

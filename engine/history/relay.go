package history

import (
	"context"
	"encoding/json"

	"go.etcd.io/bbolt"

	"switchboard/engine"
	"switchboard/engine/history/fold"
	"switchboard/engine/history/outbox"
)

// relayStep is how many records one read transaction looks at for the relay.
const relayStep = 1024

// relayHead is what tells whether a record is to be relayed.
type relayHead struct {
	Kind       recordKind `json:"kind"`
	At         int64      `json:"at"`
	Decision   relayCall  `json:"decision"`
	Completion relayCall  `json:"completion"`
}

type relayCall struct {
	CallID string `json:"call_id"`
	Quiet  bool   `json:"quiet"`
}

// RelayWait returns when the log on disk goes beyond a sequence number and
// calls can be told whole: not while the index is rebuilt. The error is ctx's,
// or says that the store is closed.
func (s *Store) RelayWait(ctx context.Context, after uint64) error {
	if err := s.rebuilt(ctx, nil); err != nil {
		return err
	}
	return s.journal.Wait(ctx, after+1)
}

// RelayEntries returns what is to be relayed of the log on disk after a sequence
// number, oldest first, at most limit entries, and up to where it looked. It
// looks at a bounded number of records; there may be more while through is
// before the log's end.
func (s *Store) RelayEntries(ctx context.Context, after uint64, limit int) (out []engine.RelayEntry, through uint64, err error) {
	if err := ctx.Err(); err != nil {
		return nil, after, err
	}
	heads, through, err := s.relayHeads(after, limit)
	if err != nil {
		return nil, after, err
	}
	for _, h := range heads {
		e := engine.RelayEntry{Seq: h.seq, CallID: h.Completion.CallID, At: h.At}
		if h.Kind == kindDecision {
			e.CallID = h.Decision.CallID
			late, err := s.lateDecision(e)
			if err != nil {
				return nil, after, err
			}
			if !late {
				continue
			}
		}
		out = append(out, e)
	}
	return out, through, nil
}

type relayRecord struct {
	seq uint64
	relayHead
}

// relayHeads are the decisions and completions among the next records.
func (s *Store) relayHeads(after uint64, limit int) (out []relayRecord, through uint64, err error) {
	_, durable := s.journal.Position()
	through = after
	n, more := 0, false
	err = s.file.Up(after+1, func(seq uint64, data []byte) bool {
		if seq > durable {
			return false
		}
		if more = n == relayStep || len(out) >= limit; more {
			return false
		}
		through = seq
		r := relayRecord{seq: seq}
		if err := json.Unmarshal(data, &r.relayHead); err != nil {
			s.log.Warn("a record of the log is damaged and not relayed", "record", seq, "error", err)
		} else if r.Kind == kindDecision || r.Kind == kindCompletion && !r.Completion.Quiet {
			out = append(out, r)
		}
		n++
		return true
	})
	if err == nil && !more {
		through = max(after, durable) // retention may have taken the last ones
	}
	return out, through, err
}

// lateDecision reports whether a completion of a decision's call was passed on before it:
// what was told of that call lacked the decision.
func (s *Store) lateDecision(e engine.RelayEntry) (bool, error) {
	for _, seq := range s.recordsOf(e.CallID) {
		if seq >= e.Seq {
			return false, nil
		}
		r, err := s.read(seq)
		if err != nil {
			return false, err
		}
		if r != nil && r.told() {
			return true, nil
		}
	}
	return false, nil
}

// told reports whether the record is a completion that the relay passes on.
func (r *record) told() bool { return r.Completion != nil && !r.Completion.Quiet }

// anyTold reports whether the relay passes any of some records on as a completion.
func (s *Store) anyTold(seqs []uint64) (bool, error) {
	for _, seq := range seqs {
		if r, err := s.read(seq); err != nil || r != nil && r.told() {
			return err == nil, err
		}
	}
	return false, nil
}

// recordsOf are the records of a call, in order.
func (s *Store) recordsOf(callID string) []uint64 {
	k := callKey(callID)
	e := s.lockEntry(k)
	defer s.mu.Unlock()
	return e.seqs
}

// RelayedCall returns what there is to tell of an entry, nil where its record is
// gone.
func (s *Store) RelayedCall(ctx context.Context, e engine.RelayEntry) (*engine.RelayedCall, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	own, err := s.read(e.Seq)
	if err != nil || own == nil {
		return nil, err
	}
	callID, _, ok := own.entry() // not the entry's: an erasure may have changed it since
	if !ok {
		return nil, nil
	}
	var group *fold.Group
	told := false // of an earlier record
	out := &engine.RelayedCall{}
	for _, seq := range s.recordsOf(callID) {
		if seq > e.Seq {
			break
		}
		r, err := s.read(seq)
		if err != nil {
			return nil, err
		}
		if r == nil {
			continue
		}
		if _, entry, ok := r.entry(); ok {
			group, _ = group.With(entry)
		}
		switch {
		case r.Completion != nil:
			out.Update, told = told, told || r.told()
			out.Completion = r.Completion
		case r.Decision != nil:
			out.Update = told
			if counts(r.Decision, out.Decision) {
				out.Decision = r.Decision
			}
		}
		if seq == e.Seq && out.Completion != nil {
			out.Call = newest(group, s.now().UnixNano(), s.rules)
			return out, nil
		}
	}
	return nil, nil
}

// relayable is a record as the relay knows it; false where it is none of its.
func (r *record) relayable(seq uint64) (engine.RelayEntry, bool) {
	if !r.told() {
		return engine.RelayEntry{}, false
	}
	return engine.RelayEntry{Seq: seq, CallID: r.Completion.CallID, At: r.At}, true
}

// expireRelay tells the relay's targets of records that retention takes in tx.
func (s *Store) expireRelay(tx *bbolt.Tx, old []aged) error {
	var entries []engine.RelayEntry
	for _, a := range old {
		if a.relay.Seq != 0 {
			entries = append(entries, a.relay)
		}
	}
	x, err := outbox.Expire(tx, entries, s.Now().UnixNano())
	if x.Undelivered > 0 {
		s.log.Error("retention took completions that were not relayed yet; switchboard relay list names them",
			"letters", x.Undelivered, "not_listed", x.Unlisted)
	}
	if x.Dead > 0 {
		s.log.Warn("retention took the records of dead letters of the relay; these can't be sent any more", "letters", x.Dead)
	}
	return err
}

package history

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"

	"switchboard/engine"
	"switchboard/engine/history/journal"
)

// maxAudit bounds how far back the audit trail is looked for, in records of any
// kind.
const maxAudit = 2_000_000

// auditStep is how many records one read transaction looks at.
const auditStep = 8192

// Audit lists what was done, newest first: changes of live data, activations of
// policy sets, notes. At most limit (zero is engine.DefaultPage, and
// engine.MaxPage the most), as far as they lie among the log's latest two million
// records. The error is ctx's, or the disk's.
func (s *Store) Audit(ctx context.Context, limit int) ([]engine.AuditEntry, error) {
	if limit <= 0 {
		limit = engine.DefaultPage
	}
	limit = min(limit, engine.MaxPage)
	out := []engine.AuditEntry{}
	_, at := s.journal.Position()
	for looked := 0; looked < maxAudit && len(out) < limit && at > 0; looked += auditStep {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		found, next, err := auditRecords(s.file, at, limit-len(out))
		if err != nil {
			return nil, err
		}
		for _, st := range found {
			r, err := decodeRecord(st.Data)
			if err != nil {
				return nil, err
			}
			entry, ok, err := r.audit()
			if err != nil {
				return nil, err
			}
			if ok {
				out = append(out, entry)
			}
		}
		at = next
	}
	return out, nil
}

// auditPrefixes are the beginnings of records that somebody may be asked about:
// the kind is the first field. Other records need not be decoded.
var auditPrefixes = func() (out [][]byte) {
	for _, kind := range []recordKind{kindSession, kindFactChange, kindRevision, kindNote, kindErasure} {
		out = append(out, []byte(`{"kind":"`+string(kind)+`"`))
	}
	return out
}()

func audited(data []byte) bool {
	return slices.ContainsFunc(auditPrefixes, func(p []byte) bool { return bytes.HasPrefix(data, p) })
}

// auditRecords returns such records from a sequence number down, newest first,
// at most limit, and where to go on; zero at the end.
func auditRecords(l *journal.File, from uint64, limit int) (out []journal.Stored, next uint64, err error) {
	n := 0
	err = l.Down(from, func(seq uint64, data []byte) bool {
		if n == auditStep || len(out) == limit {
			next = seq
			return false
		}
		if audited(data) {
			out = append(out, journal.Stored{Seq: seq, Data: bytes.Clone(data)})
		}
		n++
		return true
	})
	return out, next, err
}

// audit is the record's entry in the trail; ok is false for records that are nobody's.
func (r *record) audit() (e engine.AuditEntry, ok bool, err error) {
	e.At = r.At
	var before, after any
	switch {
	case r.Session != nil && !r.Session.Kept:
		c := r.Session
		e.By, e.Action, e.Target = c.By, "session.put", "sessions/"+c.After.Ref
		if b := c.Before.session(); b != nil && b.Live(r.At) {
			before = b
		}
		if after = c.After.session(); c.End {
			e.Action, after = "session.end", nil
		}
	case r.Fact != nil && !r.Fact.Kept:
		c := r.Fact
		e.By, e.Action, e.Target = c.By, "fact.put", "facts/"+c.Collection+"/"+c.Key
		if c.Before != nil {
			before = c.Before.shown()
		}
		if c.After != nil {
			after = c.After.shown()
		} else {
			e.Action = "fact.delete"
		}
	case r.Revision != nil:
		e, before, after = r.activation()
	case r.Note != nil:
		return r.Note.entry(r.At), true, nil
	case r.Erasure != nil && r.Erasure.Done != nil:
		e.By, e.Action, e.Target, after = r.Erasure.By, "forget", "a person", r.Erasure.Done
	default:
		return e, false, nil
	}
	if e.By == "" {
		e.By = "anonymous"
	}
	if e.Before, err = json.Marshal(before); err != nil {
		return e, false, err
	}
	e.After, err = json.Marshal(after)
	return e, err == nil, err
}

// shownFact is a fact in the audit trail.
type shownFact struct {
	Value   json.RawMessage `json:"value"`
	Expires *int64          `json:"expires"` // Unix seconds
}

func (f *storedFact) shown() shownFact { return shownFact{f.Value, engine.Seconds(f.Expires)} }

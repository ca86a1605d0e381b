package history

import (
	"context"
	"encoding/json"
	"time"

	"switchboard/engine"
	"switchboard/engine/history/calltable"
)

// auditTime ends a page of the audit trail that takes longer: an entry about a
// policy set is read together with the set's files.
const auditTime = 150 * time.Millisecond

// Audit lists what was done, newest first: changes of live data, activations of
// policy sets, notes. A page that takes its time is shorter than its limit. The
// error is engine.ErrBadCursor, ctx's, or the disk's. While the index is rebuilt,
// newest records first, the trail ends where the rebuild is.
func (s *Store) Audit(ctx context.Context, f engine.AuditFilter) (engine.AuditPage, error) {
	page := engine.AuditPage{Entries: []engine.AuditEntry{}}
	limit := f.Limit
	if limit <= 0 {
		limit = engine.DefaultPage
	}
	limit = min(limit, engine.MaxPage)
	from, err := s.parseCursor(cursorAudit, f.Cursor)
	if err != nil {
		return page, err
	}
	began := time.Now()
	seqs, err := s.trailBelow(from.Place, limit+1)
	for i, seq := range seqs {
		if i == limit || i > 0 && time.Since(began) > auditTime {
			page.Next = s.cursor(cursorAudit, position{Timed: calltable.Timed{Place: seqs[i-1]}})
			break
		}
		if err := ctx.Err(); err != nil {
			return page, err
		}
		r, err := s.read(seq)
		if err != nil {
			return page, err
		}
		if r == nil {
			continue // retention took it meanwhile
		}
		entry, ok, err := r.audit()
		if err != nil {
			return page, err
		}
		if ok {
			page.Entries = append(page.Entries, entry)
		}
	}
	return page, err
}

// audit is the record's entry in the trail; ok is false for records that have none.
func (r *record) audit() (e engine.AuditEntry, ok bool, err error) {
	if !r.audited() {
		return e, false, nil
	}
	e.At = r.At
	var before, after any
	switch {
	case r.Session != nil:
		c := r.Session
		e.By, e.Action, e.Target = c.By, "session.put", "sessions/"+c.After.Ref
		if b := c.Before.session(); b != nil && b.Live(r.At) {
			before = b
		}
		if after = c.After.session(); c.End {
			e.Action, after = "session.end", nil
		}
	case r.Fact != nil:
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
	case r.Erasure != nil:
		e.By, e.Action, e.Target, after = r.Erasure.By, "forget", "a person", r.Erasure.Done
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

package history

import (
	"context"
	"encoding/json"

	"switchboard/engine"
)

// note is something that was done and changed nothing that the log tells of
// otherwise.
type note struct {
	By     string          `json:"by,omitempty"`
	Action string          `json:"action"`
	Target string          `json:"target"`
	Before json.RawMessage `json:"before,omitempty"`
	After  json.RawMessage `json:"after,omitempty"`
}

var null = json.RawMessage("null")

func (n *note) entry(at int64) engine.AuditEntry {
	e := engine.AuditEntry{At: at, By: n.By, Action: n.Action, Target: n.Target, Before: n.Before, After: n.After}
	if e.By == "" {
		e.By = "anonymous"
	}
	if e.Before == nil {
		e.Before = null
	}
	if e.After == nil {
		e.After = null
	}
	return e
}

// Note adds an entry to the audit trail and returns once it is on disk; At is
// the store's to fill in. The error is engine.ErrUnavailable (wrapped) or ctx's.
func (s *Store) Note(ctx context.Context, e engine.AuditEntry) error {
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	data, err := (&record{Kind: kindNote, At: s.Now().UnixNano(), Note: &note{e.By, e.Action, e.Target, e.Before, e.After}}).encode()
	if err != nil {
		return err
	}
	it, err := s.appendAudited(data, nil)
	if err != nil {
		return err
	}
	if err := it.Wait(ctx); err != nil {
		return unavailable(ctx, err)
	}
	return nil
}

// activation tells of a policy set that went live.
func (r *record) activation() (e engine.AuditEntry, before, after any) {
	rev := r.Revision
	type revision struct {
		Revision string              `json:"revision"`
		Origin   string              `json:"origin,omitempty"`
		Tests    *engine.TestSummary `json:"tests,omitempty"`
	}
	e = engine.AuditEntry{At: r.At, By: rev.Origin, Action: "policies.activate", Target: "policies/" + rev.ID}
	if rev.Rollback != nil {
		e.By, e.Action = rev.Rollback.By, "policies.rollback"
	}
	if r.Was != "" {
		before = revision{Revision: r.Was}
	}
	return e, before, revision{rev.ID, rev.Origin, &rev.Tests}
}

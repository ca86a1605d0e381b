package history

import (
	"context"
	"encoding/json"
	"slices"

	"go.etcd.io/bbolt"

	"switchboard/engine"
	"switchboard/engine/erase"
	"switchboard/engine/failpoint"
	"switchboard/engine/history/fold"
	"switchboard/engine/history/journal"
)

// roles are what the person is in a call.
type roles struct{ caller, receiver bool }

func (r roles) any() bool { return r.caller || r.receiver }

// calls erases the person from all records of calls, and from what is folded
// from them.
func (e *eraser) calls(ctx context.Context, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	if err := failpoint.Here(failpoint.ForgetCalls); err != nil {
		return err
	}
	s := e.s
	data, err := e.erasureRecord()
	if err != nil {
		return err
	}
	need := []fold.Key{}
	for _, id := range ids {
		need = append(need, callKey(id))
		if to := e.rename(id); to != id {
			need = append(need, callKey(to))
		}
	}
	for {
		rests, news, err := e.planCalls(ids)
		if err != nil {
			return err
		}
		s.lockWith(need...)
		if s.unsure() {
			s.mu.Unlock()
			return errRebuilding
		}
		missing, again := s.memory.lackingFor(rests)
		if again || len(missing) > 0 {
			s.mu.Unlock()
			need = append(need, missing...)
			continue
		}
		it, err := s.append(data, func(tx *bbolt.Tx, _ uint64) error { return journal.Replace(tx, news) })
		if err == nil {
			for _, r := range rests {
				failpoint.Pass(failpoint.ForgetReduce)
				s.memory.reduce(r, it.Seq)
				s.memory.entries[r.key].recent = nil // the log has them as they are now
			}
		}
		s.mu.Unlock()
		if err != nil {
			return err
		}
		e.out.Calls += len(ids)
		e.out.Records += len(news)
		if err := e.await(ctx, it); err != nil {
			return err
		}
		return s.room(ctx)
	}
}

// planCalls works out what calls become, and their records.
func (e *eraser) planCalls(ids []string) (rests []rest, news []journal.Stored, err error) {
	s := e.s
	keys := make([]fold.Key, len(ids))
	for i, id := range ids {
		keys[i] = callKey(id)
	}
	states := make([]state, len(ids))
	s.lockWith(keys...)
	for i, k := range keys {
		states[i] = s.memory.entries[k].state
	}
	s.mu.Unlock()
	for i, id := range ids {
		after, changed, err := e.planCall(states[i].seqs)
		if err != nil {
			return nil, nil, err
		}
		news = append(news, changed...)
		r := rest{key: keys[i], before: states[i].group, had: len(states[i].seqs), seqs: states[i].seqs, after: after}
		if to := e.rename(id); to != id {
			rests = append(rests, rest{key: callKey(to), seqs: r.seqs, after: after})
			r.seqs, r.after = nil, nil
		}
		rests = append(rests, r)
	}
	return rests, news, nil
}

// planCall rewrites the records of a call and folds them again.
func (e *eraser) planCall(seqs []uint64) (after *fold.Group, news []journal.Stored, err error) {
	records := make([]*record, 0, len(seqs))
	kept := make([]uint64, 0, len(seqs))
	var who roles
	for _, seq := range seqs {
		r, err := e.s.read(seq)
		if err != nil {
			return nil, nil, err
		}
		if r == nil {
			continue // retention took it
		}
		records, kept = append(records, r), append(kept, seq)
		if d := r.Decision; d != nil {
			who.caller = who.caller || e.p.Is(d.Caller)
			who.receiver = who.receiver || d.Decision.Number == e.p.Canonical()
		}
		if c := r.Completion; c != nil {
			who.caller = who.caller || e.p.Is(c.Caller)
			who.receiver = who.receiver || e.p.Is(c.Receiver)
		}
	}
	for i, r := range records {
		changed := 0
		switch {
		case r.Decision != nil:
			changed = e.decision(r.Decision, who)
		case r.Completion != nil:
			changed = e.completion(r.Completion, who)
		}
		if changed > 0 {
			data, err := r.encode()
			if err != nil {
				return nil, nil, err
			}
			news = append(news, journal.Stored{Seq: kept[i], Data: data})
		}
		if _, entry, ok := r.entry(); ok {
			after, _ = after.With(entry)
		}
	}
	return after, news, nil
}

func (e *eraser) decision(d *engine.DecisionRecord, who roles) (changed int) {
	if id := e.rename(d.CallID); id != d.CallID {
		d.CallID = id
		changed++
	}
	if who.caller {
		changed += hide(&d.Caller) + empty(&d.Raw)
	}
	changed += e.p.Value(d)
	if d.Decision.Number == engine.Erased {
		d.ReceiverIsNumber = false
	}
	return changed
}

func (e *eraser) completion(c *engine.Completion, who roles) (changed int) {
	if id := e.rename(c.CallID); id != c.CallID {
		c.CallID = id
		changed++
	}
	changed += hideParties(c, who) + e.p.Value(c)
	if changed > 0 && c.RecordingURL != "" {
		c.RecordingURL = "" // whose voice it is does not depend on its name
	}
	return changed
}

// hideParties takes what is told of a person's call out of a report, also where
// the number is masked.
func hideParties(c *engine.Completion, who roles) (changed int) {
	if who.caller {
		changed += hide(&c.Caller)
	}
	if who.receiver {
		changed += hide(&c.Receiver)
	}
	if who.any() {
		changed += empty(&c.Raw)
		if c.RecordingURL != "" {
			c.RecordingURL = ""
			changed++
		}
	}
	return changed
}

// hide takes a masked number out: a real one is the person's, which is erased as
// such, or somebody else's.
func hide(n *engine.Number) int {
	if n.Valid || n.Canonical == "" || n.Canonical == engine.Erased {
		return 0
	}
	*n = engine.Number{Canonical: engine.Erased, Raw: engine.Erased}
	return 1
}

func empty(p *engine.Payload) int {
	if len(p.Body) == 0 {
		return 0
	}
	p.Body = nil
	return 1
}

// withoutErased is a report on a call of which somebody was erased since it was
// decided, without that person: it must not bring back what was taken out. It is
// c itself where nobody was.
func withoutErased(c *engine.Completion, g *fold.Group) (*engine.Completion, error) {
	who := roles{}
	if who.caller, who.receiver = g.Erased(); !who.any() {
		return c, nil
	}
	text, err := json.Marshal(c)
	if err != nil {
		return nil, err
	}
	out := new(engine.Completion)
	if err := json.Unmarshal(text, out); err != nil {
		return nil, err
	}
	var gone []engine.Number
	if who.caller {
		gone = append(gone, out.Caller)
	}
	if who.receiver {
		gone = append(gone, out.Receiver)
	}
	for _, n := range slices.DeleteFunc(gone, func(n engine.Number) bool { return !n.Valid }) {
		if p, err := erase.New(n); err == nil {
			p.Value(out)
		}
	}
	hideParties(out, who)
	return out, nil
}

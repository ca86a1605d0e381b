package fold

import (
	"cmp"
	"slices"
	"time"

	"switchboard/engine"
)

// skew is how far a report's own times may lie after its arrival.
const skew = int64(24 * time.Hour)

// join makes the group's calls from its records.
func (g *Group) join() []*engine.Call {
	if len(g.decisions) == 0 {
		return g.orphans()
	}
	ds := g.decisions
	if len(ds) > 1 {
		ds = slices.SortedFunc(slices.Values(ds), func(d, e decision) int {
			return cmp.Or(cmp.Compare(e.routedAt, d.routedAt), d.did.compare(e.did))
		})
	}
	calls := make([]*engine.Call, len(ds))
	for i := range ds {
		calls[i] = g.joined(&ds[i], reportsFor(ds, i, g.reports))
	}
	return calls
}

// reportsFor selects the reports that join ds[i], ds being newest first.
func reportsFor(ds []decision, i int, reports []report) []report {
	if len(ds) == 1 {
		return reports
	}
	var mine []report
	for _, r := range reports {
		to := slices.IndexFunc(ds, func(d decision) bool { return r.did.text != "" && r.did.text == d.did.text })
		if max(to, 0) == i {
			mine = append(mine, r)
		}
	}
	return mine
}

func (g *Group) joined(d *decision, reports []report) *engine.Call {
	c := &engine.Call{
		CallID: g.id, Status: engine.StatusInFlight, RoutedAt: d.routedAt, Arrived: d.arrived,
		Duration: engine.NoDuration, Reason: d.reason, Source: d.source,
	}
	caller, did, receiver := d.caller, d.did, d.receiver
	if d.unanswered() {
		c.Status = engine.StatusOther
	}
	if len(reports) > 0 {
		m := merge(reports)
		m.tell(c)
		c.Arrived = earlier(c.Arrived, m.arrived)
		caller, did = filled(caller, m.caller), filled(did, m.did)
		receiver = filled(receiver, m.receiver)
		for i := range reports {
			if r := &reports[i]; r.receiver.number && r.arrived != 0 && r.arrived < d.routedAt {
				receiver = r.receiver
				break
			}
		}
	}
	if d.reject {
		c.Status, receiver = engine.StatusRejected, party{}
	}
	name(c, caller, did, receiver)
	return c
}

// orphans makes the calls of a group without a decision: one for each DID that
// is a number; reports that name none belong to the newest of them.
func (g *Group) orphans() []*engine.Call {
	if len(g.reports) == 0 {
		return nil
	}
	byDID := map[string][]report{}
	var rest []report
	for _, r := range g.reports {
		if r.did.number {
			byDID[r.did.text] = append(byDID[r.did.text], r)
		} else {
			rest = append(rest, r)
		}
	}
	if len(byDID) == 0 {
		return []*engine.Call{g.orphan(rest)}
	}
	calls := make([]*engine.Call, 0, len(byDID))
	for _, reports := range byDID {
		calls = append(calls, g.orphan(reports))
	}
	slices.SortFunc(calls, order)
	if len(rest) > 0 {
		reports := slices.Concat(byDID[calls[0].DID], rest)
		slices.SortFunc(reports, report.compare)
		calls[0] = g.orphan(reports)
		slices.SortFunc(calls, order)
	}
	return calls
}

func (g *Group) orphan(reports []report) *engine.Call {
	dated := slices.Clone(reports)
	for i := range dated {
		r := &dated[i]
		r.receivedAt, r.endedAt = credible(r.receivedAt, r.arrived), credible(r.endedAt, r.arrived)
	}
	m := merge(dated)
	c := &engine.Call{CallID: g.id, Arrived: m.arrived}
	m.tell(c)
	name(c, m.caller, m.did, m.receiver)
	return c
}

// credible drops a time that a clock gone wrong must have told.
func credible(t, arrived int64) int64 {
	if arrived != 0 && t > arrived+skew {
		return 0
	}
	return t
}

// merge makes one report of several, best first.
func merge(reports []report) report {
	m := reports[0]
	for _, r := range reports[1:] {
		m.caller, m.receiver, m.did = better(m.caller, r.caller), better(m.receiver, r.receiver), better(m.did, r.did)
		m.endedAt, m.duration = max(m.endedAt, r.endedAt), max(m.duration, r.duration)
		if rank(r.status) > rank(m.status) {
			m.status = r.status
		}
		m.receivedAt = cmp.Or(m.receivedAt, r.receivedAt)
		m.hangup = cmp.Or(m.hangup, r.hangup)
		m.arrived = earlier(m.arrived, r.arrived)
	}
	return m
}

// tell writes the outcome into a call.
func (r *report) tell(c *engine.Call) {
	c.Status, c.HangupCause, c.Duration = r.status, r.hangup, r.duration
	c.ReceivedAt, c.EndedAt = r.receivedAt, r.endedAt
}

func name(c *engine.Call, caller, did, receiver party) {
	c.Caller, c.CallerIsNumber = caller.text, caller.number
	c.DID, c.DIDIsNumber = did.text, did.number
	c.Receiver, c.ReceiverIsNumber = receiver.text, receiver.number
}

// better prefers a number to a masked value to nothing, then p.
func better(p, q party) party {
	if q.number && !p.number || p.text == "" {
		return q
	}
	return p
}

// filled prefers whatever our own record says.
func filled(ours, reported party) party {
	if ours.text == "" {
		return reported
	}
	return ours
}

// earlier is the earlier of two times, zero being unknown.
func earlier(a, b int64) int64 {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

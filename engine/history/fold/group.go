package fold

import (
	"cmp"
	"slices"
	"strings"

	"switchboard/engine"
)

// Bounds of one group. Ordinary call_ids need one DID and one or two reports;
// the bounds keep a provider that repeats one id from growing a record without
// end.
const (
	maxDIDs    = 64
	maxReports = 32
)

// Group is everything known of one call_id: its decisions, one for each DID it
// came with, and its completions. It is immutable; nil is the empty group.
type Group struct {
	id        string
	decisions []decision // by DID
	reports   []report   // distinct, best first
	calls     []*engine.Call
}

// party is a canonical number, or a value in the place of one.
type party struct {
	text   string
	number bool
}

func partyOf(n engine.Number) party { return party{n.Canonical, n.Valid && n.Canonical != ""} }

func (p party) compare(q party) int {
	if p.number != q.number {
		if p.number {
			return -1
		}
		return 1
	}
	return strings.Compare(p.text, q.text)
}

// decision is what the history needs of a decision record.
type decision struct {
	caller, did, receiver party
	routedAt, arrived     int64
	reject                bool
	reason                string
	source                engine.Source
}

func decisionOf(rec *engine.DecisionRecord) decision {
	d := decision{
		caller: partyOf(rec.Caller), did: partyOf(rec.DID),
		routedAt: rec.RoutedAt, arrived: rec.Arrived,
		reject: rec.Decision.Reject || rec.Decision.Source == engine.SourceRejected,
		reason: rec.Decision.Reason, source: rec.Decision.Source,
	}
	if !d.reject {
		d.receiver = party{rec.Decision.Number, rec.ReceiverIsNumber && rec.Decision.Number != ""}
	}
	return d
}

// unanswered reports whether the provider got no answer, only a 503.
func (d *decision) unanswered() bool { return d.source == engine.SourceNone && !d.reject }

// before reports whether d counts where both are decisions on one DID.
func (d *decision) before(e *decision) bool {
	if d.unanswered() != e.unanswered() {
		return e.unanswered()
	}
	return cmp.Or(
		cmp.Compare(d.routedAt, e.routedAt), cmp.Compare(d.arrived, e.arrived),
		d.caller.compare(e.caller), d.receiver.compare(e.receiver), d.did.compare(e.did),
		cmp.Compare(d.source, e.source), cmp.Compare(d.reason, e.reason),
		boolCompare(d.reject, e.reject),
	) < 0
}

func boolCompare(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	}
	return 1
}

// With folds one record into the group. It returns g itself, the same pointer,
// when the record adds nothing to the set; records of another call_id never do.
//
// The result is for completions: Stored for the first of the call_id, Updated
// for one that tells something new, Duplicate for the rest. A Duplicate with
// another pointer differs from all earlier reports (or arrived before the one it
// repeats) without telling anything better: it belongs into the log too.
func (g *Group) With(e Entry) (*Group, engine.CompletionResult) {
	switch {
	case e.Decision != nil && g.takes(e.Decision.CallID):
		return g.decided(e.Decision), ""
	case e.Completion != nil && g.takes(e.Completion.CallID):
		return g.reported(e.Completion)
	}
	return g, ""
}

func (g *Group) takes(id string) bool { return g == nil || g.id == id }

func (g *Group) decided(rec *engine.DecisionRecord) *Group {
	out := &Group{id: rec.CallID}
	if g != nil {
		*out = *g
	}
	d := decisionOf(rec)
	i, found := slices.BinarySearchFunc(out.decisions, d.did.text, func(d decision, did string) int {
		return strings.Compare(d.did.text, did)
	})
	switch {
	case found && !d.before(&out.decisions[i]), i == maxDIDs:
		return g
	case found:
		out.decisions = slices.Clone(out.decisions)
		out.decisions[i] = d
	default:
		all := slices.Insert(slices.Clip(out.decisions), i, d)
		out.decisions = all[:min(len(all), maxDIDs)]
	}
	out.calls = out.join()
	return out
}

func (g *Group) reported(c *engine.Completion) (*Group, engine.CompletionResult) {
	out := &Group{id: c.CallID}
	if g != nil {
		*out = *g
	}
	r, known := reportOf(c), out.reports
	i, found := slices.BinarySearchFunc(known, r, report.compare)
	switch {
	case found && (r.arrived == 0 || known[i].arrived != 0 && known[i].arrived <= r.arrived), i == maxReports:
		return g, engine.Duplicate
	case found:
		out.reports = slices.Clone(known)
		out.reports[i].arrived = r.arrived
	default:
		all := slices.Insert(slices.Clip(known), i, r)
		out.reports = all[:min(len(all), maxReports)]
	}
	out.calls = out.join()
	switch {
	case len(known) == 0:
		return out, engine.Stored
	case found || !adds(known, r) && sameTold(g.calls, out.calls):
		return out, engine.Duplicate
	}
	return out, engine.Updated
}

// sameTold compares calls but for when their records came.
func sameTold(a, b []*engine.Call) bool {
	return slices.EqualFunc(a, b, func(c, d *engine.Call) bool {
		e := *d
		e.Arrived = c.Arrived
		return e == *c
	})
}

// Calls returns the group's calls, the newest decision's first; normally there
// is one. A decided call without a report is in flight: [Resolve] applies
// expiry. The slice and its calls are shared and not to be changed.
func (g *Group) Calls() []*engine.Call {
	if g == nil {
		return nil
	}
	return g.calls
}

// Reported returns what the group's reports call the parties of a call where
// that differs from what c shows: under these the call may have counted before
// other records came. Mostly there is none.
func (g *Group) Reported(c *engine.Call) (keys []Key) {
	for i := range g.reports {
		r := &g.reports[i]
		for _, p := range [...]struct {
			kind            engine.ProfileKind
			reported, shown string
		}{{engine.Callers, r.caller.text, c.Caller}, {engine.Receivers, r.receiver.text, c.Receiver}, {engine.DIDs, r.did.text, c.DID}} {
			if p.reported != "" && p.reported != p.shown {
				keys = append(keys, Key{p.kind, p.reported})
			}
		}
	}
	return keys
}

// Change is a call before and after a record; Old is nil for a call that
// appeared, New for one that went.
type Change struct{ Old, New *engine.Call }

// Diff pairs the calls of two versions of a group and leaves out the unchanged
// ones. Calls on the same DID are a pair; so are, in order, what remains of
// both: an orphan takes the DID of its initiation.
func Diff(before, after *Group) []Change {
	if before == after {
		return nil
	}
	var changes []Change
	var gone, came []*engine.Call
	for _, c := range before.Calls() {
		if d := onDID(after.Calls(), c.DID); d == nil {
			gone = append(gone, c)
		} else if *c != *d {
			changes = append(changes, Change{c, d})
		}
	}
	for _, d := range after.Calls() {
		if onDID(before.Calls(), d.DID) == nil {
			came = append(came, d)
		}
	}
	for len(gone) > 0 || len(came) > 0 {
		var ch Change
		if len(gone) > 0 {
			ch.Old, gone = gone[0], gone[1:]
		}
		if len(came) > 0 {
			ch.New, came = came[0], came[1:]
		}
		changes = append(changes, ch)
	}
	return changes
}

func onDID(calls []*engine.Call, did string) *engine.Call {
	for _, c := range calls {
		if c.DID == did {
			return c
		}
	}
	return nil
}

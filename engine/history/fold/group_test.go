package fold

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"

	"switchboard/engine"
)

const did, did2 = "918645658689", "918645658690"

// forwarded is a decision on a DID, a number of seconds after base.
func forwarded(did string, sec int64, receiver string) Entry {
	return Entry{Decision: &engine.DecisionRecord{
		CallID: "c", Caller: num("9988912345"), DID: num(did), RoutedAt: base + sec*1e9, Arrived: base + sec*1e9 - 1e6,
		Decision:         engine.Decision{Number: receiver, Reason: "sticky", Source: engine.SourcePolicy},
		ReceiverIsNumber: true,
	}}
}

func unanswered(sec int64) Entry {
	e := forwarded(did, sec, "")
	e.Decision.Decision, e.Decision.ReceiverIsNumber = engine.Decision{Source: engine.SourceNone}, false
	return e
}

func rejected(sec int64) Entry {
	e := unanswered(sec)
	e.Decision.Decision = engine.Decision{Reject: true, Reason: "blocked", Source: engine.SourceRejected}
	return e
}

// told is a completion that names a real caller and receiver, ended and arrived a
// number of seconds after base.
func told(status engine.Status, ended, arrived int64, change ...func(*engine.Completion)) Entry {
	c := &engine.Completion{
		CallID: "c", Caller: num("9988912399"), Receiver: num("9876543299"), DID: num(did), Status: status,
		EndedAt: base + ended*1e9, Duration: engine.NoDuration, Arrived: base + arrived*1e9,
	}
	for _, f := range change {
		f(c)
	}
	return Entry{Completion: c}
}

// grouped folds entries in several orders, which must all give one result.
func grouped(t *testing.T, entries ...Entry) []*engine.Call {
	t.Helper()
	var first []*engine.Call
	for i := range 20 {
		var g *Group
		for _, j := range rand.Perm(len(entries)) {
			g, _ = g.With(entries[j])
		}
		if i == 0 {
			first = g.Calls()
		}
		wantEqual(t, "calls in another order", g.Calls(), first)
	}
	return first
}

func only(t *testing.T, calls []*engine.Call) *engine.Call {
	t.Helper()
	if len(calls) != 1 {
		t.Fatalf("%d calls, want one: %+v", len(calls), calls)
	}
	return calls[0]
}

func TestJoin(t *testing.T) {
	answered, missed, other := engine.StatusAnswered, engine.StatusNotAnswered, engine.StatusOther
	hide := func(c *engine.Completion) {
		c.Caller, c.Receiver, c.DID = masked("99889xxxxx"), masked("98765xxxxx"), masked("91864xxxxx")
	}
	lasting := func(sec int64) func(*engine.Completion) { return func(c *engine.Completion) { c.Duration = sec } }
	cause := func(s string) func(*engine.Completion) { return func(c *engine.Completion) { c.HangupCause = s } }
	for name, test := range map[string]struct {
		entries []Entry
		want    func(*engine.Call)
	}{
		"decision alone is in flight": {[]Entry{forwarded(did, 0, "9876543210")}, func(c *engine.Call) {}},
		"our numbers before the report's": {
			[]Entry{forwarded(did, 0, "9876543210"), told(answered, 60, 61, lasting(40), cause("receiver_hangup"))},
			func(c *engine.Call) {
				c.Status, c.EndedAt, c.Duration, c.HangupCause = answered, base+60e9, 40, "receiver_hangup"
			},
		},
		"masked report joins": {
			[]Entry{forwarded(did, 0, "9876543210"), told(missed, 60, 61, hide)},
			func(c *engine.Call) { c.Status, c.EndedAt = missed, base+60e9 },
		},
		"report on a DID never called joins": {
			[]Entry{forwarded(did, 0, "9876543210"), told(missed, 60, 61, func(c *engine.Completion) { c.DID = num(did2) })},
			func(c *engine.Call) { c.Status, c.EndedAt = missed, base+60e9 },
		},
		"report that came before the decision keeps its receiver": {
			[]Entry{forwarded(did, 60, "9876543210"), told(answered, 50, 51)},
			func(c *engine.Call) {
				c.RoutedAt, c.Arrived, c.EndedAt = base+60e9, base+51e9, base+50e9
				c.Status, c.Receiver = answered, "9876543299"
			},
		},
		"masked report that came before the decision does not": {
			[]Entry{forwarded(did, 60, "9876543210"), told(answered, 50, 51, hide)},
			func(c *engine.Call) {
				c.RoutedAt, c.Arrived, c.EndedAt, c.Status = base+60e9, base+51e9, base+50e9, answered
			},
		},
		"later end, answered, longer, known, each by itself": {
			[]Entry{
				forwarded(did, 0, "9876543210"),
				told(answered, 60, 61, lasting(40)),
				told(missed, 70, 71, lasting(0), cause("network_error")),
				told(other, 0, 72, lasting(50), func(c *engine.Completion) { c.EndedAt, c.ReceivedAt = 0, base+1e9 }, cause("receiver_hangup")),
			},
			func(c *engine.Call) {
				c.Status, c.EndedAt, c.Duration, c.HangupCause, c.ReceivedAt = answered, base+70e9, 50, "network_error", base+1e9
			},
		},
		"notanswered before other": {
			[]Entry{forwarded(did, 0, "9876543210"), told(missed, 60, 61), told(other, 70, 71)},
			func(c *engine.Call) { c.Status, c.EndedAt = missed, base+70e9 },
		},
		"earliest decision counts": {
			[]Entry{forwarded(did, 0, "9876543210"), forwarded(did, 1, "9876543211"), forwarded(did, 2, "9876543212")},
			func(c *engine.Call) {},
		},
		"of equal decisions the first to arrive counts": {
			[]Entry{forwarded(did, 0, "9876543210"), func() Entry {
				e := forwarded(did, 0, "9876543210")
				e.Decision.Arrived -= 5e6
				return e
			}()},
			func(c *engine.Call) { c.Arrived -= 5e6 },
		},
		"a forward supersedes a 503": {
			[]Entry{unanswered(-5), forwarded(did, 0, "9876543210"), unanswered(3)}, func(c *engine.Call) {},
		},
		"a 503 alone is nobody's call": {
			[]Entry{unanswered(0)}, func(c *engine.Call) {
				c.Status, c.Source, c.Reason, c.Receiver, c.ReceiverIsNumber = other, engine.SourceNone, "", "", false
			},
		},
		"a 503 that was put through all the same": {
			[]Entry{unanswered(0), told(answered, 60, 61, lasting(40))}, func(c *engine.Call) {
				c.Status, c.Source, c.Reason, c.Receiver = answered, engine.SourceNone, "", "9876543299"
				c.EndedAt, c.Duration = base+60e9, 40
			},
		},
		"rejected stays so": {
			[]Entry{rejected(0), told(missed, 3, 4, lasting(0), cause("initiator_hangup"))}, func(c *engine.Call) {
				c.Status, c.Source, c.Reason, c.Receiver, c.ReceiverIsNumber = engine.StatusRejected, engine.SourceRejected, "blocked", "", false
				c.EndedAt, c.Duration, c.HangupCause = base+3e9, 0, "initiator_hangup"
			},
		},
		"a caller we were not told is filled in": {
			[]Entry{func() Entry {
				e := forwarded(did, 0, "9876543210")
				e.Decision.Caller = engine.Number{Anonymous: true}
				return e
			}(), told(missed, 60, 61)},
			func(c *engine.Call) { c.Caller, c.Status, c.EndedAt = "9988912399", missed, base+60e9 },
		},
		"a withheld caller stays withheld": {
			[]Entry{func() Entry {
				e := forwarded(did, 0, "9876543210")
				e.Decision.Caller = engine.Number{Canonical: "anonymous", Anonymous: true}
				return e
			}(), told(missed, 60, 61)},
			func(c *engine.Call) {
				c.Caller, c.CallerIsNumber, c.Status, c.EndedAt = "anonymous", false, missed, base+60e9
			},
		},
		"a report that came at no known time did not come before": {
			[]Entry{forwarded(did, 0, "9876543210"), told(answered, 60, 0, func(c *engine.Completion) { c.Arrived = 0 })},
			func(c *engine.Call) { c.Status, c.EndedAt = answered, base+60e9 },
		},
		"a repetition that came before counts as having come": {
			[]Entry{forwarded(did, 60, "9876543210"), told(answered, 50, 70), told(answered, 50, 51)},
			func(c *engine.Call) {
				c.RoutedAt, c.Arrived, c.EndedAt = base+60e9, base+51e9, base+50e9
				c.Status, c.Receiver = answered, "9876543299"
			},
		},
		"an unknown status is other": {
			[]Entry{forwarded(did, 0, "9876543210"), told("busy", 60, 61)},
			func(c *engine.Call) { c.Status, c.EndedAt = other, base+60e9 },
		},
	} {
		t.Run(name, func(t *testing.T) {
			want := &engine.Call{
				CallID: "c", Caller: "9988912345", DID: did, Receiver: "9876543210", Status: engine.StatusInFlight,
				RoutedAt: base, Arrived: base - 1e6, Duration: engine.NoDuration, Reason: "sticky", Source: engine.SourcePolicy,
				CallerIsNumber: true, DIDIsNumber: true, ReceiverIsNumber: true,
			}
			test.want(want)
			wantEqual(t, "call", only(t, grouped(t, test.entries...)), want)
		})
	}
}

func TestOrphan(t *testing.T) {
	masks := func(c *engine.Completion) {
		c.Caller, c.Receiver, c.DID = masked("99889xxxxx"), masked("98765xxxxx"), masked("91864xxxxx")
	}
	want := &engine.Call{
		CallID: "c", Caller: "9988912399", DID: did, Receiver: "9876543299", Status: engine.StatusAnswered,
		EndedAt: base + 60e9, Arrived: base + 61e9, Duration: engine.NoDuration,
		CallerIsNumber: true, DIDIsNumber: true, ReceiverIsNumber: true,
	}
	wantEqual(t, "orphan", only(t, grouped(t, told(engine.StatusAnswered, 60, 61), told(engine.StatusOther, 50, 70, masks))), want)

	// A number before a masked value, the earliest arrival: also of a lesser report.
	want.EndedAt, want.Arrived = base+70e9, base+50e9
	wantEqual(t, "orphan", only(t, grouped(t, told(engine.StatusAnswered, 60, 50), told(engine.StatusOther, 70, 71, masks))), want)

	c := only(t, grouped(t, told(engine.StatusAnswered, 60, 61, masks)))
	if len(Keys(c)) != 0 || c.Caller != "99889xxxxx" {
		t.Errorf("a masked orphan counts under %v and shows caller %q", Keys(c), c.Caller)
	}
}

// A clock gone wrong must not put an orphan on top of the history for ninety years.
func TestOrphanFromTheFuture(t *testing.T) {
	future := told(engine.StatusAnswered, 90*365*86400, 61, func(c *engine.Completion) { c.ReceivedAt = c.EndedAt })
	if c := only(t, grouped(t, future)); c.EndedAt != 0 || c.ReceivedAt != 0 || c.At() != base+61e9 {
		t.Errorf("an end in ninety years dates the call: %+v", c)
	}
	if c := only(t, grouped(t, future, told(engine.StatusAnswered, 60, 62))); c.At() != base+60e9 {
		t.Errorf("the credible end does not date the call: %+v", c)
	}
	if c := only(t, grouped(t, future, forwarded(did, 0, "9876543210"))); c.EndedAt == 0 || c.At() != base {
		t.Errorf("a joined call is dated by its routing and shows what was reported: %+v", c)
	}
}

// One call_id on two DIDs is two calls, and each report finds its own.
func TestTwoDIDs(t *testing.T) {
	calls := grouped(t,
		forwarded(did, 0, "9876543210"), forwarded(did2, 5, "9876543211"),
		told(engine.StatusAnswered, 60, 61),
		told(engine.StatusNotAnswered, 70, 71, func(c *engine.Completion) { c.DID = masked("9186xxxxxx") }),
	)
	if len(calls) != 2 || calls[0].DID != did2 || calls[1].DID != did {
		t.Fatalf("want the newest decision's call first, got %+v", calls)
	}
	if calls[1].Status != engine.StatusAnswered || calls[0].Status != engine.StatusNotAnswered {
		t.Errorf("statuses %s and %s: the masked report belongs to the newest", calls[1].Status, calls[0].Status)
	}
	orphans := grouped(t, told(engine.StatusAnswered, 60, 61),
		told(engine.StatusNotAnswered, 70, 71, func(c *engine.Completion) { c.DID = num(did2) }),
		told(engine.StatusOther, 40, 90, func(c *engine.Completion) { c.DID, c.HangupCause = masked(""), "network_error" }))
	if len(orphans) != 2 || orphans[0].DID != did2 || orphans[0].HangupCause != "network_error" || orphans[1].HangupCause != "" {
		t.Errorf("two orphans, the report without a DID with the newest: %+v", orphans)
	}
	hung := func(cause string, did engine.Number) func(*engine.Completion) {
		return func(c *engine.Completion) { c.HangupCause, c.DID = cause, did }
	}
	one := only(t, grouped(t, told(engine.StatusAnswered, 60, 61, hung("receiver_hangup", num(did))),
		told(engine.StatusAnswered, 70, 71, hung("network_error", masked("")))))
	if one.HangupCause != "network_error" || one.DID != did {
		t.Errorf("the better report lacks a DID, its cause must count all the same: %+v", one)
	}
}

func TestResults(t *testing.T) {
	extra := func(s string) func(*engine.Completion) {
		return func(c *engine.Completion) { c.Extra = map[string]json.RawMessage{"metadata": json.RawMessage(s)} }
	}
	var g *Group
	for i, step := range []struct {
		entry Entry
		want  engine.CompletionResult
		same  bool
	}{
		{told(engine.StatusNotAnswered, 60, 61), engine.Stored, false},
		{told(engine.StatusNotAnswered, 60, 99), engine.Duplicate, true},
		{told(engine.StatusNotAnswered, 60, 50), engine.Duplicate, false}, // an earlier arrival is kept
		{told(engine.StatusAnswered, 60, 61), engine.Updated, false},
		{told(engine.StatusOther, 40, 61), engine.Duplicate, false}, // differs, but tells nothing better
		{told(engine.StatusOther, 40, 61), engine.Duplicate, true},
		{told(engine.StatusOther, 40, 61, func(c *engine.Completion) { c.RecordingURL = "https://x/1" }), engine.Updated, false},
		{told(engine.StatusOther, 39, 61, func(c *engine.Completion) { c.RecordingURL = "https://x/1" }), engine.Duplicate, false},
		{told(engine.StatusOther, 40, 61, func(c *engine.Completion) { c.AnsweredAt = base }), engine.Updated, false},
		{told(engine.StatusOther, 40, 61, extra(`{"a": 1, "b": "<"}`)), engine.Updated, false},
		{told(engine.StatusOther, 40, 61, extra(`{"b":"\u003c","a":1}`)), engine.Duplicate, true},
		{told(engine.StatusOther, 40, 61, extra(`{"a": 2}`)), engine.Updated, false},
		{told(engine.StatusNotAnswered, 60, 61, func(c *engine.Completion) { c.HangupCause = "network_error" }), engine.Updated, false},
		{told(engine.StatusNotAnswered, 60, 61, func(c *engine.Completion) { c.HangupCause = "network_error" }), engine.Duplicate, true},
		{forwarded(did, 0, "9876543210"), "", false},
		{forwarded(did, 1, "9876543210"), "", true},
		{Entry{}, "", true},
	} {
		after, got := g.With(step.entry)
		if got != step.want || (after == g) != step.same {
			t.Errorf("step %d: %q (same group: %v), want %q (%v)", i, got, after == g, step.want, step.same)
		}
		g = after
	}
	other := told(engine.StatusAnswered, 60, 61)
	other.Completion.CallID = "d"
	if after, result := g.With(other); after != g || result != "" {
		t.Errorf("a record of another call_id was taken: %q", result)
	}
}

// A provider that repeats one call_id for ever does not grow a group for ever,
// and the bound does not depend on order either.
func TestGroupIsBounded(t *testing.T) {
	var entries []Entry
	for i := range int64(100) {
		entries = append(entries, forwarded(fmt.Sprint(918645000000+i), i, "9876543210"), told(engine.StatusAnswered, i, i))
	}
	if n := len(grouped(t, entries...)); n != maxDIDs {
		t.Errorf("%d calls of one call_id, want %d", n, maxDIDs)
	}
	var g *Group
	for _, e := range entries {
		g, _ = g.With(e)
	}
	if b := AppendGroup(nil, g); len(g.reports) != maxReports || len(b) > 8<<10 {
		t.Errorf("%d reports in %d bytes", len(g.reports), len(b))
	}
}

func TestDiff(t *testing.T) {
	orphan, _ := (*Group)(nil).With(told(engine.StatusAnswered, 60, 61, func(c *engine.Completion) { c.DID = masked("") }))
	joined, _ := orphan.With(forwarded(did, 0, "9876543210"))
	two, _ := joined.With(forwarded(did2, 9, "9876543210"))
	for name, test := range map[string]struct {
		before, after *Group
		want          []Change
	}{
		"nothing":        {joined, joined, nil},
		"appears":        {nil, orphan, []Change{{nil, orphan.Calls()[0]}}},
		"goes":           {orphan, nil, []Change{{orphan.Calls()[0], nil}}},
		"takes its DID":  {orphan, joined, []Change{{orphan.Calls()[0], joined.Calls()[0]}}},
		"one more":       {joined, two, []Change{{joined.Calls()[0], two.Calls()[1]}, {nil, two.Calls()[0]}}},
		"equal contents": {two, mustDecode(t, two), nil},
	} {
		t.Run(name, func(t *testing.T) { wantEqual(t, "changes", Diff(test.before, test.after), test.want) })
	}
}

func mustDecode(t *testing.T, g *Group) *Group {
	t.Helper()
	got, err := DecodeGroup(AppendGroup(nil, g))
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestKeys(t *testing.T) {
	all := []Key{{engine.Callers, "9988912345"}, {engine.Receivers, "9876543210"}, {engine.DIDs, did}}
	forward := only(t, grouped(t, forwarded(did, 0, "9876543210")))
	wantEqual(t, "forward", Keys(forward), all)
	withheld := *forward
	withheld.CallerIsNumber = false
	wantEqual(t, "withheld", Keys(&withheld), all[1:])
	for name, c := range map[string]*engine.Call{
		"rejected":           only(t, grouped(t, rejected(0))),
		"rejected, reported": only(t, grouped(t, rejected(0), told(engine.StatusAnswered, 60, 61))),
		"503":                only(t, grouped(t, unanswered(0))),
		"503, reported":      only(t, grouped(t, unanswered(0), told(engine.StatusNotAnswered, 60, 61))),
		"503, after a report that it was put through": only(t, grouped(t, told(engine.StatusAnswered, 60, 61), unanswered(70))),
		"nothing": nil,
	} {
		if keys := Keys(c); len(keys) != 0 {
			t.Errorf("%s: counts under %v", name, keys)
		}
	}
	retried := Keys(only(t, grouped(t, unanswered(0), told(engine.StatusAnswered, 60, 61), forwarded(did, 5, "9876543210"))))
	wantEqual(t, "503 whose retry was forwarded", retried, all)
}

func TestReported(t *testing.T) {
	var g *Group
	for _, e := range []Entry{forwarded(did, 200, "9000000002"), told(engine.StatusAnswered, 250, 300)} {
		g, _ = g.With(e)
	}
	shown := only(t, g.Calls())
	wantEqual(t, "what reports call the parties", g.Reported(shown), []Key{{engine.Callers, "9988912399"}, {engine.Receivers, "9876543299"}})
	same := *shown
	same.Caller, same.Receiver = "9988912399", "9876543299"
	if got := g.Reported(&same); got != nil {
		t.Errorf("%v where the call shows what is reported", got)
	}
}

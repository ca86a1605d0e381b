package policy

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/storage"
	"pgregory.net/rapid"

	"switchboard/engine"
)

// What the API shows of a profile and what policies read must be the same
// document, however deep the read goes.
func TestProfileValueIsItsJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := anyProfile(t)
		doc := asJSON(t, p)
		everyPath(doc, nil, func(path storage.Path, want any) {
			v, err := profileValue(p, path)
			if err != nil {
				t.Fatalf("%v: %v", path, err)
			}
			if diff := cmp.Diff(want, fromTerm(t, v)); diff != "" {
				t.Fatalf("%v (-json +value):\n%s", path, diff)
			}
		})
	})
}

func TestCallValueIsItsJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := anyCall(t)
		everyPath(asJSON(t, c), nil, func(path storage.Path, want any) {
			v, err := callValue(c, path)
			if err != nil {
				t.Fatalf("%v: %v", path, err)
			}
			if diff := cmp.Diff(want, fromTerm(t, v)); diff != "" {
				t.Fatalf("%v (-json +value):\n%s", path, diff)
			}
		})
	})
}

func TestPathsThatLeadNowhere(t *testing.T) {
	p := sampleProfile(2)
	bare := &engine.Profile{}
	for _, c := range []struct {
		name string
		p    *engine.Profile
		path storage.Path
	}{
		{"unseen number", nil, nil},
		{"unseen number's field", nil, storage.Path{"totals"}},
		{"unknown field", p, storage.Path{"cals"}},
		{"never offered", bare, storage.Path{"last_offered"}},
		{"never answered", bare, storage.Path{"last_answered", "did"}},
		{"reason never given", p, storage.Path{"last_by_reason", "sticky"}},
		{"field of a reason never given", p, storage.Path{"last_by_reason", "sticky", "did"}},
		{"below a number", p, storage.Path{"in_flight", "x"}},
		{"below a text", p, storage.Path{"last_offered", "did", "0"}},
		{"call beyond the last", p, storage.Path{"calls", "2"}},
		{"call before the first", p, storage.Path{"calls", "-1"}},
		{"call by name", p, storage.Path{"calls", "first"}},
		{"unknown field of a call", p, storage.Path{"calls", "0", "duration"}},
		{"day without calls", p, storage.Path{"days", "1999-01-01"}},
		{"unknown total", p, storage.Path{"totals", "missed"}},
		{"below a total", p, storage.Path{"totals", "offered", "x"}},
		{"below a streak", p, storage.Path{"unanswered_streak", "x"}},
	} {
		if v, err := profileValue(c.p, c.path); !storage.IsNotFound(err) {
			t.Errorf("%s: %v, %v, want not found", c.name, v, err)
		}
	}
	if v, err := callValue(nil, nil); !storage.IsNotFound(err) {
		t.Errorf("unseen call: %v, %v, want not found", v, err)
	}
}

// One field of a profile must not cost its twenty calls.
func TestFieldOfAProfileIsCheap(t *testing.T) {
	p := sampleProfile(20)
	path := storage.Path{"last_by_reason", "round_robin", "receiver_number"}
	if n := testing.AllocsPerRun(100, func() { profileValue(p, path) }); n > 3 {
		t.Errorf("%v allocations for one field", n)
	}
}

func anyProfile(t *rapid.T) *engine.Profile {
	p := &engine.Profile{
		InFlight:         rapid.Int64Range(0, 9).Draw(t, "in flight"),
		UnansweredStreak: rapid.Int64Range(0, 2000).Draw(t, "streak"),
		Totals:           anyTotals(t),
		LastByReason:     map[string]*engine.Call{},
	}
	for range rapid.IntRange(0, 4).Draw(t, "calls") {
		p.Calls = append(p.Calls, anyCall(t))
	}
	for i := range rapid.IntRange(0, 3).Draw(t, "days") {
		p.Days = append(p.Days, engine.Day{Date: fmt.Sprintf("2025-11-%02d", 20+i), Totals: anyTotals(t)})
	}
	if rapid.Bool().Draw(t, "offered") {
		p.LastOffered = anyCall(t)
		p.LastByReason[rapid.StringMatching(`[a-z_]{1,8}`).Draw(t, "reason")] = anyCall(t)
	}
	if rapid.Bool().Draw(t, "answered") {
		p.LastAnswered = anyCall(t)
	}
	return p
}

func anyTotals(t *rapid.T) engine.Totals {
	n := rapid.Int64Range(0, 1<<40)
	return engine.Totals{Offered: n.Draw(t, "offered"), Answered: n.Draw(t, "answered"), Unanswered: n.Draw(t, "unanswered"),
		Other: n.Draw(t, "other"), Expired: n.Draw(t, "expired"), TalkSeconds: n.Draw(t, "talk")}
}

func anyCall(t *rapid.T) *engine.Call {
	at := rapid.OneOf(rapid.Just(int64(0)), rapid.Int64Range(1, 1<<62))
	text := rapid.String()
	return &engine.Call{
		CallID: text.Draw(t, "id"), Caller: text.Draw(t, "caller"), DID: text.Draw(t, "did"), Receiver: text.Draw(t, "receiver"),
		Status:   rapid.SampledFrom([]engine.Status{engine.StatusInFlight, engine.StatusAnswered, "new"}).Draw(t, "status"),
		RoutedAt: at.Draw(t, "routed"), ReceivedAt: at.Draw(t, "received"), EndedAt: at.Draw(t, "ended"),
		Duration: rapid.Int64Range(engine.NoDuration, 9999).Draw(t, "duration"), Reason: text.Draw(t, "reason"),
		Source:      rapid.SampledFrom([]engine.Source{"", engine.SourcePolicy, engine.SourceShed}).Draw(t, "source"),
		HangupCause: text.Draw(t, "cause"),
	}
}

type fataler interface {
	Helper()
	Fatal(...any)
}

func asJSON(t fataler, v any) any {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var doc any
	if err := json.Unmarshal(raw, &doc); err != nil {
		t.Fatal(err)
	}
	return doc
}

func fromTerm(t fataler, v ast.Value) any {
	t.Helper()
	native, err := ast.JSON(v)
	if err != nil {
		t.Fatal(err)
	}
	return asJSON(t, native)
}

// everyPath visits all of a JSON document, the whole first.
func everyPath(doc any, path storage.Path, visit func(storage.Path, any)) {
	visit(path, doc)
	switch doc := doc.(type) {
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(doc)) {
			everyPath(doc[k], append(slices.Clip(path), k), visit)
		}
	case []any:
		for i, v := range doc {
			everyPath(v, append(slices.Clip(path), strconv.Itoa(i)), visit)
		}
	}
}

package policy

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"switchboard/engine"
	"switchboard/engine/history"
	"switchboard/policies"
)

// BenchmarkDecisionRecord measures what it costs a call that its decision can be
// explained later: "live" is all that a decision computes (view, evaluation,
// judgement, publication; the disk writes meanwhile), "record" is the part of it
// that keeps the input, the paths read and the rules fired, and writes them down.
// The record's aim is under 15 % of live.
func BenchmarkDecisionRecord(b *testing.B) {
	numbers, err := engine.NewNumbers("IN")
	if err != nil {
		b.Fatal(err)
	}
	tree, err := FromFS(policies.Files)
	if err != nil {
		b.Fatal(err)
	}
	set, report := Load(b.Context(), tree, Options{Numbers: numbers, Zone: kolkata}, Checks{SkipTests: true})
	if set == nil {
		b.Fatal(report.Errors)
	}
	store, err := history.Open(history.Options{Path: filepath.Join(b.TempDir(), "switchboard.db"), CallTTL: 30 * time.Minute, Zone: kolkata})
	if err != nil {
		b.Fatal(err)
	}
	defer store.Close()
	judge := engine.Judge{Numbers: numbers, Fallback: receiverNumber}
	n := 0
	decide := func(b *testing.B) *engine.DecisionRecord {
		n++
		q := testQuestion()
		q.CallID = fmt.Sprint("call-", n)
		q.Caller = numbers.Person(fmt.Sprintf("98%08d", n%1000))
		view, err := store.View(b.Context(), nil)
		if err != nil {
			b.Fatal(err)
		}
		defer view.Close()
		ev, err := set.Evaluate(b.Context(), q, view)
		rec := &engine.DecisionRecord{CallID: q.CallID, Caller: q.Caller, DID: q.DID, RoutedAt: view.At().UnixNano(), Evaluation: ev, Tries: 1, ReceiverIsNumber: true}
		rec.Decision = judge.Decide(q, ev, err, func(did string) bool { return set.IsDID(did) || view.KnowsDID(did) })
		rec.Reply = engine.Reply{Status: 200, Type: "application/json", Body: []byte(`{"response": {"call_forwarding_number": "9876543210", "call_timeout": 0}}`)}
		if _, err := store.Publish(view, rec); err != nil || rec.Decision.Source != engine.SourcePolicy {
			b.Fatal(rec.Decision, err)
		}
		return rec
	}
	for range 2000 { // callers who called before, an agent's full profile
		decide(b)
	}
	b.Run("live", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			decide(b)
		}
	})
	b.Run("record", func(b *testing.B) {
		rec := decide(b)
		q := testQuestion()
		r := newRun(nil)
		defer r.release()
		for i := range min(len(rec.Evaluation.Fired), len(set.rules)) {
			r.fired = append(r.fired, i)
		}
		x := set.question(q)
		b.ReportAllocs()
		for b.Loop() {
			r.paths = nil
			for range rec.Evaluation.Read {
				r.note(historyRoot, []string{"callers", callerNumber, fmt.Sprint(len(r.paths))})
			}
			kept := *rec
			kept.Evaluation = engine.Evaluation{Revision: rec.Evaluation.Revision, Input: x.json(), Fired: set.firedIn(r), Read: r.paths, Answer: rec.Evaluation.Answer}
			if _, err := json.Marshal(&kept); err != nil {
				b.Fatal(err)
			}
		}
	})
}

package replay_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"switchboard/engine"
	"switchboard/engine/replay"
)

// shelf finds the decisions of a book.
type shelf struct {
	*book
	err error
}

func (s shelf) Past(_ context.Context, callID, did string) (*engine.Recorded, error) {
	for i, rec := range s.log {
		if rec.CallID == callID && (did == "" || did == rec.DID.Canonical) {
			r := &engine.Recorded{Seq: uint64(i), Record: rec, View: nobody{}, InForce: rec.Evaluation.Revision}
			if r.InForce == "" {
				r.InForce = "old"
			}
			return r, s.err
		}
	}
	return nil, s.err
}

func (s shelf) Reach(context.Context) (engine.Past, error) { return s.past, nil }

func TestExplanation(t *testing.T) {
	b := newBook(t)
	old := b.sets["old"].say
	old["same"] = to(one, "sticky")
	e := replay.Explainer{Sets: b, Past: shelf{book: b}, Judge: engine.Judge{Numbers: numbersOf(t), Fallback: "9876543298"}}
	explain := func(id string) *engine.Explanation {
		t.Helper()
		out, err := e.Explain(t.Context(), id, "")
		if err != nil || out == nil {
			t.Fatalf("%s: %v, %v", id, out, err)
		}
		return out
	}

	got := explain("same")
	if !got.Same || got.Why != "" || got.Repeated.Number != one || got.Revision != "old" || got.At != "2025-11-22T12:00:00Z" ||
		len(got.Steps) != 2 || len(got.Trace) != 1 || !strings.Contains(got.History, "2025-11-22T12:00:00Z") {
		t.Errorf("a decision that is repeated: %+v", got)
	}
	// Another fallback number is the settings' affair.
	if got = explain("undefined-too"); !got.Same {
		t.Errorf("a fallback that is repeated: %+v", got)
	}
	if got = explain("late"); got.Same || !strings.Contains(got.Why, "circumstances (timeout") || got.Repeated.Number != one {
		t.Errorf("a call that ran out of time: %+v", got)
	}
	if got = explain("shed"); got.Same || got.Revision != "old" || !strings.Contains(got.Why, "circumstances (overload") {
		t.Errorf("a call that was never evaluated: %+v", got)
	}
	if got = explain("forgotten"); got.Repeated != nil || !strings.Contains(got.Why, "gone that decided is not in the archive any more") {
		t.Errorf("a set that is gone: %+v", got)
	}
	if got = explain("moves"); got.Same || !strings.Contains(got.Why, "--call-ttl") {
		t.Errorf("a repeat that comes out otherwise: %+v", got)
	}
	b.log[1].Evaluation.Input = []byte(`{"call_id": "other"}`)
	if got = explain("moves"); !strings.Contains(got.Why, "input comes out otherwise") {
		t.Errorf("another input: %q", got.Why)
	}
	b.log[1].Evaluation.Input = nil
	b.past = engine.Past{Trimmed: true, From: noon}
	if got = explain("moves"); !strings.Contains(got.Why, "deleted by age") || !strings.Contains(got.History, "deleted by age") {
		t.Errorf("a history that is gone: %q, %q", got.Why, got.History)
	}
	b.log[1].Evaluation.Revision = "broken"
	e.Sets = refusing{}
	if got = explain("moves"); !strings.Contains(got.Why, "can't load the policy set broken") {
		t.Errorf("a set that does not load: %q", got.Why)
	}
}

// refusing has sets that don't load.
type refusing struct{}

func (refusing) Set(context.Context, string, map[string]string) (replay.Set, error) {
	return nil, &engine.PoliciesError{}
}

func TestNothingToExplain(t *testing.T) {
	b := newBook(t)
	e := replay.Explainer{Sets: b, Past: shelf{book: b}, Judge: engine.Judge{Numbers: numbersOf(t)}}
	for _, at := range [][2]string{{"unknown", ""}, {"same", "910000000000"}} {
		if out, err := e.Explain(t.Context(), at[0], at[1]); out != nil || err != nil {
			t.Errorf("%v: %v, %v", at, out, err)
		}
	}
	e.Past = shelf{book: b, err: engine.ErrUnavailable}
	if _, err := e.Explain(t.Context(), "same", ""); !errors.Is(err, engine.ErrUnavailable) {
		t.Errorf("a history that can't be read: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	e.Past = shelf{book: b}
	if _, err := e.Explain(ctx, "same", ""); !errors.Is(err, context.Canceled) {
		t.Errorf("nobody waits any more: %v", err)
	}
}

package policy

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"switchboard/engine"
)

func TestEvaluate(t *testing.T) {
	s := compileSet(t, map[string]string{"routing/routing.rego": starterLike}, directoryData(10))
	ev, err := s.Evaluate(t.Context(), testQuestion(), sampleView(20))
	if err != nil {
		t.Fatal(err)
	}
	want := engine.Answer{Number: receiverNumber, Timeout: 30, Reason: "sticky"}
	if diff := cmp.Diff(want, ev.Answer); diff != "" {
		t.Errorf("answer (-want +got):\n%s", diff)
	}
	if ev.Revision != s.Revision() || ev.Revision == "" {
		t.Errorf("revision %q, want the set's %q", ev.Revision, s.Revision())
	}
	if diff := cmp.Diff([]string{"history/callers/9988912345/last_answered"}, ev.Read); diff != "" {
		t.Errorf("read (-want +got):\n%s", diff)
	}
	if !s.IsDID(calledDID) || s.IsDID(receiverNumber) {
		t.Error("IsDID does not follow the directory")
	}
}

func TestEvaluateWithoutHistory(t *testing.T) {
	s := compileSet(t, map[string]string{"routing/routing.rego": starterLike}, directoryData(10))
	ev, err := s.Evaluate(t.Context(), testQuestion(), nil)
	if err != nil || ev.Answer.Reason != "round_robin" {
		t.Errorf("answer %+v, error %v, want the first in turn", ev.Answer, err)
	}
}

func TestEvaluateFailures(t *testing.T) {
	disk := errors.New("disk on fire")
	conflict := &fakeView{err: errors.Join(errors.New("callers/9988912345"), engine.ErrConflict)}
	for _, c := range []struct {
		name, rego string
		view       *fakeView
		is         error
		says       string
	}{
		{"undefined", `decision := {"reject": true} if input.did == "1"`, nil, engine.ErrUndefined, ""},
		{"conflicting rules", "decision := {\"reject\": true} if input.did\ndecision := {\"reject\": false} if input.did", nil, nil,
			"routing/routing.rego:4: eval_conflict_error"},
		{"wrong type", `decision := {"call_forwarding_number": 9876543210}`, nil, nil, "call_forwarding_number must be a string"},
		{"history changed", `decision := {"reject": true} if data.history.callers[input.caller_number]`, conflict, engine.ErrConflict, ""},
		{"history changed, under a not", `decision := {"reject": true} if not data.history.callers[input.caller_number].calls[0]`, conflict, engine.ErrConflict, ""},
		{"history changed, in a comprehension", `decision := {"reject": count([1 | data.history.calls[input.call_id]]) > 0}`, conflict, engine.ErrConflict, ""},
		{"history unreadable", `decision := {"reject": true} if data.history.dids[input.did]`, &fakeView{err: disk}, disk, "reading the history: disk on fire"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := routing(t, c.rego)
			var view engine.View
			if c.view != nil {
				view = c.view
			}
			ev, err := s.Evaluate(t.Context(), testQuestion(), view)
			if err == nil || c.is != nil && !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.says) {
				t.Fatalf("error %v, want %v %s", err, c.is, c.says)
			}
			if ev.Revision != s.Revision() || len(ev.Input) == 0 {
				t.Errorf("a failed evaluation lost what it was: %+v", ev)
			}
			for _, sentinel := range []error{engine.ErrUndefined, engine.ErrConflict, engine.ErrTimeout} {
				if sentinel != c.is && errors.Is(err, sentinel) {
					t.Errorf("error %v is also %v", err, sentinel)
				}
			}
		})
	}
}

// runaway tries a hundred million combinations.
const runaway = `
ten := [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
decision := {"reject": true, "reason": "late"} if {
	some a in ten; some b in ten; some c in ten; some d in ten
	some e in ten; some f in ten; some g in ten; some h in ten
	a + b + c + d + e + f + g + h == 100
}`

func TestRunawayIsStopped(t *testing.T) {
	s := routing(t, runaway)
	ctx, stop := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer stop()
	began := time.Now()
	_, err := s.Evaluate(ctx, testQuestion(), nil)
	if took := time.Since(began); took > 150*time.Millisecond {
		t.Errorf("stopped after %v", took)
	}
	if !errors.Is(err, engine.ErrTimeout) {
		t.Errorf("error %v, want a timeout", err)
	}
}

func TestCancelledEvaluation(t *testing.T) {
	s := routing(t, runaway)
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(5*time.Millisecond, cancel)
	if _, err := s.Evaluate(ctx, testQuestion(), nil); !errors.Is(err, engine.ErrTimeout) {
		t.Errorf("error %v when the context was cancelled on the way", err)
	}
	view := sampleView(1)
	ev, err := s.Evaluate(ctx, testQuestion(), view)
	if !errors.Is(err, engine.ErrTimeout) || len(view.asked) > 0 || len(ev.Input) == 0 {
		t.Errorf("error %v, input %s when the context was over before", err, ev.Input)
	}
}

// A goroutine per call is what OPA does by itself.
func TestEvaluateStartsNoGoroutine(t *testing.T) {
	s := routing(t, `decision := {"reject": true} if data.history.callers[input.caller_number]`)
	view := sampleView(1)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	before := runtime.NumGoroutine()
	view.onRead = func() {
		if during := runtime.NumGoroutine(); during > before {
			t.Errorf("%d goroutines during an evaluation, %d before", during, before)
		}
	}
	if _, err := s.Evaluate(ctx, testQuestion(), view); err != nil {
		t.Fatal(err)
	}
}

func TestSameQuestionSameAnswer(t *testing.T) {
	s := routing(t, `
decision := {"call_forwarding_number": "9876543210", "tags": {
	"draw": sprintf("%d %d", [rand.intn("a", 1000000), rand.intn("b", 1000000)]),
	"now": sprintf("%d", [time.now_ns()]),
	"id": uuid.rfc4122("x"),
}}`)
	first, err := s.Evaluate(t.Context(), testQuestion(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if first.Answer.Tags["now"] != "1763802300000000000" {
		t.Errorf("time.now_ns() is %s, want the call's time", first.Answer.Tags["now"])
	}
	for range 5 {
		again, err := s.Evaluate(t.Context(), testQuestion(), nil)
		if diff := cmp.Diff(first, again); diff != "" || err != nil {
			t.Fatalf("%v (-first +again):\n%s", err, diff)
		}
	}
	q := testQuestion()
	q.CallID = "another"
	other, err := s.Evaluate(t.Context(), q, nil)
	if err != nil || other.Answer.Tags["draw"] == first.Answer.Tags["draw"] || other.Answer.Tags["id"] == first.Answer.Tags["id"] {
		t.Errorf("another call draws %v, the same as before; error %v", other.Answer.Tags, err)
	}
}

func TestBuiltinErrorsAreCollected(t *testing.T) {
	s := routing(t, `
value(x) := to_number(x)
decision := {"reject": true, "reason": "abc"} if value("abc") == 1
decision := {"reject": true, "reason": "def"} if {
	not value("abc")
	not time.clock([0, "Nowhere/Land"])
}`)
	ev, err := s.Evaluate(t.Context(), testQuestion(), nil)
	if err != nil || ev.Answer.Reason != "def" {
		t.Fatalf("answer %+v, error %v", ev.Answer, err)
	}
	if len(ev.BuiltinErrors) != 2 || !strings.Contains(ev.BuiltinErrors[0], "routing/routing.rego:4") ||
		!strings.Contains(ev.BuiltinErrors[1], "Nowhere/Land") {
		t.Errorf("collected %q", ev.BuiltinErrors)
	}
	clean, err := s.Evaluate(t.Context(), testQuestion(), nil)
	if err != nil || len(clean.BuiltinErrors) != len(ev.BuiltinErrors) {
		t.Errorf("the next evaluation reports %q", clean.BuiltinErrors)
	}
}

// Runs are taken from a pool: what one evaluation noted must not show in
// another's report.
func TestEvaluationsAtOnce(t *testing.T) {
	s := routing(t, `
mine := data.history.callers[input.caller_number]
decision := {"reject": true, "reason": input.caller_number, "tags": {"seen": "yes"}} if mine
decision := {"reject": true, "reason": input.caller_number} if not mine`)
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			q := testQuestion()
			q.Caller.Canonical += strings.Repeat("0", i)
			view := sampleView(2)
			want := []string{"history/callers/" + q.Caller.Canonical}
			for range 200 {
				ev, err := s.Evaluate(t.Context(), q, view)
				if err != nil || ev.Answer.Reason != q.Caller.Canonical || (i == 0) != (ev.Answer.Tags != nil) {
					t.Errorf("answer %+v, error %v", ev.Answer, err)
					return
				}
				if diff := cmp.Diff(want, ev.Read); diff != "" {
					t.Errorf("read (-want +got):\n%s", diff)
					return
				}
			}
		})
	}
	group.Wait()
}

// Whatever OPA makes of a read that failed, the answer must not pass.
func TestAnswerWithoutItsHistory(t *testing.T) {
	s := routing(t, `decision := {"reject": true}`)
	r := newRun(nil)
	defer r.release()
	r.err = engine.ErrConflict
	if ev, err := s.evaluate(t.Context(), s.question(testQuestion()), r); !errors.Is(err, engine.ErrConflict) || ev.Answer.Reject {
		t.Errorf("answer %+v, error %v", ev.Answer, err)
	}
}

func TestReadsAreBounded(t *testing.T) {
	s := routing(t, `
seen := count([n | some n in numbers.range(1, 500); not data.history.calls[sprintf("%d", [n])]])
decision := {"reject": true, "reason": sprintf("%d", [seen])}`)
	ev, err := s.Evaluate(t.Context(), testQuestion(), sampleView(1))
	if err != nil || ev.Answer.Reason != "500" || len(ev.Read) != maxReads {
		t.Errorf("reason %s, %d paths, error %v", ev.Answer.Reason, len(ev.Read), err)
	}
}

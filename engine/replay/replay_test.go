package replay_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"switchboard/engine"
	"switchboard/engine/replay"
)

var noon = time.Date(2025, 11, 22, 12, 0, 0, 0, time.UTC)

// nobody is a view of an empty history.
type nobody struct{ engine.View }

func (nobody) KnowsDID(did string) bool { return did == "911111111111" }

// answers is a set made of Go: it answers by the call_id.
type answers struct {
	revision string
	say      map[string]any // engine.Answer, an error, or nothing for undefined
	builtin  []string
	asked    int
}

func (a *answers) Evaluate(ctx context.Context, q engine.Question, _ engine.View) (engine.Evaluation, error) {
	a.asked++
	ev := engine.Evaluation{Revision: a.revision, Input: []byte(`{"call_id": "` + q.CallID + `"}`), BuiltinErrors: a.builtin}
	switch say := a.say[q.CallID].(type) {
	case engine.Answer:
		ev.Answer = say
		return ev, nil
	case error:
		return ev, say
	}
	return ev, engine.ErrUndefined
}

func (*answers) IsDID(did string) bool { return did == "918645658689" }
func (a *answers) Revision() string    { return a.revision }
func (a *answers) Walk(context.Context, engine.Question, engine.View) engine.Walk {
	steps := []engine.Step{{Name: "first"}, {Name: "old", Answered: true, Text: "old answered"}}
	if a.revision == "new" {
		steps = []engine.Step{{Name: "first"}, {Name: "old", Text: "not old"}, {Name: "new", Answered: true}}
	}
	return engine.Walk{Steps: steps, Lines: []string{"line"}}
}

// book is a log and an archive in memory.
type book struct {
	t      testing.TB
	log    []*engine.DecisionRecord
	past   engine.Past
	sets   map[string]*answers
	active *answers
	closed int
	fails  error // in the middle of the log
}

func (b *book) Set(_ context.Context, revision string, over map[string]string) (replay.Set, error) {
	switch set := b.sets[revision]; {
	case over["broken.rego"] != "":
		return nil, &engine.PoliciesError{}
	case revision == "":
		return b.active, nil
	case set != nil:
		return set, nil
	}
	return nil, fmt.Errorf("%w: %s", engine.ErrNoRevision, revision)
}

func (b *book) Open(context.Context) (replay.Timeline, error) { return b, nil }
func (b *book) Close() error                                  { b.closed++; return nil }

func (b *book) Past() engine.Past { return b.past }

func (b *book) Newest(_ context.Context, from, to time.Time, n int) (first, last uint64, more bool, err error) {
	for i, rec := range slices.Backward(b.log) {
		if !rec.Within(from, to) {
			continue
		}
		if n == 0 {
			return first, last, true, nil
		}
		first, last, n = uint64(i+1), max(last, uint64(i+1)), n-1
	}
	return first, last, false, nil
}

func (b *book) Decisions(context.Context) iter.Seq2[engine.Recorded, error] {
	return func(yield func(engine.Recorded, error) bool) {
		for i, rec := range b.log {
			if b.fails != nil && i == len(b.log)/2 {
				yield(engine.Recorded{}, b.fails)
				return
			}
			if !yield(engine.Recorded{Seq: uint64(i + 1), Record: rec, View: nobody{}, InForce: "old"}, nil) {
				return
			}
		}
	}
}

// to is an answer that forwards.
func to(number, reason string) engine.Answer { return engine.Answer{Number: number, Reason: reason} }

// decided is a record of a call that was decided an hour after the one before.
func (b *book) decided(id string, d engine.Decision) {
	b.t.Helper()
	numbers := numbersOf(b.t)
	b.log = append(b.log, &engine.DecisionRecord{
		CallID: id, Caller: numbers.Person("9988912345"), DID: numbers.DID("918645658689"),
		RoutedAt: noon.Add(time.Duration(len(b.log)) * time.Hour).UnixNano(), Decision: d,
		Evaluation: engine.Evaluation{Revision: "old", Input: []byte(`{"call_id":"` + id + `"}`),
			Fired: []engine.Fired{{Rule: "data.routing.decision", File: "r.rego", Line: 1}, {Rule: "data.recipes.old", File: "r.rego", Line: 5}}},
	})
}

func numbersOf(t testing.TB) *engine.Numbers {
	t.Helper()
	n, err := engine.NewNumbers("IN")
	if err != nil {
		t.Fatal(err)
	}
	return n
}

const one, two = "9876543210", "9876543211"

func forwarded(number, reason string) engine.Decision {
	return engine.Decision{Number: number, Reason: reason, Source: engine.SourcePolicy}
}

func fellBack(cause engine.Cause) engine.Decision {
	return engine.Decision{Number: "9876543299", Source: engine.SourceFallback, Reason: "fallback", Cause: cause}
}

func newBook(t testing.TB) *book {
	b := &book{t: t, active: &answers{revision: "new", say: map[string]any{}},
		sets: map[string]*answers{"old": {revision: "old", say: map[string]any{}}}, past: engine.Past{First: 1}}
	say := b.active.say
	b.decided("same", forwarded(one, "sticky"))
	say["same"] = to(one, "sticky")
	b.decided("moves", forwarded(one, "sticky"))
	say["moves"] = to(two, "round_robin")
	b.decided("reason", forwarded(one, "sticky"))
	say["reason"] = to(one, "vip")
	b.decided("timeout", forwarded(one, "sticky"))
	say["timeout"] = engine.Answer{Number: one, Reason: "sticky", Timeout: 30}
	b.decided("undefined", forwarded(one, "sticky")) // the new set says nothing
	b.decided("loops", forwarded(one, "sticky"))
	say["loops"] = to("911111111111", "loop")
	b.decided("rejected", forwarded(two, "sticky"))
	say["rejected"] = engine.Answer{Reject: true, Reason: "blocked"}
	b.decided("freed", engine.Decision{Reject: true, Reason: "blocked", Source: engine.SourceRejected})
	say["freed"] = to(two, "round_robin")
	b.decided("undefined-too", fellBack(engine.CauseUndefined))
	b.decided("late", fellBack(engine.CauseTimeout))
	say["late"], b.sets["old"].say["late"] = to(one, "sticky"), to(one, "sticky")
	b.decided("shed", fellBack(engine.CauseOverload))
	b.log[len(b.log)-1].Evaluation = engine.Evaluation{} // never evaluated
	say["shed"], b.sets["old"].say["shed"] = to(two, "sticky"), to(one, "sticky")
	b.decided("forgotten", fellBack(engine.CauseTimeout))
	b.log[len(b.log)-1].Evaluation.Revision = "gone"
	say["forgotten"] = to(one, "sticky")
	return b
}

func (b *book) replayer() *replay.Replayer {
	b.t.Helper()
	r, err := replay.New(replay.Options{Sets: b, Open: b.Open, Judge: engine.Judge{Numbers: numbersOf(b.t)}})
	if err != nil {
		b.t.Fatal(err)
	}
	return r
}

func (b *book) replay(req engine.ReplayRequest) *engine.Difference {
	b.t.Helper()
	d, err := b.replayer().Replay(b.t.Context(), req, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	return d
}

func equal[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

func TestDifference(t *testing.T) {
	b := newBook(t)
	b.active.builtin = []string{"r.rego:3: to_number: invalid"}
	d := b.replay(engine.ReplayRequest{})
	equal(t, "revision", d.Revision, "new")
	equal(t, "calls", d.Calls, 12)
	equal(t, "compared", d.Compared, 11)
	equal(t, "not compared", d.NotCompared["policy set of the time is not archived"], 1)
	equal(t, "recorded by the old set", d.Recorded["old"], 10)
	equal(t, "same", d.Same, 3) // same, undefined-too, late
	equal(t, "moved", d.Moved, 6)
	equal(t, "other reason", d.OtherReason, 1)
	equal(t, "other timeout", d.OtherTimeout, 1)
	equal(t, "newly fall back", d.ToFallback, 2)
	equal(t, "newly rejected", d.ToReject, 1)
	equal(t, "newly routed", d.ToForward, 1)
	equal(t, "recomputed timeouts", d.Recomputed[engine.CauseTimeout], 1)
	equal(t, "recomputed overload", d.Recomputed[engine.CauseOverload], 1)
	equal(t, "builtin errors", d.BuiltinErrors[0], engine.BuiltinError{Text: "r.rego:3: to_number: invalid", Calls: 11})
	if share := d.MovedShare * 11; share < 5.99 || share > 6.01 {
		t.Errorf("share moved %v", d.MovedShare)
	}
	if !d.First.Equal(noon) || !d.Last.Equal(noon.Add(10*time.Hour)) {
		t.Errorf("compared from %v to %v", d.First, d.Last)
	}
	sum := 0
	for _, r := range d.Reasons {
		sum += r.Calls
	}
	equal(t, "calls in the table of reasons", sum, d.Compared)
	if !slices.Contains(d.Reasons, engine.ReasonChange{Old: "sticky", New: "fallback: loop", Calls: 1, Moved: 1}) {
		t.Errorf("reasons %+v", d.Reasons)
	}
	if !slices.Contains(d.Receivers, engine.ReceiverChange{Old: one, New: "fallback", Calls: 2}) ||
		!slices.Contains(d.Receivers, engine.ReceiverChange{Old: "reject", New: two, Calls: 1}) {
		t.Errorf("receivers %+v", d.Receivers)
	}
	equal(t, "examples", len(d.Examples), 6)
	e := d.Examples[0]
	if e.CallID != "moves" || e.Old.Number != one || e.New.Number != two || e.Differs.Old.Text != "old answered" || e.Differs.New.Text != "not old" {
		t.Errorf("the first example is %+v, %+v, %+v", e, e.Differs.Old, e.Differs.New)
	}
	if !strings.Contains(d.History, "recorded up to it") || d.Note != "" {
		t.Errorf("history %q, note %q", d.History, d.Note)
	}
	equal(t, "timelines closed", b.closed, 1)
}

func TestWhoWasErasedIsNotCompared(t *testing.T) {
	b := newBook(t)
	b.log[0].Caller = engine.Number{Canonical: engine.Erased}
	b.log[1].Decision.Number = engine.Erased
	d := b.replay(engine.ReplayRequest{})
	equal(t, "not compared", d.NotCompared["a person in it was erased"], 2)
	equal(t, "moved", d.Moved, 5)
	if !strings.Contains(d.Note, "were erased") {
		t.Errorf("note %q", d.Note)
	}
	e := replay.Explainer{Sets: b, Past: shelf{book: b}, Judge: engine.Judge{Numbers: numbersOf(t)}}
	if got, err := e.Explain(t.Context(), "moves", ""); err != nil || !strings.Contains(got.Why, "was erased") {
		t.Errorf("explained: %+v, %v", got, err)
	}
}

func TestReplayOfAPeriod(t *testing.T) {
	b := newBook(t)
	b.past = engine.Past{Trimmed: true, From: noon.Add(-time.Hour)}
	d := b.replay(engine.ReplayRequest{From: noon.Add(time.Hour), To: noon.Add(3 * time.Hour)})
	if d.Calls != 2 || d.LeftOut || !d.From.Equal(noon.Add(time.Hour)) || !d.To.Equal(noon.Add(3*time.Hour)) {
		t.Errorf("a period of two calls: %+v", d)
	}
	if !strings.Contains(d.Note, "2025-11-22T11:00:00Z is deleted by age") {
		t.Errorf("note %q", d.Note)
	}
	if d = b.replay(engine.ReplayRequest{Limit: 3}); d.Calls != 3 || !d.LeftOut || !d.Last.Equal(noon.Add(10*time.Hour)) {
		t.Errorf("the newest three: %+v", d)
	}
	if d = b.replay(engine.ReplayRequest{From: noon.AddDate(1, 0, 0)}); d.Calls != 0 || d.First != nil || d.MovedShare != 0 {
		t.Errorf("an empty period: %+v", d)
	}
}

func TestReplayOfARevision(t *testing.T) {
	b := newBook(t)
	d := b.replay(engine.ReplayRequest{Revision: "old", To: noon.Add(time.Hour)})
	equal(t, "revision", d.Revision, "old")
	var broken *engine.PoliciesError
	if _, err := b.replayer().Replay(t.Context(), engine.ReplayRequest{Policies: map[string]string{"broken.rego": "x"}}, nil); !errors.As(err, &broken) {
		t.Errorf("policies that don't load: %v", err)
	}
	if _, err := b.replayer().Replay(t.Context(), engine.ReplayRequest{Revision: "none"}, nil); !errors.Is(err, engine.ErrNoRevision) {
		t.Errorf("a revision that is not there: %v", err)
	}
}

func TestReplayStops(t *testing.T) {
	b := newBook(t)
	b.fails = errors.New("disk")
	if _, err := b.replayer().Replay(t.Context(), engine.ReplayRequest{}, nil); !errors.Is(err, b.fails) || b.closed != 1 {
		t.Errorf("a log that can't be read: %v, closed %d times", err, b.closed)
	}
	b = newBook(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	gone := errors.New("gone")
	b.active.say["same"] = errors.New("any")
	_, err := b.replayer().Replay(ctx, engine.ReplayRequest{}, func(engine.ReplayProgress) { cancel(gone) })
	if !errors.Is(err, gone) || b.closed != 1 {
		t.Errorf("a replay that nobody wants any more: %v, closed %d times", err, b.closed)
	}
}

func TestOneReplayAtATime(t *testing.T) {
	b := newBook(t)
	r := b.replayer()
	var inner error
	told := 0
	_, err := r.Replay(t.Context(), engine.ReplayRequest{}, func(p engine.ReplayProgress) {
		if told++; told == 1 {
			_, inner = r.Replay(t.Context(), engine.ReplayRequest{}, nil)
		}
		if p.Total != 12 || p.Done > p.Total {
			t.Errorf("progress %+v", p)
		}
	})
	if err != nil || !errors.Is(inner, engine.ErrReplaying) || told < 2 {
		t.Errorf("%v; within: %v; told %d times", err, inner, told)
	}
}

func TestOptions(t *testing.T) {
	b := newBook(t)
	good := replay.Options{Sets: b, Open: b.Open, Judge: engine.Judge{Numbers: numbersOf(t)}}
	for name, spoil := range map[string]func(*replay.Options){
		"Sets":    func(o *replay.Options) { o.Sets = nil },
		"Open":    func(o *replay.Options) { o.Open = nil },
		"Numbers": func(o *replay.Options) { o.Judge.Numbers = nil },
		"Share":   func(o *replay.Options) { o.Share = 1.5 },
	} {
		o := good
		spoil(&o)
		if _, err := replay.New(o); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("without %s: %v", name, err)
		}
	}
	good.Share = 0.01 // rests, and comes to its end all the same
	r, err := replay.New(good)
	if err != nil {
		t.Fatal(err)
	}
	if d, err := r.Replay(t.Context(), engine.ReplayRequest{}, nil); err != nil || d.Calls != 12 {
		t.Errorf("a replay with rests: %v, %v", d, err)
	}
}

func TestConditions(t *testing.T) {
	d := &engine.Difference{Calls: 210, Compared: 200, Moved: 10, ToFallback: 1, BuiltinErrors: []engine.BuiltinError{{Calls: 2}, {Calls: 3}}}
	for text, want := range map[string]bool{
		"moved>5%": false, "moved>=5%": true, "moved > 4.9 %": true, "moved>9": true, "moved>10": false, "moved>=10": true,
		"fallback>0": true, "rejected>0": false, "errors>4": true, "uncompared>=10": true, "slow>0": false, "routed>=0%": true,
	} {
		c, err := replay.ParseCondition(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if met, how := c.Met(d); met != want || how == "" {
			t.Errorf("%s is met: %v (%s)", text, met, how)
		}
	}
	if c, err := replay.ParseCondition("moved>0%"); err == nil {
		if met, _ := c.Met(&engine.Difference{}); met {
			t.Error("a share of nothing is more than nothing")
		}
	}
	for _, text := range []string{"", "moved", "moved<3", "moves>3", "moved>x", "moved>-1", "moved>NaN", "moved>1e30", ">3"} {
		if _, err := replay.ParseCondition(text); err == nil || !strings.Contains(err.Error(), "no condition") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

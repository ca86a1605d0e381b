package policy

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"switchboard/engine"
	"switchboard/engine/giveway"
)

func whatIfOptions(t *testing.T) Options {
	t.Helper()
	numbers, err := engine.NewNumbers("IN")
	if err != nil {
		t.Fatal(err)
	}
	return Options{Numbers: numbers, Zone: kolkata}
}

const stickyOrFirst = `package routing

# METADATA
# title: the receiver of the last answered call, or the first
# entrypoint: true
decision := {"call_forwarding_number": last, "reason": "sticky"} if {
	last := data.history.callers[input.caller_number].last_answered.receiver_number
} else := {"call_forwarding_number": "9876500000", "reason": "first"}
`

func loadSet(t *testing.T, files map[string]string) *Set {
	t.Helper()
	set, report := Load(t.Context(), Tree{}.Overlay(files), whatIfOptions(t), Checks{SkipTests: true})
	if set == nil {
		t.Fatalf("%+v", report.Errors)
	}
	return set
}

func TestWhatIf(t *testing.T) {
	set := loadSet(t, map[string]string{"routing/routing.rego": stickyOrFirst})
	for _, c := range []struct {
		name   string
		ask    engine.WhatIf
		want   engine.Answer
		active bool // the revision is the active set's
		read   []string
	}{
		{"as it is", engine.WhatIf{}, engine.Answer{Number: receiverNumber, Reason: "sticky"}, true,
			[]string{"history/callers/9988912345/last_answered/receiver_number"}},
		{"empty history", engine.WhatIf{History: json.RawMessage(`{}`)}, engine.Answer{Number: "9876500000", Reason: "first"}, true,
			[]string{"history/callers/9988912345/last_answered/receiver_number"}},
		{"null history", engine.WhatIf{History: json.RawMessage(` null `)}, engine.Answer{Number: receiverNumber, Reason: "sticky"}, true,
			[]string{"history/callers/9988912345/last_answered/receiver_number"}},
		{"another history", engine.WhatIf{History: json.RawMessage(`{"callers": {"9988912345": {"last_answered": {"receiver_number": "9876511111"}}}}`)},
			engine.Answer{Number: "9876511111", Reason: "sticky"}, true, []string{"history/callers/9988912345/last_answered/receiver_number"}},
		{"another policy", engine.WhatIf{Policies: map[string]string{"routing/routing.rego": "package routing\n\ndecision := {\"reject\": true, \"reason\": \"shut\"}\n"}},
			engine.Answer{Reject: true, Reason: "shut"}, false, nil},
		{"another file beside it", engine.WhatIf{Policies: map[string]string{"notes/data.json": `{"x": 1}`}},
			engine.Answer{Number: receiverNumber, Reason: "sticky"}, false, []string{"history/callers/9988912345/last_answered/receiver_number"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.ask.Question = testQuestion()
			out, err := whatIf(t.Context(), set, whatIfOptions(t), c.ask, sampleView(1))
			if err != nil || out.Err != nil {
				t.Fatal(err, out)
			}
			if diff := cmp.Diff(c.want, out.Evaluation.Answer); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(c.read, out.Evaluation.Read); diff != "" {
				t.Errorf("read (-want +got):\n%s", diff)
			}
			if (out.Evaluation.Revision == set.Revision()) != c.active {
				t.Errorf("revision %s, the active one is %s", out.Evaluation.Revision, set.Revision())
			}
			if len(out.Trace) > 0 {
				t.Errorf("a trace that nobody asked for: %q", out.Trace)
			}
		})
	}
}

func TestWhatIfTouchesNothing(t *testing.T) {
	set := loadSet(t, map[string]string{"routing/routing.rego": stickyOrFirst})
	before := set.Tree().Revision()
	ask := engine.WhatIf{Question: testQuestion(), Policies: map[string]string{"routing/routing.rego": "", "other.rego": "package routing\n\ndecision := {\"reject\": true}\n"}}
	out, err := whatIf(t.Context(), set, whatIfOptions(t), ask, sampleView(1))
	if err != nil || !out.Evaluation.Answer.Reject {
		t.Fatal(out, err)
	}
	ev, err := set.Evaluate(t.Context(), testQuestion(), sampleView(1))
	if err != nil || ev.Answer.Reason != "sticky" || set.Tree().Revision() != before {
		t.Errorf("the active set answers %+v, error %v", ev.Answer, err)
	}
}

func TestWhatIfPoliciesThatDoNotLoad(t *testing.T) {
	set := loadSet(t, map[string]string{"routing/routing.rego": stickyOrFirst})
	ask := engine.WhatIf{Question: testQuestion(), Policies: map[string]string{"routing/routing.rego": "package routing\n\ndecision := {"}}
	out, err := whatIf(t.Context(), set, whatIfOptions(t), ask, nil)
	var broken *engine.PoliciesError
	if !errors.As(err, &broken) || out != nil || broken.Report.Active != set.Revision() {
		t.Fatalf("%+v, error %v", out, err)
	}
	if len(broken.Report.Errors) == 0 || broken.Report.Errors[0].File != "routing/routing.rego" || broken.Report.Errors[0].Line == 0 {
		t.Errorf("problems %+v, want one with its place", broken.Report.Errors)
	}
}

// A question costs what a call does; only files that are compiled for it make it heavy.
func TestWhatIfIsHeavyWithFilesOfItsOwn(t *testing.T) {
	told := 0
	giveway.OnHeavy(func() { told++ })
	defer giveway.OnHeavy(nil)
	set := loadSet(t, map[string]string{"routing/routing.rego": stickyOrFirst})
	for _, c := range []struct {
		ask  engine.WhatIf
		want int
	}{
		{engine.WhatIf{Explain: true}, 0},
		{engine.WhatIf{Policies: map[string]string{}}, 0},
		{engine.WhatIf{Policies: map[string]string{"routing/routing.rego": stickyOrFirst + "\nother := 1\n"}}, 1},
	} {
		told, c.ask.Question = 0, testQuestion()
		if _, err := whatIf(t.Context(), set, whatIfOptions(t), c.ask, sampleView(1)); err != nil {
			t.Fatal(err)
		}
		if told != c.want {
			t.Errorf("%+v: heavy work began %d times, want %d", c.ask, told, c.want)
		}
	}
}

func TestWhatIfWithoutASet(t *testing.T) {
	out, err := whatIf(t.Context(), nil, whatIfOptions(t), engine.WhatIf{Question: testQuestion()}, nil)
	if err != nil || !errors.Is(out.Err, engine.ErrNoPolicy) || out.IsDID(calledDID) {
		t.Errorf("%+v, error %v", out, err)
	}
	ask := engine.WhatIf{Question: testQuestion(), Policies: map[string]string{"routing/routing.rego": stickyOrFirst}}
	ask.Question.At = time.Time{}
	out, err = whatIf(t.Context(), nil, whatIfOptions(t), ask, nil)
	if err != nil || out.Err != nil || out.Evaluation.Answer.Reason != "first" {
		t.Errorf("%+v, error %v", out, err)
	}
}

func TestWhatIfReportsWhatThePoliciesAnswer(t *testing.T) {
	set := loadSet(t, map[string]string{"routing/routing.rego": "package routing\n\n" + runaway})
	opts := whatIfOptions(t)
	opts.PolicyDeadline = 20 * time.Millisecond
	out, err := whatIf(t.Context(), set, opts, engine.WhatIf{Question: testQuestion()}, nil)
	if err != nil || !errors.Is(out.Err, engine.ErrTimeout) {
		t.Errorf("%+v, error %v, want a timeout in the outcome", out, err)
	}
}

func TestWhatIfKnowsTheDIDsOfItsHistory(t *testing.T) {
	set := loadSet(t, map[string]string{"routing/routing.rego": stickyOrFirst})
	ask := engine.WhatIf{Question: testQuestion(), History: json.RawMessage(`{"dids": {"918645658690": {}}}`)}
	out, err := whatIf(t.Context(), set, whatIfOptions(t), ask, nil)
	if err != nil || !out.IsDID("918645658690") || out.IsDID("918645658691") {
		t.Errorf("%+v, error %v", out, err)
	}
}

func TestHistoryDocument(t *testing.T) {
	for raw, want := range map[string]string{
		`{`:                          "history is not JSON",
		`{} {}`:                      "something follows",
		`[]`:                         "history must be an object",
		`5`:                          "history must be an object",
		`{"caller": {}}`:             `no collection "caller"`,
		`{"callers": []}`:            "history.callers must be an object keyed by caller number",
		`{"calls": null}`:            "history.calls must be an object keyed by call_id",
		`{"dids": {"9186456": [1]}}`: `history.dids["9186456"] must be an object`,

		`{"caller": {}} `:                                                                 "did you mean callers?",
		`{"callers": {"+91 99889 12345": {}}}`:                                            `history.callers["+91 99889 12345"]: policies look it up in its canonical form; write "9988912345"`,
		`{"receivers": {"919876543210": {}}}`:                                             `write "9876543210"`,
		`{"dids": {"8645658689": {}}}`:                                                    `write "918645658689"`,
		`{"callers": {"99889xxxxx": {}}}`:                                                 `history.callers["99889xxxxx"]: that is no number`,
		`{"dids": {"": {}}}`:                                                              `history.dids[""]: that is no number`,
		`{"callers": {"9988912345": {"streak": 2}}}`:                                      `history.callers["9988912345"] has no "streak"`,
		`{"callers": {"9988912345": {"unanswered_streek": 2}}}`:                           `did you mean unanswered_streak?`,
		`{"callers": {"9988912345": {"totals": {"answerd": 2}}}}`:                         `.totals has no "answerd"; did you mean answered?`,
		`{"callers": {"9988912345": {"days": {"22.11.2025": {}}}}}`:                       `.days: "22.11.2025" is no day`,
		`{"callers": {"9988912345": {"days": {"2025-11-22": {"talk": 2}}}}}`:              `.days["2025-11-22"] has no "talk"; did you mean talk_seconds?`,
		`{"callers": {"9988912345": {"calls": {"did": "1"}}}}`:                            `.calls must be a list`,
		`{"callers": {"9988912345": {"calls": [{}, {"receiver": "9876543210"}]}}}`:        `.calls[1] has no "receiver"; did you mean receiver_number?`,
		`{"callers": {"9988912345": {"last_answered": {"receiver_number": 9876543210}}}}`: `.last_answered.receiver_number must be a text; write "9876543210", in quotes`,
		`{"calls": {"a": {"receiver_number": "+919876543210"}}}`:                          `history.calls["a"].receiver_number: policies compare it in its canonical form; write "9876543210"`,
		`{"calls": {"a": {"did": "8645658689"}}}`:                                         `write "918645658689" and not "8645658689"`,
		`{"calls": {"a": {"status": "unanswered"}}}`:                                      `there is no status "unanswered"; there is in_flight, answered, notanswered`,
		`{"calls": {"a": {"routed_at": "2025-11-22"}}}`:                                   `history.calls["a"].routed_at must be a number, not the text`,
		`{"callers": {"9988912345": {"last_by_reason": {"x": {"dids": "1"}}}}}`:           `.last_by_reason["x"] has no "dids"; did you mean did?`,
	} {
		if doc, err := historyDocument(json.RawMessage(raw), whatIfOptions(t).Numbers); err == nil || !strings.Contains(err.Error(), want) || doc != nil {
			t.Errorf("%s: %v, %v, want %q", raw, doc, err, want)
		}
	}
	for _, raw := range []string{"", " ", "null"} {
		if doc, err := historyDocument(json.RawMessage(raw), whatIfOptions(t).Numbers); doc != nil || err != nil {
			t.Errorf("%q: %v, %v, want the live history", raw, doc, err)
		}
	}
}

// A document is read as the live history is: by key, down to one field, and
// never as a whole.
func TestHistoryDocumentReads(t *testing.T) {
	const document = `{"calls": {"a": {"status": "answered"}},
		"callers": {"9988912345": {"calls": [{"did": "1"}, {"did": "2"}], "in_flight": 12345678901234567890}}}`
	for _, c := range []struct{ rule, want string }{
		{`data.history.calls.a.status`, `answered`},
		{`data.history.callers[input.caller_number].calls[1].did`, `2`},
		{`sprintf("%v", [data.history.callers[input.caller_number].in_flight])`, `12345678901234567890`},
		{`data.history.callers[input.caller_number].calls[2].did`, ""},
		{`data.history.callers[input.caller_number].calls.x`, ""},
		{`data.history.receivers[input.caller_number].did`, ""},
	} {
		s := routing(t, `decision := {"reject": true, "reason": `+c.rule+`}`)
		out, err := whatIf(t.Context(), s, whatIfOptions(t), engine.WhatIf{Question: testQuestion(), History: json.RawMessage(document)}, nil)
		if err != nil || out.Evaluation.Answer.Reason != c.want || (c.want == "") != errors.Is(out.Err, engine.ErrUndefined) {
			t.Errorf("%s: %+v, error %v, want %q", c.rule, out, err, c.want)
		}
	}
	s := routing(t, `decision := {"reject": count(data.history.callers) > 0}`)
	out, err := whatIf(t.Context(), s, whatIfOptions(t), engine.WhatIf{Question: testQuestion(), History: json.RawMessage(document)}, nil)
	if err != nil || out.Err == nil || !strings.Contains(out.Err.Error(), "routing/routing.rego:3: data.history.callers cannot be read as a whole") {
		t.Errorf("%+v, error %v, want a refusal", out, err)
	}
}

func TestManagerWhatIf(t *testing.T) {
	opts := whatIfOptions(t)
	m, err := NewManager(ManagerOptions{Options: opts, Builtin: Tree{"routing/routing.rego": []byte(stickyOrFirst)}})
	if err != nil {
		t.Fatal(err)
	}
	var preview engine.Previewer = m
	out, err := preview.WhatIf(context.Background(), engine.WhatIf{Question: testQuestion()}, nil)
	if err != nil || !errors.Is(out.Err, engine.ErrNoPolicy) {
		t.Errorf("%+v, error %v before a set is active", out, err)
	}
	m.active.Store(loadSet(t, map[string]string{"routing/routing.rego": stickyOrFirst}))
	out, err = preview.WhatIf(context.Background(), engine.WhatIf{Question: testQuestion()}, sampleView(1))
	if err != nil || out.Evaluation.Answer.Reason != "sticky" {
		t.Errorf("%+v, error %v", out, err)
	}
}

package policy

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"switchboard/engine"
)

func questionTo(t *testing.T, did, caller string) engine.Question {
	t.Helper()
	numbers := testOptions(t).Numbers
	return engine.Question{CallID: "c-" + did, Caller: numbers.Person(caller), DID: numbers.DID(did), At: callAt}
}

// decisions is a tree with two DIDs and a module of one's own.
func decisions(body string) Tree {
	return Tree{
		"routing/routing.rego": []byte("package routing\n\n" + body),
		"directory/data.json":  []byte(`{"dids": {"918645658689": {}, "918645658690": {}}}`),
	}
}

const (
	answersOne  = "decision := {\"call_forwarding_number\": \"9876543210\"} if input.did == \"918645658689\"\n"
	answersBoth = goodRule
	goodRule    = "decision := {\"call_forwarding_number\": \"9876543210\"}\n"
	brokenOne   = goodRule + "\ndecision := {\"call_forwarding_number\": \"9876543211\"} if input.did == \"918645658690\"\n"
	wrongOne    = "default n := \"9876543210\"\n\nn := 5 if input.did == \"918645658690\"\n\ndecision := {\"call_forwarding_number\": n}\n"
	endlessOne  = goodRule + "\ndecision := {\"reject\": true} if {\n\tinput.did == \"918645658690\"\n\tsome a in numbers.range(1, 100000)\n\tsome b in numbers.range(1, 100000)\n\ta * b == -1\n}\n"
)

func TestSmoke(t *testing.T) {
	for name, c := range map[string]struct {
		active, next string // empty active: none
		strict       bool
		ok           bool
		want         string // in the one error or warning
	}{
		"good":                          {goodRule, goodRule + "\nx := 1\n", false, true, ""},
		"undefined warns":               {goodRule, answersOne, false, true, "gets no answer from the policies"},
		"error where the old answers":   {goodRule, brokenOne, false, false, "918645658690 fails (error)"},
		"error where the old is silent": {answersOne, brokenOne, false, true, "918645658690 fails (error)"},
		"error where the old fails":     {wrongOne, brokenOne, false, true, "918645658690 fails (error)"},
		"error and nothing active":      {"", brokenOne, false, true, "918645658690 fails (error)"},
		"all wrong and nothing active":  {"", "decision := {\"call_forwarding_number\": 5} if input\n", false, true, "fails (invalid): call_forwarding_number must be a string"},
		"all wrong to who asks":         {"", "decision := {\"call_forwarding_number\": 5} if input\n", true, false, "fails (invalid): call_forwarding_number must be a string"},
		"wrong type":                    {goodRule, wrongOne, false, false, "918645658690 fails (invalid): call_forwarding_number must be a string"},
		"timeout":                       {goodRule, endlessOne, false, false, "918645658690 fails (timeout)"},
		"caller's own number":           {goodRule, "decision := {\"call_forwarding_number\": input.caller_number} if input.did == \"918645658690\" else := {\"reject\": true}\n", false, false, "is the caller's own number"},
		"loop":                          {goodRule, "decision := {\"call_forwarding_number\": \"8645658689\"} if input.did == \"918645658690\" else := {\"reject\": true}\n", false, false, "fails (loop)"},
		"the caller of the questions":   {goodRule, "decision := {\"call_forwarding_number\": \"9000000001\"}\n", false, true, ""},
		"two who disagree":              {goodRule, brokenOne, false, false, "chain the rules with `else`"},
		"reject":                        {goodRule, "decision := {\"reject\": true}\n", false, true, ""},
		"builtin error is undefined":    {goodRule, "decision := {\"reject\": true} if to_number(input.did) > 0 else := {\"reject\": true} if to_number(\"x\") > 0\n", false, true, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := testOptions(t)
			o.PolicyDeadline = 300 * time.Millisecond
			checks := Checks{Strict: c.strict}
			if c.active != "" {
				active, report := Load(t.Context(), decisions(c.active), o, Checks{})
				if active == nil {
					t.Fatalf("the active set does not load: %q", lines(report.Errors))
				}
				checks.Active = active
			}
			set, report := Load(t.Context(), decisions(c.next), o, checks)
			if report.OK != c.ok || (set != nil) != c.ok {
				t.Errorf("OK is %v: errors %q warnings %q", report.OK, lines(report.Errors), lines(report.Warnings))
			}
			found := report.Warnings
			if !c.ok {
				found = report.Errors
			}
			if c.want == "" && len(found) > 0 || c.want != "" && !strings.Contains(strings.Join(lines(found), "\n"), c.want) {
				t.Errorf("found %q, want %q", lines(found), c.want)
			}
		})
	}
}

// Of a large directory those DIDs are asked that were edited, wherever they
// stand, and others from all over it.
func TestSmokeOfALargeDirectory(t *testing.T) {
	const dids = 5000
	tree := func(rule string, edited int, entry string) Tree {
		var list strings.Builder
		for i := range dids {
			n := "\"9876543210\""
			if i == edited {
				n = entry
			}
			fmt.Fprintf(&list, "  \"9180%08d\": {n: %s}\n", 10_000_000+i, n)
		}
		return Tree{"routing/routing.rego": []byte("package routing\n\n" + rule), "directory/data.yaml": []byte("dids:\n" + list.String())}
	}
	const rule = "decision := {\"call_forwarding_number\": data.directory.dids[input.did].n}\n"
	active, report := Load(t.Context(), tree(rule, -1, ""), testOptions(t), Checks{})
	if active == nil {
		t.Fatalf("%q", lines(report.Errors))
	}
	for name, next := range map[string]Tree{
		"the last entry":   tree(rule, dids-1, "5"),
		"a rule for a few": tree("n := 5 if input.did > \"918010004900\" else := \"9876543210\"\n\ndecision := {\"call_forwarding_number\": n}\n", -1, ""),
	} {
		set, report := Load(t.Context(), next, testOptions(t), Checks{Active: active})
		if got := strings.Join(lines(report.Errors), "\n"); set != nil || !strings.Contains(got, "call_forwarding_number must be a string") {
			t.Errorf("%s went live, or was refused for %q", name, got)
		}
	}
}

func TestSmokeAsksRecentCalls(t *testing.T) {
	o := testOptions(t)
	active := mustLoad(t, decisions(goodRule))
	next := decisions("decision := {\"call_forwarding_number\": input.time.unix} if input.caller_number == \"9988912345\" else := {\"reject\": true}\n")
	if set, report := Load(t.Context(), next, o, Checks{Active: active}); set == nil {
		t.Fatalf("refused without a recent call: %q", lines(report.Errors))
	}
	recent := []engine.Question{questionTo(t, "918645658699", "9988912345")}
	set, report := Load(t.Context(), next, o, Checks{Active: active, Recent: recent})
	if set != nil || len(report.Errors) != 1 || !strings.Contains(report.Errors[0].Message, "a call to 918645658699 fails (invalid)") {
		t.Errorf("errors are %q", lines(report.Errors))
	}
	if strings.Contains(strings.Join(lines(report.Errors), ""), callerNumber) {
		t.Error("the caller's number stands in the report")
	}
}

// The history that policies are tried with is the live one, opened and closed
// for each question; a history that can't be had is no verdict on the set.
func TestSmokeReadsHistory(t *testing.T) {
	o := testOptions(t)
	next := decisions("decision := {\"reject\": true} if not data.history.dids[input.did].in_flight\n\ndecision := {\"reject\": data.history.dids[input.did].in_flight} if data.history.dids[input.did]\n")
	opened, closed := 0, 0
	view := func(context.Context) (engine.View, error) {
		opened++
		return &closingView{fakeView: sampleView(3), closed: &closed}, nil
	}
	active := mustLoad(t, decisions(goodRule))
	set, report := Load(t.Context(), next, o, Checks{Active: active, View: view})
	if set != nil || len(report.Errors) != 1 || !strings.Contains(report.Errors[0].Message, "918645658689 fails (invalid): reject must be") {
		t.Errorf("errors are %q", lines(report.Errors))
	}
	if opened == 0 || opened != closed {
		t.Errorf("%d views opened, %d closed", opened, closed)
	}
	broken := func(context.Context) (engine.View, error) { return nil, errors.New("disk gone") }
	if set, report := Load(t.Context(), next, o, Checks{Active: active, View: broken}); set == nil {
		t.Errorf("refused for the history's fault: %q", lines(report.Errors))
	}
	busy := func(context.Context) (engine.View, error) { return &fakeView{err: engine.ErrConflict}, nil }
	if set, report := Load(t.Context(), next, o, Checks{Active: active, View: busy}); set == nil {
		t.Errorf("refused for a busy history: %q", lines(report.Errors))
	}
}

type closingView struct {
	*fakeView
	closed *int
}

func (v *closingView) Close() { *v.closed++ }

// A thousand failing DIDs are one mistake and not a thousand.
func TestSmokeReportIsShort(t *testing.T) {
	var dids strings.Builder
	for i := range 300 {
		dids.WriteString(", \"9186456" + string(rune('0'+i/100)) + string(rune('0'+i/10%10)) + string(rune('0'+i%10)) + "89\": {}")
	}
	tree := decisions("decision := {\"call_forwarding_number\": 5} if input.did else := {\"reject\": true}\n")
	tree["directory/data.json"] = []byte(`{"dids": {"918645658689": {}` + dids.String() + `}}`)
	_, report := Load(t.Context(), tree, testOptions(t), Checks{Strict: true})
	if n := len(report.Errors); n != smokeProblems+1 || report.Errors[n-1].File != "" || report.Errors[0].File == "" {
		t.Errorf("%d errors: %q", n, lines(report.Errors))
	}
}

// A new installation has no directory and no calls. Its sets are asked about a
// call all the same, which they may leave to the fallback.
func TestSmokeAsksWithoutDirectoryAndCalls(t *testing.T) {
	set := func(body string) Tree { return Tree{"routing/routing.rego": []byte("package routing\n\n" + body)} }
	active := mustLoad(t, set(goodRule))
	for body, want := range map[string]string{
		"decision := {\"call_forwarding_number\": 5}\n":                                       "call_forwarding_number must be a string",
		"decision := {\"call_forwarding_number\": \"12345\"}\n":                               "is not a possible phone number",
		"decision := {\"call_forwarding_number\": \"9876543210\", \"call_timeout\": 90000}\n": "call_timeout must be",
		"decision := {\"reason\": \"x\"}\n":                                                   "has no call_forwarding_number",
		goodRule + "\ndecision := {\"reject\": true}\n":                                       "conflicting values",
		"decision := {\"reject\": true} if input.did == \"911111111111\"\n":                   "",
		"decision := {\"reject\": true}\n":                                                    "",
	} {
		next, report := Load(t.Context(), set(body), testOptions(t), Checks{Active: active})
		if want == "" {
			if next == nil || len(report.Warnings) > 0 {
				t.Errorf("%s: errors %q, warnings %q", body, lines(report.Errors), lines(report.Warnings))
			}
			continue
		}
		if next != nil || len(report.Errors) != 1 || !strings.Contains(report.Errors[0].Message, want) || report.Errors[0].Line < 3 {
			t.Errorf("%s: errors %q, want %q", body, lines(report.Errors), want)
		}
	}
}

// Whoever is to take the calls rang from their own phone lately: no reason to
// keep the edit that names them from going live.
func TestSmokeForwardsToARecentCaller(t *testing.T) {
	checks := Checks{Active: mustLoad(t, decisions(goodRule)), Recent: []engine.Question{questionTo(t, "918645658689", "9876543211")}}
	next := decisions("decision := {\"call_forwarding_number\": \"9876543211\"}\n")
	if set, report := Load(t.Context(), next, testOptions(t), checks); set == nil || len(report.Warnings) > 0 {
		t.Errorf("errors %q, warnings %q", lines(report.Errors), lines(report.Warnings))
	}
	always := decisions("decision := {\"call_forwarding_number\": input.caller_number}\n")
	if set, report := Load(t.Context(), always, testOptions(t), checks); set != nil || len(report.Errors) == 0 {
		t.Errorf("a set that sends everybody back to themselves: errors %q", lines(report.Errors))
	}
}

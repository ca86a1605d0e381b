package policy

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"switchboard/engine"
)

func TestFired(t *testing.T) {
	s := compileSet(t, map[string]string{
		"routing/routing.rego": `package routing

import data.lib

default quiet := false

# METADATA
# title: whom to ring
# labels:
#   owner: support
decision := {"reject": true} if {
	quiet
} else := {"call_forwarding_number": lib.pick(input.did)} if {
	lib.ours[input.did]
	not lib.ours.nobody
} else := {"reject": true, "reason": "never"}
`,
		"lib/lib.rego": `# METADATA
# scope: package
# labels: {area: lib}
package lib

ours[did] := true if some did in ["918645658689", "918645658690"]

pick(did) := "9876543210" if did == "918645658689"

pick(did) := "9876543211" if did == "918645658690"
`,
	}, nil)
	q := testQuestion()
	lib := map[string]any{"area": "lib"}
	want := []engine.Fired{
		{Rule: "data.routing.quiet", File: "routing/routing.rego", Line: 5},
		{Rule: "data.lib.ours", File: "lib/lib.rego", Line: 6, Labels: lib},
		{Rule: "data.lib.pick", File: "lib/lib.rego", Line: 8, Labels: lib},
		{Rule: "data.routing.decision", File: "routing/routing.rego", Line: 13, Labels: map[string]any{"owner": "support"}},
	}
	for range 2 {
		ev, err := s.Evaluate(t.Context(), q, nil)
		if err != nil {
			t.Fatal(err)
		}
		byRule := func(fired []engine.Fired) map[string]engine.Fired {
			m := map[string]engine.Fired{}
			for _, f := range fired {
				m[f.Rule] = f
			}
			return m
		}
		if diff := cmp.Diff(byRule(want), byRule(ev.Fired)); diff != "" || len(ev.Fired) != len(want) {
			t.Errorf("%d rules (-want +got):\n%s", len(ev.Fired), diff)
		}
	}
	q.DID.Canonical = "918645658690"
	ev, err := s.Evaluate(t.Context(), q, nil)
	if err != nil || ev.Answer.Number != "9876543211" {
		t.Fatalf("answer %+v, error %v", ev.Answer, err)
	}
	for _, f := range ev.Fired {
		if f.Rule == "data.lib.pick" && f.Line != 10 {
			t.Errorf("told of the branch in line %d, want 10", f.Line)
		}
	}
}

// The note at the end of each rule is not for policies to call.
func TestNoteIsHidden(t *testing.T) {
	for _, rego := range []string{
		"package routing\n\ndecision := {\"reject\": true} if " + firedBuiltin.Name + "(0)",
		"package routing\n\ndecision := {\"reject\": true} if data." + firedBuiltin.Name + "(0)",
	} {
		if _, err := tryCompile(t, map[string]string{"routing/routing.rego": rego}, nil); err == nil {
			t.Errorf("compiles: %s", rego)
		}
	}
}

func TestFiredIsBounded(t *testing.T) {
	rego := "package routing\n\n"
	rules := map[string]any{}
	for i := range maxFired + 20 {
		name := string(rune('a'+i/26%26)) + string(rune('a'+i%26))
		rego += "all contains \"" + name + "\" if data.on." + name + "\n\n"
		rules[name] = true
	}
	rego += "decision := {\"reject\": true, \"reason\": sprintf(\"%d\", [count(all)])}\n"
	s := compileSet(t, map[string]string{"routing/routing.rego": rego}, map[string]any{"on": rules})
	ev, err := s.Evaluate(t.Context(), testQuestion(), nil)
	if err != nil || ev.Answer.Reason != "148" || len(ev.Fired) != maxFired {
		t.Errorf("%s rules held, %d told, error %v", ev.Answer.Reason, len(ev.Fired), err)
	}
}

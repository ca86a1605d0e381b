package policy

import (
	"fmt"
	"strings"
	"testing"
)

// starterLike is what a working policy does: a directory in data, a blocklist,
// business hours, a sticky receiver from the history, and a rotation.
const starterLike = `package routing

entry := data.directory.dids[input.did]

blocked if data.directory.blocked[input.caller_number]

open if {
	hours := entry.hours
	input.time.weekday in hours.days
	input.time.clock >= hours.from
	input.time.clock < hours.to
}

sticky := receiver if {
	call := data.history.callers[input.caller_number].last_answered
	receiver := call.receiver_number
	receiver in entry.team
}

next_in_turn := entry.team[0] if {
	not data.history.dids[input.did].last_by_reason.round_robin
}

next_in_turn := entry.team[(i + 1) % count(entry.team)] if {
	last := data.history.dids[input.did].last_by_reason.round_robin.receiver_number
	some i, number in entry.team
	number == last
}

# METADATA
# title: whom a call reaches
# labels: {owner: support}
decision := {"reject": true, "reason": "blocked"} if {
	blocked
} else := {"call_forwarding_number": entry.night, "reason": "closed"} if {
	not open
} else := {"call_forwarding_number": sticky, "call_timeout": 30, "reason": "sticky"} if {
	sticky
} else := {"call_forwarding_number": next_in_turn, "reason": "round_robin"}
`

// directoryData is a directory of n DIDs, the called one among them.
func directoryData(n int) map[string]any {
	dids := map[string]any{}
	team := []any{"9876543210", "9876543211", "9876543212"}
	for i := range n {
		dids[fmt.Sprintf("91864565%04d", i)] = map[string]any{
			"team": team, "night": "9876500000",
			"hours": map[string]any{
				"days": []any{"monday", "tuesday", "wednesday", "thursday", "friday", "saturday"},
				"from": "09:00", "to": "19:00",
			},
		}
	}
	dids[calledDID] = dids["918645650000"]
	return map[string]any{"directory": map[string]any{
		"dids": dids, "blocked": map[string]any{"9000000000": true},
	}}
}

func BenchmarkEvaluate(b *testing.B) {
	s := compileSet(b, map[string]string{"routing/routing.rego": starterLike}, directoryData(1000))
	view, q := sampleView(20), testQuestion()
	if ev, err := s.Evaluate(b.Context(), q, view); err != nil || ev.Answer.Reason != "sticky" {
		b.Fatal(ev.Answer, err)
	}
	b.ReportAllocs()
	for b.Loop() {
		view.asked = view.asked[:0]
		if _, err := s.Evaluate(b.Context(), q, view); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkManyRules is a thousand rules of one name, by both evaluators: rules
// that OPA's index tells apart, and rules that have to be tried.
func BenchmarkManyRules(b *testing.B) {
	for _, kind := range []struct{ name, cond string }{
		{"indexed", `input.did == "91864565%04d"`},
		{"tried", `contains(input.did, "91864565%04d")`},
	} {
		var text strings.Builder
		text.WriteString("package routing\n\n")
		for i := range 1000 {
			fmt.Fprintf(&text, "decision := {\"reject\": true, \"reason\": \"r%d\"} if "+kind.cond+"\n\n", i, i)
		}
		s := compileSet(b, map[string]string{"routing/routing.rego": text.String()}, nil)
		for _, by := range []struct {
			name string
			set  *Set
		}{{"plan", s}, {"opa", slow(s)}} {
			b.Run(kind.name+"/"+by.name, func(b *testing.B) {
				q := testQuestion()
				q.DID.Canonical = "918645650500"
				b.ReportAllocs()
				for b.Loop() {
					if ev, err := by.set.Evaluate(b.Context(), q, nil); err != nil || ev.Answer.Reason != "r500" {
						b.Fatal(ev.Answer, err)
					}
				}
			})
		}
	}
}

func BenchmarkQuestion(b *testing.B) {
	s := routing(b, `decision := {"reject": true}`)
	q := testQuestion()
	b.Run("value", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			newQuestion(q, s.zone, s.zoneName).value()
		}
	})
	b.Run("json", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			newQuestion(q, s.zone, s.zoneName).json()
		}
	})
}

func BenchmarkProfileValue(b *testing.B) {
	p := sampleProfile(20)
	for name, path := range map[string][]string{
		"whole": {}, "calls": {"calls"}, "last_answered": {"last_answered"},
		"receiver of last_by_reason": {"last_by_reason", "round_robin", "receiver_number"},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := profileValue(p, path); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

package policy

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"switchboard/engine"
)

// OPA's rule indexer reads data while it chooses rules, and would ask for whole
// collections of the history on behalf of rules that read one key. The table
// below says for every way of writing such a read what the history is asked.
// It is what a new version of OPA must pass.

// Each is tried in the rules of several kinds: what the indexer reads depends
// on whether the evaluation may stop at the first rule that holds.
var trapRules = []struct{ name, head, more, decision string }{
	{"complete rule", "hit if", "", `
decision := {"reject": true, "reason": "hit"} if hit
decision := {"reject": true, "reason": "miss"} if not hit
`},
	{"rules with values", "hit := input.did if", "\nhit := \"0\" if input.did == \"0\"\n", `
decision := {"reject": true, "reason": "hit"} if hit
decision := {"reject": true, "reason": "miss"} if not hit
`},
	{"partial set", "hit contains 1 if", "\nhit contains 2 if input.did == \"0\"\n", `
decision := {"reject": true, "reason": "hit"} if hit[_]
decision := {"reject": true, "reason": "miss"} if count(hit) == 0
`},
	{"partial object", "hit[input.did] := 1 if", "\nhit.x := 2 if input.did == \"0\"\n", `
decision := {"reject": true, "reason": "hit"} if hit[input.did]
decision := {"reject": true, "reason": "miss"} if not hit[input.did]
`},
	{"function", "hits(input_did) := input_did if", "\nhits(did) := \"0\" if did == \"0\"\n", `
decision := {"reject": true, "reason": "hit"} if hits(input.did)
decision := {"reject": true, "reason": "miss"} if not hits(input.did)
`},
	{"decision itself", "decision := {\"reject\": true, \"reason\": \"hit\"} if", "", `
decision := {"reject": true, "reason": "other"} if input.did == "0"
`},
}

var traps = []struct {
	name string
	rego string
	want string   // hit, miss, or refused
	asks []string // the keys read, in order of the alphabet
}{
	{"bare condition", `hit if data.history.callers[input.caller_number]`, "hit", []string{"callers/9988912345"}},
	{"bare condition, unseen", `hit if data.history.callers[input.call_id]`, "miss", []string{"callers/1ascaba13abcaav"}},
	{"bare field", `hit if data.history.callers[input.caller_number].last_answered`, "hit", []string{"callers/9988912345"}},
	{"bare condition with a literal key", `hit if data.history.dids["918645658689"]`, "hit", []string{"dids/918645658689"}},
	{"field compared with ==", `hit if data.history.callers[input.caller_number].in_flight == 1`, "hit", []string{"callers/9988912345"}},
	{"field compared the other way round", `hit if 1 == data.history.callers[input.caller_number].in_flight`, "hit", []string{"callers/9988912345"}},
	{"field unified", `hit if data.history.callers[input.caller_number].in_flight = 1`, "hit", []string{"callers/9988912345"}},
	{"field compared with >=", `hit if data.history.callers[input.caller_number].totals.offered >= 12`, "hit", []string{"callers/9988912345"}},
	{"two rules on one field", `
hit if data.history.callers[input.caller_number].in_flight == 0
hit if data.history.callers[input.caller_number].in_flight == 1`, "hit", []string{"callers/9988912345"}},
	{"field against a field", `hit if {
	data.history.callers[input.caller_number].last_answered.did == data.history.receivers["9876543210"].last_answered.did
}`, "hit", []string{"callers/9988912345", "receivers/9876543210"}},
	{"profile in a variable", `hit if {
	profile := data.history.callers[input.caller_number]
	profile.unanswered_streak == 2
}`, "hit", []string{"callers/9988912345"}},
	{"key in a variable", `hit if {
	key := input.caller_number
	data.history.callers[key].in_flight == 1
}`, "hit", []string{"callers/9988912345"}},
	{"key computed", `hit if {
	key := sprintf("%s%s", ["99889", "12345"])
	data.history.callers[key].in_flight == 1
}`, "hit", []string{"callers/9988912345"}},
	{"key from another profile", `hit if {
	last := data.history.callers[input.caller_number].last_answered.receiver_number
	data.history.receivers[last].in_flight == 1
}`, "hit", []string{"callers/9988912345", "receivers/9876543210"}},
	{"keys from a list", `hit if {
	some key in ["9988912345", "9000000000"]
	data.history.callers[key].in_flight == 7
}`, "miss", []string{"callers/9000000000", "callers/9988912345"}},
	{"object.get of a profile", `hit if object.get(data.history.callers[input.caller_number], "in_flight", 0) == 1`, "hit", []string{"callers/9988912345"}},
	{"object.get of an unseen profile", `hit if object.get(data.history.callers.nobody, "in_flight", 0) == 0`, "miss", []string{"callers/nobody"}},
	{"some call in a profile", `hit if {
	some call in data.history.callers[input.caller_number].calls
	call.status == "answered"
}`, "hit", []string{"callers/9988912345"}},
	{"calls by index", `hit if data.history.callers[input.caller_number].calls[_].receiver_number == "9876543210"`, "hit", []string{"callers/9988912345"}},
	{"every call", `hit if {
	every call in data.history.callers[input.caller_number].calls { call.status == "answered" }
}`, "hit", []string{"callers/9988912345"}},
	{"count of calls", `hit if count(data.history.callers[input.caller_number].calls) == 3`, "hit", []string{"callers/9988912345"}},
	{"member of a profile's field", `hit if "answered" in [c.status | some c in data.history.callers[input.caller_number].calls]`, "hit", []string{"callers/9988912345"}},
	{"comprehension over keys", `
busy := {n | some n in ["9876543210", "9876543211"]; data.history.receivers[n].in_flight > 0}
hit if "9876543210" in busy`, "hit", []string{"receivers/9876543210", "receivers/9876543211"}},
	{"object comprehension, least busy", `
load := {n: object.get(data.history.receivers[n], "in_flight", 0) | some n in ["9876543210"]}
hit if load["9876543210"] == 1`, "hit", []string{"receivers/9876543210"}},
	{"negation", `hit if not data.history.callers[input.caller_number].last_by_reason.sticky`, "hit", []string{"callers/9988912345"}},
	{"negation of an unseen key", `hit if not data.history.callers.nobody`, "hit", []string{"callers/nobody"}},
	{"function on a number", `
streak(n) := data.history.callers[n].unanswered_streak
hit if streak(input.caller_number) == 2`, "hit", []string{"callers/9988912345"}},
	{"function on a profile", `
busy(profile) if profile.in_flight > 0
hit if busy(data.history.callers[input.caller_number])`, "hit", []string{"callers/9988912345"}},
	{"functions chosen by a history value", `
rank("answered") := 1
rank("other") := 2
hit if rank(data.history.callers[input.caller_number].last_answered.status) == 1`, "hit", []string{"callers/9988912345"}},
	{"else chain", `
pick := "busy" if {
	data.history.callers[input.caller_number].in_flight == 5
} else := "known" if {
	data.history.callers[input.caller_number]
} else := "new"
hit if pick == "known"`, "hit", []string{"callers/9988912345"}},
	{"default", `
default seen := false
seen if data.history.callers[input.caller_number].totals.answered == 9
hit if seen == true`, "hit", []string{"callers/9988912345"}},
	{"partial rule keyed by number", `
last[n] := data.history.receivers[n].last_answered.routed_at if some n in ["9876543210", "9876543211"]
hit if last["9876543210"]`, "hit", []string{"receivers/9876543210"}},
	{"partial set of numbers", `
busy contains n if {
	some n in ["9876543210", "9876543211"]
	data.history.receivers[n].in_flight == 1
}
hit if busy["9876543210"]`, "hit", []string{"receivers/9876543210"}},
	{"day of the profile", `hit if data.history.dids[input.did].days[input.time.date].offered == 12`, "hit", []string{"dids/918645658689"}},
	{"call by id", `hit if data.history.calls.call00.status == "answered"`, "hit", []string{"calls/call00"}},
	{"import", `hit if callers[input.caller_number].in_flight == 1`, "hit", []string{"callers/9988912345"}},
	{"mocked", `hit if data.history.callers.a.in_flight == 3 with data.history as {"callers": {"a": {"in_flight": 3}}}`, "hit", nil},
	{"mocked below", `hit if data.history.callers.a.in_flight == 3 with data.history.callers.a as {"in_flight": 3}`, "hit", nil},
	{"walk through a profile", `hit if {
	walk(data.history.callers[input.caller_number].totals, [path, value])
	path == ["talk_seconds"]
	value == 840
}`, "hit", []string{"callers/9988912345"}},

	{"some in a collection", `hit if {
	some c in data.history.callers
	c.in_flight > 0
}`, "refused", nil},
	{"some key in a collection", `hit if {
	some n
	data.history.callers[n].in_flight > 0
}`, "refused", nil},
	{"wildcard", `hit if data.history.callers[_].in_flight > 0`, "refused", nil},
	{"count of a collection", `hit if count(data.history.callers) > 0`, "refused", nil},
	{"walk through a collection", `hit if walk(data.history.callers, [_, 1])`, "refused", nil},
	{"collection in a variable", `hit if {
	cs := data.history.callers
	cs[input.caller_number]
}`, "refused", nil},
	{"object.get of a collection", `hit if object.get(data.history.callers, [input.caller_number, "in_flight"], 0) == 1`, "refused", nil},
	{"collection chosen by the call", `hit if {
	some kind in ["callers", "receivers"]
	data.history[kind]
}`, "refused", nil},
	{"the history itself", `hit if data.history`, "refused", nil},
	{"number in a collection", `hit if input.caller_number in object.keys(data.history.callers)`, "refused", nil},
	{"collection as an argument", `
seen(all, n) if all[n]
hit if seen(data.history.dids, input.did)`, "refused", nil},
}

func TestTrap(t *testing.T) {
	for _, c := range traps {
		for _, rules := range trapRules {
			t.Run(c.name+"/"+rules.name, func(t *testing.T) {
				text := strings.Replace(c.rego, "hit if", rules.head, -1) + rules.more + rules.decision
				if c.name == "import" {
					text = "import data.history.callers\n\n" + text
				}
				view := sampleView(3)
				ev, err := routing(t, text).Evaluate(t.Context(), testQuestion(), view)
				var refused *collectionError
				switch {
				case c.want == "refused":
					if !errors.As(err, &refused) || !strings.Contains(err.Error(), "by key") || !strings.HasPrefix(err.Error(), "routing/routing.rego:") {
						t.Fatalf("error %v, want a refusal with its place", err)
					}
					return
				case rules.name == "decision itself" && c.want == "miss":
					if !errors.Is(err, engine.ErrUndefined) {
						t.Fatalf("answer %+v, error %v, want none", ev.Answer, err)
					}
				case err != nil || ev.Answer.Reason != c.want:
					t.Fatalf("answer %+v, error %v, want %s", ev.Answer, err, c.want)
				}
				if got := view.askedFor(); !slices.Equal(got, c.asks) {
					t.Errorf("asked for %q, want %q", got, c.asks)
				}
				if got := keysRead(ev); !slices.Equal(got, c.asks) {
					t.Errorf("reported %q, want keys %q", ev.Read, c.asks)
				}
			})
		}
	}
}

// keysRead reduces the reported paths to collection and key.
func keysRead(ev engine.Evaluation) []string {
	var keys []string
	for _, path := range ev.Read {
		parts := strings.SplitN(path, "/", 4)
		keys = append(keys, parts[1]+"/"+parts[2])
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

package replay_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"

	"switchboard/engine"
)

// TestTheSameSetDecidesTheSame is what replays and explanations rest on: many
// calls at once, with all that happens to them, put to the set that decided them
// once more, come out as they did, every one; also those that circumstances
// decided, and also after another set took over.
func TestTheSameSetDecidesTheSame(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	w := newWorld(t, starter(t))
	first := w.set.Load().Revision()
	w.traffic(seed, 48, 40)
	w.slow.Store(5)
	w.traffic(seed+1, 8, 20)

	d := w.replay(engine.ReplayRequest{})
	if d.Moved+d.OtherReason+d.OtherTimeout > 0 || d.Same != d.Calls || d.Calls < 500 || len(d.NotCompared) > 0 {
		text, _ := json.MarshalIndent(d, "", "  ")
		t.Fatalf("the same set decides otherwise: %s", text)
	}
	reasons := map[string]int{}
	for _, r := range d.Reasons {
		reasons[r.Old] += r.Calls
	}
	t.Logf("%d calls, recomputed %v, reasons %v", d.Calls, d.Recomputed, reasons)
	for _, want := range []string{"round_robin", "sticky", "least_busy", "pair", "blocked"} {
		if reasons[want] == 0 {
			t.Errorf("the traffic made no call with the reason %s", want)
		}
	}
	if d.Recomputed[engine.CauseTimeout] == 0 {
		t.Error("no call ran out of time")
	}

	// Another set takes over; what the first one decided is explained all the same.
	tree := starter(t)
	tree["directory/data.yaml"] = []byte(directory + "\n# another\n")
	tree["routing/routing.rego"] = []byte("package routing\n\ndecision := {\"call_forwarding_number\": \"9876543298\", \"reason\": \"all\"}\n")
	maps.DeleteFunc(tree, func(name string, _ []byte) bool {
		return name == "routing/routing_test.rego" || strings.HasPrefix(name, "recipes/")
	})
	w.activate(tree)
	w.traffic(seed+2, 8, 10)
	explained := 0
	for worker := range 48 {
		for i := 0; i < 40; i += 13 {
			e := w.explain(fmt.Sprintf("call-%d-%d", worker, i))
			if e == nil || e.Revision != first {
				continue
			}
			explained++
			circumstances := e.Decision.Cause == engine.CauseTimeout || e.Decision.Cause == engine.CauseOverload
			if !e.Same && !circumstances || circumstances && e.Why == "" {
				text, _ := json.MarshalIndent(e, "", "  ")
				t.Fatalf("the repeat of a decision comes out otherwise: %s", text)
			}
			if len(e.Steps) == 0 || len(e.Trace) == 0 {
				t.Errorf("%s is explained by %d steps", e.CallID, len(e.Steps))
			}
		}
	}
	if explained < 30 {
		t.Errorf("only %d decisions were explained", explained)
	}
	back := w.replay(engine.ReplayRequest{Revision: first})
	if back.Recorded[w.set.Load().Revision()] == 0 || back.Calls <= d.Calls {
		t.Errorf("the replay of all calls by the first set saw %v", back.Recorded)
	}
	moved := 0
	for _, r := range back.Reasons {
		if r.Old != "all" {
			moved += r.Moved
		}
	}
	if moved > 0 {
		t.Errorf("%d calls of the first set move by the first set", moved)
	}
}

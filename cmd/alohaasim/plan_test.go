package main

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// played is what a server saw of a run, sorted: workers may overtake each other.
func played(t *testing.T, args ...string) []string {
	t.Helper()
	server := newGoodServer()
	if code, r := playInMemory(t, t.Context(), server, append(args, "--prefix", "p", "--calls", "200")...); code != exitGood {
		t.Fatalf("exit %d, %v", code, r.Broken)
	}
	slices.Sort(server.seen)
	return server.seen
}

func TestSameSeedPlaysTheSameCalls(t *testing.T) {
	first := played(t, append(everything, "--seed", "7", "--concurrency", "1")...)
	if diff := cmp.Diff(first, played(t, append(everything, "--seed", "7", "--concurrency", "1")...)); diff != "" {
		t.Errorf("the same flags played other calls:\n%s", diff)
	}
	if diff := cmp.Diff(first, played(t, append(everything, "--seed", "7", "--concurrency", "32")...)); diff != "" {
		t.Errorf("another concurrency played other calls:\n%s", diff)
	}
	if slices.Equal(first, played(t, append(everything, "--seed", "8")...)) {
		t.Error("another seed played the same calls")
	}
}

func TestOneFlagLeavesTheRestAlone(t *testing.T) {
	without, with := newPlanner(flags(t), "p"), newPlanner(flags(t, "--retries", "1", "--anonymous", "0"), "p")
	for i := range 50 {
		a, b := without.call(i), with.call(i)
		if a.retry || !b.retry {
			t.Fatalf("call %d: retry %t and %t", i, a.retry, b.retry)
		}
		b.retry = false
		if diff := cmp.Diff(a, b, cmp.AllowUnexported(call{}, style{})); diff != "" {
			t.Fatalf("call %d changed:\n%s", i, diff)
		}
	}
}

func TestSharesAreKept(t *testing.T) {
	const n = 4000
	plan := newPlanner(flags(t, append(everything, "--answer-rate", "0.6", "--callers", "20", "--talk", "10s-20s")...), "p")
	got := map[string]int{}
	callers, ids := map[string]bool{}, map[string]bool{}
	for i := range n {
		c := plan.call(i)
		ids[c.id] = true
		callers[c.caller] = true
		for name, yes := range map[string]bool{
			"answered": c.answered, "retry": c.retry, "simultaneous": c.simultaneous, "duplicate": c.duplicate,
			"masked": c.masked, "abandoned": c.abandoned, "reordered": c.order != inOrder, "first": c.order == completionFirst,
			"anonymous": c.caller == "", "second did": c.did == "918045678901",
		} {
			if yes {
				got[name]++
			}
		}
		if seconds := c.talk.Seconds(); c.answered != (seconds > 0) || c.answered && (seconds < 10 || seconds > 20 || seconds != math.Trunc(seconds)) {
			t.Fatalf("call %d: answered %t, talks %s", i, c.answered, c.talk)
		}
	}
	for name, share := range map[string]float64{
		"answered": 0.6, "retry": 0.4, "simultaneous": 0.3, "duplicate": 0.4, "masked": 0.3,
		"abandoned": 0.1, "reordered": 0.3, "first": 0.15, "anonymous": 0.1, "second did": 0.5,
	} {
		// Five standard deviations; the seed is fixed, so this never flickers.
		if off := math.Abs(float64(got[name])/n - share); off > 5*math.Sqrt(share*(1-share)/n) {
			t.Errorf("%s: %d of %d, want a share of %v", name, got[name], n, share)
		}
	}
	if len(ids) != n || len(callers) != 21 { // 20 and the withheld one
		t.Errorf("%d ids, %d callers", len(ids), len(callers))
	}
}

func TestPlainRunsFollowTheDocumentation(t *testing.T) {
	server := newGoodServer()
	_, r := playInMemory(t, t.Context(), server, "--calls", "20", "--answer-rate", "1", "--talk", "69s")
	if len(r.Broken) > 0 {
		t.Fatal(r.Broken)
	}
	for id, calls := range server.initiations {
		want := map[string]string{"call_id": id, "did": "8645658689", "caller_number": calls[0]["caller_number"]}
		if diff := cmp.Diff(want, calls[0]); diff != "" || len(calls[0]["caller_number"]) != 10 {
			t.Fatalf("initiation (-want +got):\n%s", diff)
		}
		body := server.completions[id][0]
		for _, part := range []string{`"did_number": "918645658689"`, `"receiver_number": "9876543210"`, `"call_status": "answered"`, `"call_duration": "00:01:09"`, `"call_recording_url": "https://`} {
			if !strings.Contains(body, part) {
				t.Fatalf("no %s in %s", part, body)
			}
		}
	}
}

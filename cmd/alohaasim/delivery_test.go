package main

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"switchboard/engine"
)

func TestJudgingAnOrdersCall(t *testing.T) {
	const (
		customer, rider, desk = "9988912345", "9876543210", "9876543219"
		withDesk, without     = "918645658689", "918645658691"
	)
	for name, test := range map[string]struct {
		did, reached string
		open         bool
		want         promise
	}{
		"open, the other":                    {withDesk, rider, true, ""},
		"open, the other in another form":    {withDesk, "91" + rider, true, ""},
		"open, the desk":                     {withDesk, desk, true, pairApart},
		"open, rejected":                     {without, "", true, pairApart},
		"ended, the desk":                    {withDesk, desk, false, ""},
		"ended, rejected where it should be": {without, "", false, ""},
		"ended, the other":                   {withDesk, rider, false, pairLingers},
		"ended, the other in another form":   {without, "91" + rider, false, pairLingers},
		"ended, rejected":                    {withDesk, "", false, endedAnswer},
		"ended, the desk of another DID":     {without, desk, false, endedAnswer},
	} {
		c := &courier{stage: emptyStage(t), number: rider}
		judge := c.judgeEnded
		if test.open {
			judge = c.judgeOpen
		}
		judge(heard(customer, test.did, test.reached), rider)
		want := map[promise]int{}
		if test.want != "" {
			want[test.want] = 1
		}
		if diff := cmp.Diff(want, c.player.tally.breakages()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// Orders are spread over couriers, at most two tours each, and all are played.
func TestEveryOrderIsDelivered(t *testing.T) {
	for calls, want := range map[string]struct{ orders, couriers, refused int }{
		"1": {1, 1, 0}, "3": {3, 1, 1}, "6": {6, 1, 2}, "7": {7, 2, 2}, "13": {13, 3, 4},
	} {
		t.Run(calls, func(t *testing.T) {
			t.Parallel()
			server := newScenarioServer("delivery", "")
			code, r := playInMemory(t, t.Context(), server, "--scenario", "delivery", "--calls", calls)
			couriers := map[string]bool{}
			for _, session := range server.sessions {
				couriers[session.parties[1]] = true
			}
			if code != exitGood || len(server.sessions) != want.orders || len(couriers) != want.couriers {
				t.Errorf("exit %d, %d orders, %d couriers, want %v", code, len(server.sessions), len(couriers), want)
			}
			c := r.Scenario.Counts
			if c["orders taken"] != want.orders || c["orders ended by DELETE"]+c["orders left to expire"] != want.orders ||
				c["orders refused, every DID taken"] != want.refused {
				t.Errorf("counts %v, want %v", c, want)
			}
		})
	}
}

// No number stands in what the emulator names its orders: such names are logged.
func TestOrdersAreNotNamedAfterPeople(t *testing.T) {
	server := newScenarioServer("delivery", "")
	var mu sync.Mutex
	var paths []string
	watch := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		paths = append(paths, r.URL.Path)
		mu.Unlock()
		server.ServeHTTP(w, r)
	})
	playInMemory(t, t.Context(), watch, "--scenario", "delivery", "--calls", "3", "--prefix", "p")
	if !slices.Contains(paths, "/api/v1/sessions/p-surplus-1") {
		t.Errorf("paths %v", paths)
	}
	for _, path := range paths {
		if strings.Contains(path, "/sessions/") && engine.Mask(path) != path {
			t.Errorf("a number in %s", path)
		}
	}
}

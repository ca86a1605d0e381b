package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

const roundRobin = `package routing

import rego.v1

agents := ["9876543210", "9876543211", "9876543212"]

last := data.history.dids[input.did].last_by_reason.round_robin.receiver_number

place := i if {
	some i, a in agents
	a == last
}

next := (place + 1) % count(agents)

default position := 0

position := next

decision := {"call_forwarding_number": agents[position], "reason": "round_robin"}
`

const leastBusy = `package routing

import rego.v1

agents := ["9876543210", "9876543211", "9876543212"]

default busy(_) := 0

busy(a) := data.history.receivers[a].in_flight

order := sort([[busy(a), i, a] | some i, a in agents])

# A caller for whom the policy never comes to an end.
stuck if {
	input.caller_number == "9000000666"
	count([x | some x in numbers.range(1, 100000000); x % 7 == 1]) > 0
}

decision := {"call_forwarding_number": order[0][2], "reason": "least_busy"} if not stuck
`

// TestDistributionIsExact plays 600 calls at once: a decision must see all that
// were decided before it, whatever DID they came on.
func TestDistributionIsExact(t *testing.T) {
	for name, c := range map[string]struct {
		policy string
		dids   []string
	}{
		"round robin":                        {roundRobin, []string{"918645658689"}},
		"least busy":                         {leastBusy, []string{"918645658689"}},
		"least busy, agents serve two DIDs":  {leastBusy, []string{"918645658689", "918645658690"}},
		"round robin on two DIDs of its own": {roundRobin, []string{"918645658689", "918645658690"}},
	} {
		t.Run(name, func(t *testing.T) {
			// Generous deadlines: this is about counts, on a machine that may be busy.
			s := startProcess(t, t.TempDir(), "--policies", policyDir(t, c.policy), "--policy-deadline", "20s", "--deadline", "30s")
			var mu sync.Mutex
			got := map[string]int{}
			var wg sync.WaitGroup
			for i := range 600 {
				wg.Go(func() {
					to := initiate(t, s.public, fmt.Sprintf("9%09d", i), c.dids[i%len(c.dids)], fmt.Sprint("c", i))
					mu.Lock()
					defer mu.Unlock()
					got[to]++
				})
			}
			wg.Wait()
			for _, agent := range []string{"9876543210", "9876543211", "9876543212"} {
				if got[agent] != 200 {
					t.Errorf("split %v, want 200 each", got)
					break
				}
			}
			s.terminate(t)
		})
	}
}

// TestRunawayHoldsUpNobodyElse has one caller's evaluations run into their
// deadline while others call the same DID.
func TestRunawayHoldsUpNobodyElse(t *testing.T) {
	s := startProcess(t, t.TempDir(), "--policies", policyDir(t, leastBusy), "--policy-deadline", "10s", "--deadline", "30s")
	var stuck sync.WaitGroup
	for i := range 3 {
		stuck.Go(func() {
			if to := initiate(t, s.public, "9000000666", "918645658689", fmt.Sprint("stuck", i)); to != "9000000009" {
				t.Errorf("the stuck caller was sent to %s, want the fallback", to)
			}
		})
	}
	free := make(chan struct{})
	go func() { stuck.Wait(); close(free) }()
	for i := range 30 {
		if to := initiate(t, s.public, "9988912345", "918645658689", fmt.Sprint("c", i)); to == "9000000009" {
			t.Error("another caller was sent to the fallback")
		}
	}
	select {
	case <-free:
		t.Error("the other callers were answered only after the stuck ones")
	default:
	}
	<-free
	s.terminate(t)
}

func policyDir(t *testing.T, routing string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "routing"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "routing", "routing.rego"), []byte(routing), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

// initiate asks whom to ring.
func initiate(t *testing.T, public, caller, did, id string) string {
	t.Helper()
	body := fmt.Sprintf(`{"caller_number": %q, "did": %q, "call_id": %q}`, caller, did, id)
	resp, err := http.Post(public+"/alohaa/get-receiver-details", "application/json", strings.NewReader(body))
	if err != nil {
		t.Error(err)
		return ""
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	var answer struct {
		Response struct {
			Number string `json:"call_forwarding_number"`
		} `json:"response"`
	}
	if err != nil || resp.StatusCode != http.StatusOK || json.Unmarshal(text, &answer) != nil {
		t.Errorf("call %s was answered %d %s (%v)", id, resp.StatusCode, text, err)
	}
	return answer.Response.Number
}

package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// TestKillUnderLoadLosesNothing kills the server with SIGKILL at random moments
// while calls are played, and then looks for every message it had acknowledged.
// SWITCHBOARD_KILL_ROUNDS sets the number of rounds.
func TestKillUnderLoadLosesNothing(t *testing.T) {
	rounds := killRounds(t)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	sim, dir := buildEmulator(t), t.TempDir()
	acknowledged := filepath.Join(dir, "acknowledged.ndjson")
	for round := range rounds {
		s := startProcess(t, dir)
		load := exec.Command(sim, "--target", s.public, "--calls", "100000", "--concurrency", "32", "--callers", "500",
			"--retries", "0.05", "--duplicates", "0.05", "--reorder", "0.05", "--masked", "0.3", "--spelling",
			"--prefix", fmt.Sprintf("round%d-", round), "--acknowledged", acknowledged, "--timeout", "5s")
		if err := load.Start(); err != nil {
			t.Fatal(err)
		}
		// Some calls first, so that no round is empty; then any moment.
		waitForLines(t, acknowledged, (round+1)*200)
		timer := time.NewTimer(time.Duration(random.IntN(700)) * time.Millisecond)
		<-timer.C
		s.kill(t)
		_ = load.Process.Kill()
		_ = load.Wait()

		again := startProcess(t, dir)
		verifyAcknowledged(t, again.private, acknowledged)
		again.terminate(t)
		if out, err := exec.Command(switchboardBinary(t), "db", "verify", filepath.Join(dir, "switchboard.db")).CombinedOutput(); err != nil {
			t.Fatalf("db verify: %v\n%s", err, out)
		}
	}
}

// killRounds is how often a test pulls the plug.
func killRounds(t *testing.T) int {
	t.Helper()
	s := parameter("SWITCHBOARD_KILL_ROUNDS")
	if s == "" {
		return 2
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 {
		t.Fatalf("SWITCHBOARD_KILL_ROUNDS=%q is no number of rounds", s)
	}
	return n
}

// verifyAcknowledged looks up every call of which a message was acknowledged.
func verifyAcknowledged(t *testing.T, private, file string) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	type expectation struct{ decision, completion bool }
	want := map[string]expectation{}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var a struct {
			CallID string `json:"call_id"`
			Kind   string `json:"kind"`
		}
		if json.Unmarshal(lines.Bytes(), &a) != nil {
			continue // the line that was being written when the emulator was killed
		}
		e := want[a.CallID]
		e.decision = e.decision || a.Kind == "initiation"
		e.completion = e.completion || a.Kind == "completion"
		want[a.CallID] = e
	}
	var missing int
	for id, e := range want {
		var got struct {
			Decision, Completion json.RawMessage
		}
		resp, err := http.Get(private + "/api/v1/calls/" + url.PathEscape(id))
		if err != nil {
			t.Fatal(err)
		}
		err = json.NewDecoder(resp.Body).Decode(&got)
		resp.Body.Close()
		absent := func(part json.RawMessage) bool { return len(part) == 0 || string(part) == "null" }
		if err != nil || resp.StatusCode != 200 || e.decision && absent(got.Decision) || e.completion && absent(got.Completion) {
			if missing++; missing <= 5 {
				t.Errorf("call %s was acknowledged (%+v) but the database says %d, decision %v, completion %v", id, e,
					resp.StatusCode, !absent(got.Decision), !absent(got.Completion))
			}
		}
	}
	if missing > 0 {
		t.Fatalf("%d of %d acknowledged calls lost", missing, len(want))
	}
	t.Logf("%d acknowledged calls are all there", len(want))
}

func waitForLines(t *testing.T, file string, n int) {
	t.Helper()
	poll(t, fmt.Sprintf("%d acknowledged messages", n), func() bool {
		text, err := os.ReadFile(file)
		return err == nil && bytes.Count(text, []byte("\n")) >= n
	})
}

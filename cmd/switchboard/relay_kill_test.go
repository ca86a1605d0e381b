package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"
)

// relayed is what a receiver took of each call: the sequence numbers of its
// messages, in the order in which they first came.
type relayed map[string][]uint64

// take notes a message. One that came before is a repeat, which is no harm.
func (r relayed) take(body string, seen map[string]bool, id string) error {
	if seen[id] {
		return nil
	}
	seen[id] = true
	var m struct {
		Type     string
		Sequence uint64
		Data     struct {
			Call struct {
				CallID string `json:"call_id"`
			}
			Completion json.RawMessage
		}
	}
	if err := json.Unmarshal([]byte(body), &m); err != nil {
		return err
	}
	call := m.Data.Call.CallID
	if all := r[call]; len(all) > 0 && all[len(all)-1] >= m.Sequence {
		return fmt.Errorf("message %d of call %s was overtaken by %d", m.Sequence, call, all[len(all)-1])
	}
	if first := len(r[call]) == 0; first != (m.Type == "call.completed") || m.Data.Completion == nil {
		return fmt.Errorf("message %d of call %s, its number %d, is a %s", m.Sequence, call, len(r[call])+1, m.Type)
	}
	r[call] = append(r[call], m.Sequence)
	return nil
}

// TestKillUnderLoadRelaysEverything kills the server with SIGKILL at random
// moments while calls are played and a receiver refuses one message of ten, and
// then looks whether every acknowledged completion got there, in order.
// SWITCHBOARD_KILL_ROUNDS sets the number of rounds.
func TestKillUnderLoadRelaysEverything(t *testing.T) {
	const wanted = 150
	rounds := killRounds(t)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	sim, dir := buildEmulator(t), t.TempDir()
	got, seen := relayed{}, map[string]bool{}
	var wrong error
	var refusals, n atomic.Int64
	r, err := newReceiver(http.StatusOK, func(status int, id, body string) {
		if status != http.StatusOK {
			refusals.Add(1)
			if status == http.StatusTeapot {
				wrong = fmt.Errorf("a signature that does not verify: %s", body)
			}
			return
		}
		if err := got.take(body, seen, id); err != nil && wrong == nil {
			wrong = err
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	inner := r.Config.Handler
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if n.Add(1)%10 == 0 {
			refusals.Add(1)
			http.Error(w, "not now", http.StatusConflict)
			return
		}
		inner.ServeHTTP(w, q)
	}))
	defer front.Close()
	acknowledged := filepath.Join(dir, "acknowledged.ndjson")
	args := []string{"--relay", "crm=" + front.URL, "--relay-allow-private", "--relay-secret", relaySecret}
	for round := range rounds {
		s := startProcess(t, dir, args...)
		load := exec.Command(sim, "--target", s.public, "--calls", "100000", "--concurrency", "16", "--callers", "500",
			"--duplicates", "0.1", "--reorder", "0.05", "--masked", "0.3",
			"--prefix", fmt.Sprintf("round%d-", round), "--acknowledged", acknowledged, "--timeout", "5s")
		if err := load.Start(); err != nil {
			t.Fatal(err)
		}
		waitForLines(t, acknowledged, (round+1)*wanted)
		timer := time.NewTimer(time.Duration(random.IntN(500)) * time.Millisecond)
		<-timer.C
		s.kill(t)
		_ = load.Process.Kill()
		_ = load.Wait()
	}
	s := startProcess(t, dir, args...)
	poll(t, "the backlog to be delivered", func() bool {
		var status struct {
			Targets []struct {
				State string
				Dead  int `json:"dead_letters"`
			}
		}
		getJSON(t, s.private+"/api/v1/relay", &status)
		if status.Targets[0].Dead != 0 {
			t.Fatalf("dead letters: %+v", status)
		}
		return status.Targets[0].State == "idle"
	})
	s.terminate(t)
	r.mu.Lock()
	defer r.mu.Unlock()
	if wrong != nil {
		t.Error(wrong)
	}
	if refusals.Load() == 0 {
		t.Error("the receiver refused nothing")
	}
	completed := completions(t, acknowledged)
	missing := 0
	for _, id := range completed {
		if len(got[id]) == 0 {
			if missing++; missing <= 5 {
				t.Errorf("the completion of %s was acknowledged and never relayed", id)
			}
		}
	}
	t.Logf("%d of %d acknowledged completions relayed, in %d requests, %d of them refused", len(completed)-missing, len(completed), n.Load(), refusals.Load())
}

// completions are the calls whose completion was acknowledged.
func completions(t *testing.T, file string) (out []string) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var a struct {
			CallID string `json:"call_id"`
			Kind   string `json:"kind"`
		}
		if json.Unmarshal(lines.Bytes(), &a) == nil && a.Kind == "completion" {
			out = append(out, a.CallID)
		}
	}
	if len(out) == 0 {
		t.Fatal("no completion was acknowledged")
	}
	return out
}

func getJSON(t *testing.T, url string, into any) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(into); err != nil {
		t.Fatal(err)
	}
}

package main

import (
	"context"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestRateKeepsItsSchedule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		code, r := playInMemory(t, t.Context(), newGoodServer(), "--calls", "101", "--rate", "10")
		if took := time.Since(start); code != exitGood || took != 10*time.Second {
			t.Errorf("exit %d after %s, want 10s", code, took)
		}
		if r.Behind != 0 || r.Elapsed != 10 || r.CallsRate != 10.1 {
			t.Errorf("behind %v, elapsed %v, %v calls/s", r.Behind, r.Elapsed, r.CallsRate)
		}
	})
}

// One worker cannot start ten calls a second that take a second each. The report
// says so instead of claiming the rate.
func TestFallingBehindIsReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := newGoodServer()
		server.before = func(r *http.Request) {
			if r.URL.Path == initiationPath {
				<-time.After(time.Second)
			}
		}
		_, r := playInMemory(t, t.Context(), server, "--calls", "11", "--rate", "10", "--concurrency", "1")
		if r.Elapsed != 11 || r.Behind != 9 {
			t.Errorf("elapsed %v, behind %v", r.Elapsed, r.Behind)
		}
		if text := r.text(); !strings.Contains(text, "9.0 s behind --rate") {
			t.Errorf("not said:\n%s", text)
		}
	})
}

func TestTalkTakesTimeAtTheRunsSpeed(t *testing.T) {
	for speed, want := range map[string]func(ringAndTalk time.Duration) time.Duration{
		"0":   func(time.Duration) time.Duration { return 0 },
		"1":   func(d time.Duration) time.Duration { return d },
		"0.5": func(d time.Duration) time.Duration { return d / 2 },
	} {
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			server := newGoodServer()
			args := []string{"--calls", "1", "--talk", "1m", "--answer-rate", "1", "--speed", speed}
			_, r := playInMemory(t, t.Context(), server, args...)
			c := newPlanner(flags(t, args...), "p").call(0)
			if took := time.Since(start); took != want(c.ring+time.Minute) || r.Played != 1 {
				t.Errorf("speed %s: took %s, ring %s, talk %s", speed, took, c.ring, c.talk)
			}
		})
	}
}

func TestConcurrencyIsKept(t *testing.T) {
	for _, test := range []struct {
		name  string
		extra string
		most  int64
	}{{"plain", "--retries=1", 5}, {"simultaneous", "--simultaneous=1", 10}} {
		synctest.Test(t, func(t *testing.T) {
			var now, most atomic.Int64
			server := newGoodServer()
			server.before = func(*http.Request) {
				n := now.Add(1)
				defer now.Add(-1)
				for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
				}
				<-time.After(time.Second)
			}
			playInMemory(t, t.Context(), server, "--calls", "50", "--concurrency", "5", test.extra)
			if most.Load() != test.most {
				t.Errorf("%s: %d at once, want %d", test.name, most.Load(), test.most)
			}
		})
	}
}

func TestInterruptEndsWaitsAtOnce(t *testing.T) {
	for name, args := range map[string][]string{
		"talk": {"--speed", "1", "--answer-rate", "1", "--talk", "1h"},
		"rate": {"--rate", "0.001"},
	} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			start := time.Now()
			code, r := playInMemory(t, ctx, newGoodServer(), append(args, "--calls", "1000")...)
			if took := time.Since(start); took != 10*time.Second || code != exitGood || !r.Interrupted {
				t.Errorf("%s: exit %d after %s, interrupted %t", name, code, took, r.Interrupted)
			}
		})
	}
}

// A completion that is to overtake the answer is there before the answer leaves.
func TestReorderedCompletionsComeFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := newGoodServer()
		server.before = func(r *http.Request) {
			if r.URL.Path == initiationPath {
				<-time.After(time.Second)
			}
		}
		_, r := playInMemory(t, t.Context(), server, "--calls", "40", "--reorder", "1", "--concurrency", "1", "--duplicates", "0.5")
		if r.Completions.ByResult["stored"] != 40 || len(r.Broken) > 0 {
			t.Errorf("%v, %v", r.Completions.ByResult, r.Broken)
		}
		ended := map[string]bool{}
		for _, line := range server.seen {
			kind, rest, _ := strings.Cut(line, " ")
			id, _, _ := strings.Cut(rest, " ")
			ended[id] = ended[id] || kind == "completion"
			if !ended[id] {
				t.Errorf("%s was asked before it was over", id)
			}
		}
		// Twenty or so overlap with the initiation, the others come before it.
		if r.Elapsed != 40 {
			t.Errorf("took %v s", r.Elapsed)
		}
	})
}

package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"switchboard/engine"
	"switchboard/engine/history"
)

// BenchmarkStart measures a whole start of the program, from the command to the
// answer of the first call, on a history that a kill -9 under load left:
//
//	go test -run '^$' -bench Start -benchtime 5x ./cmd/switchboard
//
// SWITCHBOARD_BENCH_CALLS=1000000 sets how many calls the history holds. The
// folder is one that served before, so that its tests are left out; "new folder"
// is one that never did.
func BenchmarkStart(b *testing.B) {
	calls := 10_000
	if n, err := strconv.Atoi(parameter("SWITCHBOARD_BENCH_CALLS")); err == nil {
		calls = n
	}
	dir := b.TempDir()
	fillHistory(b, filepath.Join(dir, "switchboard.db"), calls)
	folder := filepath.Join(dir, "mine")
	if out, err := exec.Command(switchboardBinary(b), "policies", "init", folder).CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	for _, c := range []struct {
		name   string
		args   []string
		before func(i int) // each start
	}{
		{"built-in", nil, func(int) {}},
		{"folder", []string{"--policies", folder}, func(int) {}},
		{"new folder", []string{"--policies", folder}, func(i int) {
			text := fmt.Sprintf("# %s %d\n", b.Name(), i+b.N*1000)
			if err := os.WriteFile(filepath.Join(folder, "note.rego"), []byte("package note\n\n"+text), 0o600); err != nil {
				b.Fatal(err)
			}
		}},
	} {
		b.Run(fmt.Sprintf("%s/calls=%d", c.name, calls), func(b *testing.B) {
			c.before(-1)
			startProcess(b, dir, c.args...).kill(b) // it is archived now
			for i := range b.N {
				b.StopTimer()
				c.before(i)
				b.StartTimer()
				s := startProcess(b, dir, c.args...)
				if err := ask(s.public, fmt.Sprintf("first-%s-%d-%d", c.name, b.N, i)); err != nil {
					b.Fatal(err)
				}
				b.StopTimer()
				busy(b, s.public)
				s.kill(b)
				b.StartTimer()
			}
		})
	}
}

// fillHistory records calls as a server would have.
func fillHistory(b *testing.B, path string, calls int) {
	b.Helper()
	zone, err := time.LoadLocation("Asia/Kolkata")
	if err != nil {
		b.Fatal(err)
	}
	s, err := history.Open(history.Options{Path: path, CallTTL: 30 * time.Minute, Zone: zone})
	if err != nil {
		b.Fatal(err)
	}
	numbers, err := engine.NewNumbers("IN")
	if err != nil {
		b.Fatal(err)
	}
	began := time.Now().Add(-time.Duration(calls) * time.Second)
	var g errgroup.Group
	g.SetLimit(512)
	for i := range calls {
		g.Go(func() error {
			at := began.Add(time.Duration(i) * time.Second).UnixNano()
			_, err := s.Complete(context.Background(), &engine.Completion{
				CallID: fmt.Sprintf("past-%08d", i), Caller: numbers.Person(fmt.Sprintf("98%08d", i*7919%max(calls/5, 1000))),
				Receiver: numbers.Person(fmt.Sprintf("97%08d", i%50)), DID: numbers.DID("918645658689"),
				Status: engine.StatusAnswered, ReceivedAt: at, EndedAt: at + 30e9, Duration: 30, Arrived: at,
			})
			return err
		})
	}
	if err := g.Wait(); err != nil {
		b.Fatal(err)
	}
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
}

// ask has a call answered.
func ask(public, id string) error {
	resp, err := http.Post(public+"/alohaa/get-receiver-details", "application/json", strings.NewReader(
		fmt.Sprintf(`{"caller_number": "9988912345", "did": "918645658689", "call_id": %q}`, id)))
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if answer, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d, %v: %s", resp.StatusCode, err, answer)
	}
	return nil
}

// busy has calls answered up to the moment of a kill, so that the index lacks
// some of them.
func busy(b *testing.B, public string) {
	b.Helper()
	var g errgroup.Group
	g.SetLimit(16)
	for i := range 300 {
		g.Go(func() error { return ask(public, fmt.Sprintf("busy-%d-%d", time.Now().UnixNano(), i)) })
	}
	if err := g.Wait(); err != nil {
		b.Fatal(err)
	}
}

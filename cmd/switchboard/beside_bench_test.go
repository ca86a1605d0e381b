package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"switchboard/engine/giveway"
)

// BenchmarkCallsBeside has calls decided by the whole program at a steady rate,
// some 400 a second, while something else goes on in it without a pause:
// "p99-of-quiet" is the 99th percentile of their latency over loopback as a
// multiple of that with nothing beside, in the same run.
//
//	go test -run '^$' -bench CallsBeside -benchtime 4000x ./cmd/switchboard
//
// SWITCHBOARD_BENCH_CALLS=1000000 sets how many calls the history holds.
func BenchmarkCallsBeside(b *testing.B) {
	calls := 10_000
	if n, err := strconv.Atoi(parameter("SWITCHBOARD_BENCH_CALLS")); err == nil {
		calls = n
	}
	filled := b.TempDir()
	fillHistory(b, filepath.Join(filled, "switchboard.db"), calls)
	for _, folder := range []struct {
		name string
		make func(b *testing.B) string
		work []besideWork
	}{
		{"starter", starterFolder, []besideWork{
			{"reload", editing("routing/edit.rego", "package routing\n\nedit := %d\n")},
			{"backup", getting("/api/v1/backup")}, {"export", getting("/api/v1/calls.csv")}, {"stats", getting("/api/v1/stats")},
		}},
		{"files=1000", thousandFiles, []besideWork{{"reload", editing("routing/edit.rego", "package routing\n\nedit := %d\n")}}},
		{"entries=100000", bigDirectory, []besideWork{
			{"reload-rule", editing("routing/edit.rego", "package routing\n\nedit := %d\n")},
			{"reload-entry", editing("directory/data.yaml", "  \"918099999999\": {name: Edit %d, team: [\"9876543210\"]}\n")},
		}},
	} {
		dir := b.TempDir()
		if err := os.CopyFS(dir, os.DirFS(filled)); err != nil {
			b.Fatal(err)
		}
		path := folder.make(b)
		s := startProcess(b, dir, "--policies", path)
		quiet := 0.0
		for _, w := range append([]besideWork{{"quiet", nil}}, folder.work...) {
			b.Run(folder.name+"/"+w.name, func(b *testing.B) {
				ctx, cancel := context.WithCancel(b.Context())
				var wg sync.WaitGroup
				rounds := 0
				if w.work != nil {
					// Who asks for the work is not to be in the way of those who call.
					wg.Go(func() {
						giveway.Aside(func() {
							for began := time.Now(); ctx.Err() == nil; rounds++ {
								if err := w.work(ctx, s, path); err != nil && ctx.Err() == nil {
									b.Error(err)
									return
								}
								b.ReportMetric(time.Since(began).Seconds()/float64(rounds+1), "s/work")
							}
						})
					})
				}
				waits := steadyCalls(b, s)
				cancel()
				wg.Wait()
				p99 := float64(waits[len(waits)*99/100].Microseconds()) / 1000
				b.ReportMetric(float64(waits[len(waits)/2].Microseconds())/1000, "p50-ms")
				b.ReportMetric(p99, "p99-ms")
				if w.work == nil {
					quiet = p99
				} else if quiet > 0 {
					b.ReportMetric(p99/quiet, "p99-of-quiet")
				}
			})
		}
		s.kill(b)
	}
}

// besideWork is done again and again beside the calls.
type besideWork struct {
	name string
	work func(ctx context.Context, s *process, folder string) error
}

// editing saves a file with another text each time and has it reloaded.
func editing(file, text string) func(context.Context, *process, string) error {
	n := 0
	return func(ctx context.Context, s *process, folder string) error {
		n++
		path := filepath.Join(folder, file)
		before, err := os.ReadFile(path)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		if n > 1 {
			before = before[:strings.LastIndex(string(before), fmt.Sprintf(text, n-1))]
		}
		if err := os.WriteFile(path, append(before, fmt.Sprintf(text, n)...), 0o600); err != nil {
			return err
		}
		// The folder is watched, so that the edit may be live before it is asked for.
		report, err := fetch(ctx, http.MethodPost, s.private+"/api/v1/policies/reload")
		if err == nil && !strings.Contains(report, `"ok":true`) {
			err = fmt.Errorf("the edit did not go live: %s", report)
		}
		return err
	}
}

func getting(path string) func(context.Context, *process, string) error {
	return func(ctx context.Context, s *process, _ string) error {
		_, err := fetch(ctx, http.MethodGet, s.private+path)
		return err
	}
}

// fetch answers the body's beginning; all of it is read, by the caller's own
// goroutine.
func fetch(ctx context.Context, method, url string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, nil)
	if err != nil {
		return "", err
	}
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", req.URL.Host)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	req.Close = true
	if err := req.Write(conn); err != nil {
		return "", err
	}
	resp, err := http.ReadResponse(bufio.NewReaderSize(conn, 64<<10), req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	begin, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	if err == nil {
		_, err = io.Copy(io.Discard, resp.Body)
	}
	if err == nil && resp.StatusCode == http.StatusConflict { // the one before is still being given up
		<-time.After(10 * time.Millisecond)
		return fetch(ctx, method, url)
	}
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s %s answered %d: %s", method, url, resp.StatusCode, begin)
	}
	return string(begin), err
}

// steadyCalls sends b.N initiations at some 400 a second and returns how long
// each took, in order.
func steadyCalls(b *testing.B, s *process) []time.Duration {
	const clients, pause = 8, 20 * time.Millisecond
	var next atomic.Int64
	base := int(loaded.Add(int64(b.N))) - b.N
	waits := make([][]time.Duration, clients)
	b.ResetTimer()
	var wg sync.WaitGroup
	for w := range clients {
		wg.Go(func() {
			l, err := dialLine(strings.TrimPrefix(s.public, "http://"))
			if err != nil {
				b.Error(err)
				return
			}
			defer l.conn.Close()
			<-time.After(time.Duration(w) * pause / clients) // one after the other, not all at once
			tick := time.NewTicker(pause)
			defer tick.Stop()
			for i := int(next.Add(1)); i <= b.N; i = int(next.Add(1)) {
				<-tick.C
				wait, err := l.ask(initiationRequest(base + i))
				if err != nil {
					b.Error(err)
					return
				}
				waits[w] = append(waits[w], wait)
			}
		})
	}
	wg.Wait()
	b.StopTimer()
	all := slices.Sorted(slices.Values(slices.Concat(waits...)))
	if len(all) == 0 {
		b.Fatal("no call was answered")
	}
	return all
}

// starterFolder is the starter set with the load's directory.
func starterFolder(b *testing.B) string { return loadPolicies(b) }

// thousandFiles is that with rule files beside it, a thousand in all.
func thousandFiles(b *testing.B) string {
	b.Helper()
	folder := loadPolicies(b)
	for i := range 950 {
		dir := filepath.Join(folder, "more", fmt.Sprint("m", i))
		if err := os.MkdirAll(dir, 0o700); err != nil {
			b.Fatal(err)
		}
		text := fmt.Sprintf("package more.m%d\n\nimport data.recipes.did\n\nextra := did.entry.name if {\n\tinput.caller_bucket > %[1]d\n} else := %[1]d\n", i)
		if err := os.WriteFile(filepath.Join(dir, "m.rego"), []byte(text), 0o600); err != nil {
			b.Fatal(err)
		}
	}
	return folder
}

// bigDirectory is the starter set with 100,000 DIDs, those of the load among them.
func bigDirectory(b *testing.B) string {
	b.Helper()
	folder := filepath.Join(b.TempDir(), "policies")
	if out, err := exec.Command(switchboardBinary(b), "policies", "init", folder).CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	var data strings.Builder
	data.WriteString("dids:\n  \"918645658689\": {team: [\"9876543210\", \"9876543211\"]}\n")
	for i := range 99_999 {
		did := fmt.Sprintf("9180%08d", 10_000_000+i)
		if i < loadDIDs {
			did = loadDID(i)
		}
		fmt.Fprintf(&data, "  %q:\n    name: Line %d\n    team: [\"98765%05d\", \"98766%05d\"]\n    sticky_days: 30\n", did, i, i, i)
	}
	if err := os.WriteFile(filepath.Join(folder, "directory", "data.yaml"), []byte(data.String()), 0o600); err != nil {
		b.Fatal(err)
	}
	return folder
}

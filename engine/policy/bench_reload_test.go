package policy

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"switchboard/policies"
)

// bigDirectory is the starter set with so many DIDs, each with a team of two.
func bigDirectory(b *testing.B, entries int) map[string]string {
	b.Helper()
	var text strings.Builder
	text.WriteString("dids:\n  \"918645658689\": {team: [\"9876543210\", \"9876543211\"]}\n")
	for i := range entries - 1 {
		fmt.Fprintf(&text, "  \"9180%08d\":\n    name: Line %d\n    team: [\"98765%05d\", \"98766%05d\"]\n    sticky_days: 30\n",
			10_000_000+i, i, i%100_000, i%100_000)
	}
	files := starterFiles(b)
	files["directory/data.yaml"] = text.String()
	return files
}

// manyFiles is the starter set and so many rule files beside it.
func manyFiles(b *testing.B, n int) map[string]string {
	b.Helper()
	files := starterFiles(b)
	for i := range n - len(files) {
		files[fmt.Sprintf("more/m%d/m%[1]d.rego", i)] = fmt.Sprintf(
			"package more.m%d\n\nimport data.recipes.did\n\nextra := did.entry.name if {\n\tinput.caller_bucket > %[1]d\n\tnot data.history.callers[input.caller_number].in_flight\n} else := %[1]d\n", i)
	}
	return files
}

func starterFiles(b *testing.B) map[string]string {
	tree, err := FromFS(policies.Files)
	if err != nil {
		b.Fatal(err)
	}
	out := map[string]string{}
	for name, content := range tree {
		out[name] = string(content)
	}
	return out
}

// BenchmarkReload edits a file of a folder and reloads it, again and again, while calls
// are decided at a steady rate: how long a reload takes, and what the calls
// notice of it, against the same calls with nothing beside.
//
//	GOGC=400 go test -run '^$' -bench BenchmarkReload -benchtime 3x ./engine/policy
func BenchmarkReload(b *testing.B) {
	for _, c := range []struct {
		name string
		make func(*testing.B) map[string]string
		edit string // the file that is edited
		with string // a line that is another one each time
	}{
		{"files=1000", func(b *testing.B) map[string]string { return manyFiles(b, 1000) }, "routing/edit.rego", "package routing\n\nedit := %d\n"},
		{"entries=100000/rule", func(b *testing.B) map[string]string { return bigDirectory(b, 100_000) }, "routing/edit.rego", "package routing\n\nedit := %d\n"},
		{"entries=100000/entry", func(b *testing.B) map[string]string { return bigDirectory(b, 100_000) }, "directory/data.yaml",
			"  \"918099999999\": {name: Edit %d, team: [\"9876543210\"]}\n"},
	} {
		b.Run(c.name, func(b *testing.B) {
			files := c.make(b)
			benchmarkReload(b, files, c.edit, files[c.edit]+c.with)
		})
	}
}

func benchmarkReload(b *testing.B, files map[string]string, edited, text string) {
	dir := b.TempDir()
	for name, text := range files {
		put(b, filepath.Join(dir, name), text)
	}
	o := ManagerOptions{Options: testOptions(b), Folder: dir, Quiet: time.Millisecond}
	m, err := NewManager(o)
	if err != nil {
		b.Fatal(err)
	}
	if err := m.Start(b.Context()); err != nil || !m.HasPolicy() {
		b.Fatalf("%v, %q", err, lines(m.Status().Reload.Errors))
	}
	alone := calls(b, m, func() { time.Sleep(2 * time.Second) })
	var beside []time.Duration
	var cpu time.Duration
	n := 0
	for b.Loop() {
		n++
		put(b, filepath.Join(dir, edited), fmt.Sprintf(text, n))
		beside = append(beside, calls(b, m, func() {
			before := cpuTime(b)
			defer func() { cpu += cpuTime(b) - before }()
			if report := m.Reload(context.Background(), "bench"); !report.Changed {
				b.Fatalf("%q", lines(report.Errors))
			}
		})...)
	}
	b.ReportMetric(float64(quantile(alone, 0.99).Microseconds()), "us-p99-alone")
	b.ReportMetric(cpu.Seconds()/float64(n), "cpu-s/op")
	b.ReportMetric(float64(quantile(beside, 0.99).Microseconds()), "us-p99-beside")
	b.ReportMetric(float64(quantile(beside, 0.5).Microseconds())/float64(quantile(alone, 0.5).Microseconds()), "p50-ratio")
}

// cpuTime is what this process has used, the calls beside and the collection of
// garbage included: where other work is beside, it says more than the clock.
func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// calls decides calls every two milliseconds as long as work goes on, and
// answers how long each took from when it was due.
func calls(b *testing.B, m *Manager, work func()) []time.Duration {
	var took []time.Duration
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		tick := time.NewTicker(2 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case due := <-tick.C:
				if _, err := m.Evaluate(context.Background(), testQuestion(), nil); err != nil {
					b.Error(err)
					return
				}
				took = append(took, time.Since(due))
			}
		}
	})
	work()
	close(done)
	wg.Wait()
	return took
}

func quantile(list []time.Duration, q float64) time.Duration {
	if len(list) == 0 {
		return 0
	}
	list = slices.Sorted(slices.Values(list))
	return list[min(int(q*float64(len(list))), len(list)-1)]
}

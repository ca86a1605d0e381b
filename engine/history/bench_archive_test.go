package history_test

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"switchboard/engine"
	"switchboard/engine/history"
)

// BenchmarkArchive archives a set with a directory of 100,000 entries, of which
// since the last time nothing, one rule, one entry or all of it changed.
// "longest-ms" is the longest transaction, which a decision that comes with it
// waits for; "kB/op" what the process wrote (where the system tells), the index
// and the room ahead of both included.
//
//	go test -run '^$' -bench Archive ./engine/history
func BenchmarkArchive(b *testing.B) {
	var text bytes.Buffer
	text.WriteString("dids:\n")
	for i := range 100_000 {
		fmt.Fprintf(&text, "  \"9180%08d\":\n    name: Line %d\n    team: [\"98765%05d\", \"98766%05d\"]\n    sticky_days: 30\n", 10_000_000+i, i, i, i)
	}
	directory := text.Bytes()
	edits := 0 // over all runs: no set is archived twice
	for _, c := range []struct {
		name string
		edit func(n int) (large []byte, small string)
	}{
		{"changed=nothing", func(int) ([]byte, string) { return directory, "" }},
		{"changed=rule", func(n int) ([]byte, string) { return directory, fmt.Sprint("package routing\n\nedit := ", n) }},
		{"changed=entry", func(n int) ([]byte, string) {
			at := len(directory) / 2
			return slices.Concat(directory[:at], fmt.Appendf(nil, "  \"917%09d\": {}\n", n), directory[at:]), ""
		}},
		{"changed=all", func(n int) ([]byte, string) {
			return bytes.ReplaceAll(directory, []byte("Line"), fmt.Appendf(nil, "Line %d of", n)), ""
		}},
	} {
		b.Run(c.name, func(b *testing.B) {
			var longest, commits atomic.Int64
			s, err := history.OpenTuned(options(b, newPath(b)), func(u *history.Tuning) {
				commit := u.Commit
				u.Commit = func(next func() error) error {
					began := time.Now()
					err := commit(next)
					longest.Store(max(longest.Load(), int64(time.Since(began))))
					commits.Add(1)
					return err
				}
			})
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			save := func(id string, large []byte, small string) {
				files := tree(large, small)
				for i := range 60 {
					files[fmt.Sprintf("recipes/r%d/r.rego", i)] = fmt.Appendf(nil, "package recipes.r%d\n", i)
				}
				if err := s.SaveRevision(b.Context(), &engine.Revision{ID: id, Files: files}); err != nil {
					b.Fatal(err)
				}
			}
			save("first", directory, "")
			longest.Store(0)
			commits.Store(0)
			before := written()
			for b.Loop() {
				b.StopTimer()
				edits++
				large, small := c.edit(edits)
				b.StartTimer()
				save(fmt.Sprint("edited-", edits), large, small)
			}
			n := float64(b.N)
			b.ReportMetric(float64(longest.Load())/1e6, "longest-ms")
			b.ReportMetric(float64(commits.Load())/n, "commits/op")
			b.ReportMetric(float64(written()-before)/1000/n, "kB/op")
		})
	}
}

// written is how many bytes this process has written, zero where the system does
// not tell.
func written() (n int64) {
	text, _ := os.ReadFile("/proc/self/io")
	if _, after, found := bytes.Cut(text, []byte("wchar: ")); found {
		_, _ = fmt.Sscan(string(after), &n)
	}
	return n
}

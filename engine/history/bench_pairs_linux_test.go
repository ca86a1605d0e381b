package history_test

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"switchboard/engine"
)

// BenchmarkPairs fills one hour with calls of which each is between two people of
// its own, as with masked pairs, and measures on the way what an event costs: it
// is the hour's statistics that grow with them.
//
//	GOGC=400 HISTORY_BENCH_SIZES=1000,30000,100000,300000 go test -run '^$' -bench Pairs -benchtime 1x -v ./engine/history
func BenchmarkPairs(b *testing.B) {
	const window = 5_000
	s := newStoreSink(b, filepath.Join(b.TempDir(), "pairs")).(storeSink)
	defer func() {
		if err := s.Close(); err != nil {
			b.Error(err)
		}
	}()
	pair := func(i, _ int) *engine.Completion {
		at := noon.Add(time.Duration(i) * 10 * time.Millisecond)
		return completion(fmt.Sprintf("pair%08d", i), fmt.Sprintf("98%08d", i), fmt.Sprintf("97%08d", i), fmt.Sprintf("9186456586%02d", i%20), at)
	}
	had := 0
	for _, size := range benchSizes() {
		size = max(size, had)
		s.insertOf(b, pair, had, size, 512, size)
		if err := s.Flush(b.Context()); err != nil {
			b.Fatal(err)
		}
		began := time.Now()
		cpuBefore, writtenBefore := usage(b)
		s.insertOf(b, pair, size, size+window, 64, size)
		took := time.Since(began)
		if err := s.Flush(b.Context()); err != nil {
			b.Fatal(err)
		}
		cpu, written := usage(b)
		cpu, written = (cpu-cpuBefore)/window, (written-writtenBefore)/window
		had = size + window
		b.Logf("%8d calls in the hour: %d us of processor and %d bytes written an event, %.0f events/s", size, cpu, written, window/took.Seconds())
		b.ReportMetric(float64(cpu), fmt.Sprintf("cpu-us@%d", size))
		b.ReportMetric(float64(written), fmt.Sprintf("bytes@%d", size))
	}
}

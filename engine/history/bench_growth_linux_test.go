package history_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"switchboard/engine"
)

// BenchmarkGrowth fills one history and measures on the way what an event costs
// at each of HISTORY_BENCH_SIZES (ascending), from 64 clients: processor time
// and bytes written say it also on a machine that others keep busy. It measures
// over so many events that what is put off, as the index brings changes to its
// place by the pile, is done within them. The processors and the heap are to be as
// the program sets them.
//
//	GOMAXPROCS=4 GOGC=400 HISTORY_BENCH_SIZES=10000,100000,1000000,5000000 go test -run '^$' -bench Growth -benchtime 1x -timeout 2h -v ./engine/history
func BenchmarkGrowth(b *testing.B) {
	sizes := benchSizes()
	largest := sizes[len(sizes)-1]
	s := newStoreSink(b, filepath.Join(b.TempDir(), "growing")).(storeSink)
	defer func() {
		if err := s.Close(); err != nil {
			b.Error(err)
		}
	}()
	had := 0
	for _, size := range sizes {
		size = max(size, had)
		window := max(250_000, min(size/8, 600_000)) // as the piles grow
		if os.Getenv("HISTORY_BENCH_SIZES") == "" {  // only to see that it runs
			window = 10_000
		}
		s.insert(b, had, size, 512, largest)
		if err := s.Flush(b.Context()); err != nil {
			b.Fatal(err)
		}
		began := time.Now()
		cpuBefore, writtenBefore := usage(b)
		s.insert(b, size, size+window, 64, largest)
		took := time.Since(began)
		if err := s.Flush(b.Context()); err != nil {
			b.Fatal(err)
		}
		cpu, written := usage(b)
		cpu, written = (cpu-cpuBefore)/int64(window), (written-writtenBefore)/int64(window)
		had = size + window
		b.Logf("%8d calls stored: %d us of processor and %d bytes written an event, %.0f events/s", size, cpu, written, float64(window)/took.Seconds())
		b.ReportMetric(float64(cpu), fmt.Sprintf("cpu-us@%d", size))
		b.ReportMetric(float64(written), fmt.Sprintf("bytes@%d", size))
	}
}

// insert keeps the events from one to another, of as many callers as size has.
func (s storeSink) insert(b *testing.B, from, to, clients, size int) {
	b.Helper()
	s.insertOf(b, event, from, to, clients, size)
}

// insertOf does so with events of another kind.
func (s storeSink) insertOf(b *testing.B, event func(i, size int) *engine.Completion, from, to, clients, size int) {
	b.Helper()
	var next atomic.Int64
	next.Store(int64(from))
	var wg sync.WaitGroup
	for range clients {
		wg.Go(func() {
			for i := int(next.Add(1)); i <= to; i = int(next.Add(1)) {
				if err := s.take(event(i, size)); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}

// usage is what this process has used so far: microseconds of processor, bytes
// written.
func usage(b *testing.B) (cpu, written int64) {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	text, err := os.ReadFile("/proc/self/io")
	if err != nil {
		b.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if n, ok := strings.CutPrefix(line, "wchar: "); ok {
			if written, err = strconv.ParseInt(strings.TrimSpace(n), 10, 64); err != nil {
				b.Fatal(err)
			}
		}
	}
	return (u.Utime.Nano() + u.Stime.Nano()) / 1000, written
}

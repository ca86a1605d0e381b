package history_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"switchboard/engine"
	"switchboard/engine/history"
)

// The sizes of history to measure at: HISTORY_BENCH_SIZES=10000,1000000.
func benchSizes() []int {
	env := os.Getenv("HISTORY_BENCH_SIZES")
	if env == "" {
		env = "10000"
	}
	var out []int
	for s := range strings.SplitSeq(env, ",") {
		n, err := strconv.Atoi(s)
		if err != nil {
			panic("HISTORY_BENCH_SIZES: " + err.Error())
		}
		out = append(out, n)
	}
	return out
}

// event is the i-th completion of a busy provider: of a new call, from one of
// many callers, to one of 50 receivers over one of 20 DIDs.
func event(i, size int) *engine.Completion {
	r := rand.New(rand.NewPCG(uint64(i), 7))
	c := completion(fmt.Sprintf("%016x%04d", r.Uint64(), i%10000), number(r.IntN(max(size/5, 10_000))), fmt.Sprintf("97%08d", r.IntN(50)),
		fmt.Sprintf("9186456586%02d", r.IntN(20)), noon.Add(time.Duration(i)*100*time.Millisecond))
	c.Raw.Body = fmt.Appendf(nil, `{"call_id":%q,"caller":%q,"receiver":%q,"did":%q,"status":"answered","duration":50,"recording_url":"https://example.com/%s.mp3"}`,
		c.CallID, c.Caller.Raw, c.Receiver.Raw, c.DID.Raw, c.CallID)
	return c
}

// sink is a way to keep completions: an event is durable when take returns.
type sink interface {
	take(c *engine.Completion) error
	preload(n int) error
	Close() error
}

var sinks = map[string]func(b *testing.B, folder string) sink{
	"store":               newStoreSink,
	"update_per_event":    func(b *testing.B, folder string) sink { return newOneTx(b, folder, false) },
	"group_commit_one_tx": func(b *testing.B, folder string) sink { return newOneTx(b, folder, true) },
}

// BenchmarkCompletions compares the store with the ways it could have been
// built: all of an event in a transaction of its own, or in one that all who
// wait share.
func BenchmarkCompletions(b *testing.B) {
	for _, size := range benchSizes() {
		for _, mode := range []string{"store", "update_per_event", "group_commit_one_tx"} {
			b.Run(fmt.Sprintf("%s/size=%d/clients=64", mode, size), func(b *testing.B) {
				folder := b.TempDir()
				if kept := os.Getenv("HISTORY_BENCH_KEEP"); kept != "" && mode == "store" { // made once, used by later runs
					folder = filepath.Join(kept, fmt.Sprint(mode, size))
				}
				s := sinks[mode](b, folder)
				if err := s.preload(size); err != nil {
					b.Fatal(err)
				}
				load(b, s, size, 64)
				if err := s.Close(); err != nil {
					b.Error(err)
				}
			})
		}
	}
}

// load lets clients send b.N events and reports events a second and the 99th
// percentile of their waits.
func load(b *testing.B, s sink, size, clients int) {
	base := size + rand.IntN(1<<30) // new calls in every run, for a store that is kept
	var next atomic.Int64
	waits := make([][]time.Duration, clients)
	var wg sync.WaitGroup
	b.ResetTimer()
	for w := range clients {
		wg.Go(func() {
			for {
				i := int(next.Add(1))
				if i > b.N {
					return
				}
				c := event(base+i, size)
				began := time.Now()
				if err := s.take(c); err != nil {
					b.Error(err)
					return
				}
				waits[w] = append(waits[w], time.Since(began))
			}
		})
	}
	wg.Wait()
	b.StopTimer()
	all := slices.Sorted(slices.Values(slices.Concat(waits...)))
	b.ReportMetric(float64(len(all))/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(float64(all[len(all)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(all[len(all)*99/100].Microseconds())/1000, "p99-ms")
}

type storeSink struct {
	*history.Store
	b *testing.B
}

func newStoreSink(b *testing.B, folder string) sink {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		b.Fatal(err)
	}
	s, err := history.Open(options(b, filepath.Join(folder, "switchboard.db")))
	if err != nil {
		b.Fatal(err)
	}
	return storeSink{s, b}
}

func (s storeSink) take(c *engine.Completion) error {
	_, err := s.Complete(s.b.Context(), c)
	return err
}

func (s storeSink) preload(n int) error {
	if s.Status().Records >= uint64(n) {
		return nil
	}
	var next atomic.Int64
	var wg sync.WaitGroup
	var failed atomic.Pointer[error]
	for range 512 {
		wg.Go(func() {
			for i := int(next.Add(1)); i <= n && failed.Load() == nil; i = int(next.Add(1)) {
				if err := s.take(event(i, n)); err != nil {
					failed.Store(&err)
				}
			}
		})
	}
	wg.Wait()
	if err := failed.Load(); err != nil {
		return *err
	}
	return s.Flush(s.b.Context())
}

// BenchmarkColdStart measures Open of a history that a killed process left.
func BenchmarkColdStart(b *testing.B) {
	for _, size := range benchSizes() {
		b.Run(fmt.Sprintf("size=%d", size), func(b *testing.B) {
			o := options(b, filepath.Join(b.TempDir(), "switchboard.db"))
			s, err := history.Open(o)
			if err != nil {
				b.Fatal(err)
			}
			if err := (storeSink{s, b}).preload(size); err != nil {
				b.Fatal(err)
			}
			for i := range 5000 { // what the index has not got yet
				if i%2 == 0 {
					continue
				}
				if _, err := s.Publish(nil, decision(fmt.Sprint("tail", i), number(i), number(1), did, noon)); err != nil {
					b.Fatal(err)
				}
			}
			settle(s)
			b.ReportMetric(float64(s.Status().IndexLag), "lag-records")
			if err := s.Crash(); err != nil {
				b.Fatal(err)
			}
			b.ResetTimer()
			for range b.N {
				s, err := history.Open(o)
				if err != nil {
					b.Fatal(err)
				}
				b.StopTimer()
				if s.Status().Rebuilding {
					b.Error("the index is being rebuilt")
				}
				if err := s.Crash(); err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
			}
		})
	}
}

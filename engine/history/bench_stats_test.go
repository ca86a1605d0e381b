package history_test

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"switchboard/engine"
	"switchboard/engine/history"
)

// BenchmarkStats sums up all of a history of a hundred days. "team" is 20 DIDs
// and 50 receivers; with "pairs" every call reaches somebody else.
//
//	HISTORY_BENCH_SIZES=1000000 go test -run '^$' -bench Stats ./engine/history
func BenchmarkStats(b *testing.B) {
	for _, size := range benchSizes() {
		for name, receivers := range map[string]int{"team": 50, "pairs": size} {
			b.Run(fmt.Sprintf("%s/size=%d", name, size), func(b *testing.B) {
				s, err := history.Open(options(b, filepath.Join(b.TempDir(), "switchboard.db")))
				if err != nil {
					b.Fatal(err)
				}
				defer s.Close()
				spread(b, s, size, receivers)
				if err := s.Flush(b.Context()); err != nil {
					b.Fatal(err)
				}
				b.ResetTimer()
				for range b.N {
					got, err := s.Stats(b.Context(), engine.StatsFilter{})
					if err != nil || got.Totals.Offered != int64(size) {
						b.Fatalf("%d calls of %d: %v", got.Totals.Offered, size, err)
					}
				}
			})
		}
	}
}

// spread completes calls over a hundred days, in the order of time.
func spread(b *testing.B, s *history.Store, size, receivers int) {
	var next atomic.Int64
	var wg sync.WaitGroup
	for range 256 {
		wg.Go(func() {
			for i := int(next.Add(1)); i <= size; i = int(next.Add(1)) {
				r := rand.New(rand.NewPCG(uint64(i), 7))
				c := completion(fmt.Sprintf("%016x", r.Uint64()), number(r.IntN(size)), fmt.Sprintf("97%08d", r.IntN(receivers)),
					fmt.Sprintf("9186456586%02d", r.IntN(20)), noon.Add(time.Duration(i)*(2400*time.Hour/time.Duration(size))))
				if _, err := s.Complete(b.Context(), c); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}

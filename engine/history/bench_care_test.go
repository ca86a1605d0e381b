package history_test

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"switchboard/engine"
	"switchboard/engine/giveway"
	"switchboard/engine/history"
)

// BenchmarkCallsBesideCare measures decisions, each waited for until it is on
// disk, at rest and beside a backup, retention, statistics and an erasure:
// "p99-of-quiet" is their 99th percentile as a multiple of that at rest in the
// same run.
//
//	HISTORY_BENCH_SIZES=100000 go test -run '^$' -bench BesideCare -benchtime 4000x ./engine/history
func BenchmarkCallsBesideCare(b *testing.B) {
	for _, size := range benchSizes() {
		quiet := 0.0
		for _, c := range []struct {
			name string
			care func(ctx context.Context, b *testing.B, s *history.Store) error
		}{
			{"quiet", nil}, {"backup", keepBackingUp}, {"retention", keepTrimming}, {"stats", keepSumming}, {"forget", keepForgetting},
		} {
			b.Run(fmt.Sprintf("%s/size=%d", c.name, size), func(b *testing.B) {
				p99 := besideCare(b, size, c.care)
				if c.care == nil {
					quiet = p99
				} else if quiet > 0 {
					b.ReportMetric(p99/quiet, "p99-of-quiet")
				}
			})
		}
	}
}

func besideCare(b *testing.B, size int, care func(context.Context, *testing.B, *history.Store) error) (p99 float64) {
	clock := newClock()
	o := options(b, filepath.Join(b.TempDir(), "switchboard.db"))
	o.Now, o.Retention = clock.now, 24*time.Hour
	s, err := history.OpenTuned(o, func(u *history.Tuning) { u.TrimEvery, u.RoundEvery = time.Hour, 200*time.Millisecond })
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	if err := (storeSink{s, b}).preload(size); err != nil {
		b.Fatal(err)
	}
	clock.advance(time.Duration(size)*100*time.Millisecond + 48*time.Hour) // all of it is old now
	ctx, cancel := context.WithCancel(b.Context())
	var wg sync.WaitGroup
	if care != nil {
		wg.Go(func() {
			giveway.Aside(func() { // as the server does it
				if err := care(ctx, b, s); err != nil && ctx.Err() == nil {
					b.Error(err)
				}
			})
		})
	}
	b.ResetTimer()
	waits := paced(b, s, clock)
	b.StopTimer()
	cancel()
	wg.Wait()
	p99 = float64(waits[len(waits)*99/100].Microseconds()) / 1000
	b.ReportMetric(float64(waits[len(waits)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(p99, "p99-ms")
	return p99
}

// paced lets calls come in at a steady rate, some 400 a second, and returns how
// long each waited, in order.
func paced(b *testing.B, s *history.Store, clock *clock) []time.Duration {
	const clients, pause = 4, 10 * time.Millisecond
	var next atomic.Int64
	waits := make([][]time.Duration, clients)
	var wg sync.WaitGroup
	for w := range clients {
		wg.Go(func() {
			tick := time.NewTicker(pause)
			defer tick.Stop()
			for i := next.Add(1); i <= int64(b.N); i = next.Add(1) {
				<-tick.C
				began := time.Now()
				c, err := s.Publish(nil, decision(fmt.Sprint("new-", i), number(int(i)), fmt.Sprintf("97%08d", i%50), did, clock.now()))
				if err != nil {
					b.Error(err)
					return
				}
				<-c.Done()
				waits[w] = append(waits[w], time.Since(began))
			}
		})
	}
	wg.Wait()
	return slices.Sorted(slices.Values(slices.Concat(waits...)))
}

func keepBackingUp(ctx context.Context, b *testing.B, s *history.Store) error {
	for i := 0; ctx.Err() == nil; i++ {
		if err := s.Backup(ctx, filepath.Join(b.TempDir(), fmt.Sprint("copy", i))); err != nil {
			return err
		}
	}
	return nil
}

func keepTrimming(ctx context.Context, b *testing.B, s *history.Store) error { return s.Trim(ctx) }

func keepSumming(ctx context.Context, b *testing.B, s *history.Store) error {
	for ctx.Err() == nil {
		if _, err := s.Stats(ctx, engine.StatsFilter{}); err != nil {
			return err
		}
	}
	return nil
}

// keepForgetting erases the receivers one after the other: each is in a fiftieth
// of the records.
func keepForgetting(ctx context.Context, b *testing.B, s *history.Store) error {
	for i := 0; ctx.Err() == nil && i < 50; i++ {
		if _, err := s.Forget(ctx, person(fmt.Sprintf("97%08d", i)), "bench"); err != nil {
			return err
		}
	}
	return nil
}

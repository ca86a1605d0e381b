package replay_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"switchboard/engine"
	"switchboard/engine/replay"
)

// benchCalls is how many calls are recorded, each with a report.
const benchCalls = 4000

// BenchmarkReplay puts recorded calls to the set that decided them, on one
// processor: "replay" with all that it does (read the log, decode, fold, evaluate,
// compare), "bare" the evaluations alone, over the live history. The aim is that
// a replay takes at most twice as long.
func BenchmarkReplay(b *testing.B) {
	w := newWorld(b, starter(b))
	w.benchTraffic()
	var questions []engine.Question
	timeline, err := w.store.Timeline(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	for r, err := range timeline.Decisions(b.Context()) {
		if err != nil {
			b.Fatal(err)
		}
		questions = append(questions, r.Record.Question())
	}
	if err := timeline.Close(); err != nil {
		b.Fatal(err)
	}
	each := func(b *testing.B) {
		b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*len(questions)), "us/call")
	}
	b.Run("bare", func(b *testing.B) {
		set := w.set.Load()
		for b.Loop() {
			for _, q := range questions {
				view, err := w.store.View(b.Context(), nil)
				if err != nil {
					b.Fatal(err)
				}
				// What the policies say of the present is another thing than then.
				_, _ = set.Evaluate(b.Context(), q, view)
				view.Close()
			}
		}
		each(b)
	})
	b.Run("replay", func(b *testing.B) {
		replayer := w.replayer()
		for b.Loop() {
			d, err := replayer.Replay(b.Context(), engine.ReplayRequest{}, nil)
			if err != nil || d.Moved > 0 || d.Compared != len(questions) {
				b.Fatalf("%+v, %v", d, err)
			}
		}
		each(b)
	})
}

// BenchmarkExplain explains one recorded decision, of a DID that all calls came
// over.
func BenchmarkExplain(b *testing.B) {
	w := newWorld(b, starter(b))
	w.benchTraffic()
	w.explain("call-0-1") // compiles
	b.ResetTimer()
	for i := 0; b.Loop(); i++ {
		if e := w.explain(fmt.Sprintf("call-%d-%d", i%32, i%100)); e == nil || !e.Same {
			b.Fatalf("%+v", e)
		}
	}
}

// BenchmarkCallsBesideAReplay routes calls of eight clients while nothing else
// happens, and while replays run at the server's share of a processor. It tells
// what the slowest hundredth of the calls took.
func BenchmarkCallsBesideAReplay(b *testing.B) {
	w := newWorld(b, starter(b))
	w.benchTraffic()
	n := 0
	calls := func(b *testing.B) {
		var took [8][]time.Duration
		for b.Loop() {
			n++
			var group sync.WaitGroup
			for client := range took {
				group.Go(func() {
					for i := range 20 {
						began := time.Now()
						w.call(fmt.Sprintf("beside-%d-%d-%d", n, client, i), fmt.Sprintf("97%08d", i), lines[(client+i)%3])
						took[client] = append(took[client], time.Since(began))
					}
				})
			}
			group.Wait()
		}
		all := slices.Sorted(slices.Values(slices.Concat(took[:]...)))
		b.ReportMetric(float64(all[len(all)/2].Microseconds()), "p50-us")
		b.ReportMetric(float64(all[len(all)*99/100].Microseconds()), "p99-us")
	}
	b.Run("alone", calls)
	b.Run("beside", func(b *testing.B) {
		replayer, err := replay.New(replay.Options{Sets: w, Judge: w.judge(), Share: 0.5,
			Open: func(ctx context.Context) (replay.Timeline, error) { return w.store.Timeline(ctx) }})
		if err != nil {
			b.Fatal(err)
		}
		ctx, stop := context.WithCancel(b.Context())
		var replays sync.WaitGroup
		replays.Go(func() {
			for ctx.Err() == nil {
				if _, err := replayer.Replay(ctx, engine.ReplayRequest{}, nil); err != nil && ctx.Err() == nil {
					b.Error(err)
				}
			}
		})
		calls(b)
		stop()
		replays.Wait()
	})
}

// benchTraffic records calls of 500 callers on all lines but that of masked
// pairs, many at once so that the disk is not waited for.
func (w *world) benchTraffic() {
	const workers = 32
	var group sync.WaitGroup
	for worker := range workers {
		group.Go(func() {
			rnd := rand.New(rand.NewPCG(1, uint64(worker)))
			for i := range benchCalls / workers {
				id, caller := fmt.Sprintf("call-%d-%d", worker, i), fmt.Sprintf("97%08d", rnd.IntN(500))
				did := []string{rotation, sticky, sticky, idle}[rnd.IntN(4)]
				w.call(id, caller, did)
				w.report(id, caller, "9876543210", did, engine.StatusAnswered, 50)
			}
		})
	}
	group.Wait()
	for w.store.Status().IndexLag > 0 {
		time.Sleep(20 * time.Millisecond)
	}
}

package replay_test

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"switchboard/engine"
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

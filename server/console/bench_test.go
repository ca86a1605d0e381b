package console_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"switchboard/engine"
)

// benchCalls is how many calls the benchmarks' history has: 10^4, or what
// CONSOLE_BENCH_CALLS says.
func benchCalls(b *testing.B) int {
	n, err := strconv.Atoi(os.Getenv("CONSOLE_BENCH_CALLS"))
	if err != nil {
		return 10_000
	}
	return n
}

// fill puts so many calls into a history, spread over the last weeks: most
// answered, each caller with ten.
func fill(b *testing.B, w *world, n int) {
	b.Helper()
	numbers, err := engine.NewNumbers("IN")
	w.must(err)
	line := numbers.DID(did)
	team := []engine.Number{numbers.Person(anna), numbers.Person(bela), numbers.Person(chand)}
	begin := time.Now().Add(-30 * 24 * time.Hour)
	step := 30 * 24 * time.Hour / time.Duration(n)
	var next atomic.Int64
	var wg sync.WaitGroup
	for range 256 {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				at := begin.Add(step * time.Duration(i))
				caller, receiver := numbers.Person(strconv.Itoa(9_000_000_000+i%(n/10+1))), team[i%3]
				rec := &engine.DecisionRecord{CallID: fmt.Sprintf("bench-%d", i), Caller: caller, DID: line, RoutedAt: at.UnixNano(), Arrived: at.UnixNano(),
					Decision: engine.Decision{Number: receiver.Canonical, Reason: "round_robin", Source: engine.SourcePolicy}, ReceiverIsNumber: true, Tries: 1}
				if _, err := w.store.Publish(nil, rec); err != nil {
					b.Error(err)
					return
				}
				status := engine.StatusAnswered
				if i%4 == 0 {
					status = engine.StatusNotAnswered
				}
				_, err := w.store.Complete(context.Background(), &engine.Completion{CallID: rec.CallID, Caller: caller, Receiver: receiver, DID: line,
					Status: status, EndedAt: at.Add(time.Minute).UnixNano(), Duration: 60, Arrived: at.Add(time.Minute).UnixNano()})
				if err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	for late := time.Now().Add(time.Minute); w.store.Status().IndexLag > 0 && time.Now().Before(late); {
		time.Sleep(10 * time.Millisecond) // what is being written behind would be measured, too
	}
}

// BenchmarkPages asks for every page, over HTTP on loopback.
func BenchmarkPages(b *testing.B) {
	w := begin(b, nil)
	n := benchCalls(b)
	fill(b, w, n)
	for _, page := range []struct{ name, path string }{
		{"live", "/"}, {"calls", "/calls"}, {"calls of a caller", "/calls?q=9000000007"}, {"calls of an agent", "/calls?q=" + anna},
		{"calls that there are none of", "/calls?status=rejected&reason=nonsense"}, {"call", "/call?id=bench-77"},
		{"try", "/try"}, {"people", "/people"}, {"policies", "/policies"}, {"statistics", "/statistics?period=all"}, {"system", "/system"}, {"the audit trail", "/system/audit"},
	} {
		b.Run(page.name, func(b *testing.B) {
			size := 0
			for b.Loop() {
				status, text := w.get(page.path)
				if status != http.StatusOK {
					b.Fatalf("%d %s", status, text)
				}
				size = len(text)
			}
			b.ReportMetric(float64(size), "bytes/page")
		})
	}
}

// BenchmarkFirstPaint is how long a browser takes from asking for the live page
// until it has painted it, beside a page that holds next to nothing: what the
// browser itself and the machine cost.
func BenchmarkFirstPaint(b *testing.B) {
	w := begin(b, nil)
	fill(b, w, benchCalls(b))
	tab := browse(w)
	for _, page := range []struct{ name, path string }{{"live", "/"}, {"next to nothing", "/static/icon.svg"}} {
		b.Run(page.name, func(b *testing.B) {
			var painted, answered float64
			n := 0
			for b.Loop() {
				tab.do(chromedp.Navigate(w.private + page.path))
				tab.until("the first paint", func() bool {
					return ask[bool](tab, "performance.getEntriesByType('paint').length > 0")
				})
				painted += ask[float64](tab, "performance.getEntriesByType('paint').at(-1).startTime")
				answered += ask[float64](tab, "performance.getEntriesByType('navigation')[0]?.responseEnd ?? 0")
				n++
			}
			b.ReportMetric(painted/float64(n), "ms/first-paint")
			b.ReportMetric(answered/float64(n), "ms/answered")
		})
	}
}

package history_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"switchboard/engine"
	"switchboard/engine/history"
)

// pairOf is the i-th of many sessions, each of two people of their own.
func pairOf(i int) engine.Session {
	return engine.Session{Ref: fmt.Sprintf("order-%08d", i), DID: fmt.Sprintf("9186456%05d", i%100),
		Parties: [2]string{fmt.Sprintf("98%08d", i), fmt.Sprintf("97%08d", i)}, Expires: time.Now().Add(time.Hour).UnixNano(),
		Data: json.RawMessage(`{"order":17}`)}
}

func benchStore(b *testing.B) *history.Store {
	b.Helper()
	s, err := history.Open(history.Options{Path: filepath.Join(b.TempDir(), "switchboard.db"), CallTTL: 30 * time.Minute, Zone: kolkata(b)})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := s.Close(); err != nil {
			b.Error(err)
		}
	})
	return s
}

// BenchmarkSessions puts sessions and ends them, from 64 clients that wait for
// the disk each time, alone and beside 16 lines on which one call follows the
// other. An operation is a put and a delete.
func BenchmarkSessions(b *testing.B) {
	for _, lines := range []int{0, 16} {
		b.Run(fmt.Sprintf("lines=%d", lines), func(b *testing.B) {
			s := benchStore(b)
			stop := make(chan struct{})
			var calls atomic.Int64
			var ringing sync.WaitGroup
			for l := range lines {
				ringing.Go(func() { ringOn(b, s, l, stop, &calls) })
			}
			var next atomic.Int64
			b.SetParallelism(64 / runtime.GOMAXPROCS(0))
			b.ReportAllocs()
			b.ResetTimer()
			before := calls.Load()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					in := pairOf(int(next.Add(1)))
					if _, err := s.PutSession(background(), in, nil, "bench"); err != nil {
						b.Error(err)
					}
					if _, err := s.EndSession(background(), in.Ref, "bench"); err != nil {
						b.Error(err)
					}
				}
			})
			b.ReportMetric(2*float64(b.N)/b.Elapsed().Seconds(), "changes/s")
			b.ReportMetric(float64(calls.Load()-before)/b.Elapsed().Seconds(), "calls/s")
			close(stop)
			ringing.Wait()
		})
	}
}

// ringOn has call after call of one line decided and reported, each by what the
// policies of a masked pair read.
func ringOn(b *testing.B, s *history.Store, line int, stop <-chan struct{}, calls *atomic.Int64) {
	did := fmt.Sprintf("9186457%05d", line)
	for i := 0; ; i++ {
		select {
		case <-stop:
			return
		default:
		}
		id, from := fmt.Sprintf("line%d-%d", line, i), number(line*1_000_000+i%1000)
		v, err := s.View(background(), nil)
		if err != nil {
			b.Error(err)
			return
		}
		_, serr := v.Sessions(did, from)
		_, perr := v.Profile(engine.Callers, from)
		c, err := s.Publish(v, decision(id, from, number(line), did, v.At()))
		v.Close()
		if err := errors.Join(serr, perr, err); err != nil {
			b.Error(err)
			return
		}
		<-c.Done()
		if _, err := s.Complete(background(), completion(id, from, number(line), did, time.Now())); err != nil {
			b.Error(err)
			return
		}
		calls.Add(1)
	}
}

// BenchmarkViewWithSessions reads the sessions of people who call for the first
// time in a while, so that nothing of theirs is in memory, beside many others'.
// SWITCHBOARD_BENCH_SESSIONS adds a size, 1000000 say.
func BenchmarkViewWithSessions(b *testing.B) {
	sizes := []int{1000, 100_000}
	if n, err := strconv.Atoi(os.Getenv("SWITCHBOARD_BENCH_SESSIONS")); err == nil {
		sizes = append(sizes, n)
	}
	for _, size := range sizes {
		b.Run(strconv.Itoa(size), func(b *testing.B) {
			s := benchStore(b)
			fillSessions(b, s, size)
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				if i%1000 == 0 {
					b.StopTimer()
					s.Sweep()
					b.StartTimer()
				}
				in := pairOf(i * 7919 % size)
				i++
				v, err := s.View(background(), nil)
				if err != nil {
					b.Fatal(err)
				}
				list, err := v.Sessions(in.DID, in.Parties[i%2])
				v.Close()
				if err != nil || len(list) != 1 {
					b.Fatalf("%v, %v", list, err)
				}
			}
		})
	}
}

// fillSessions opens sessions from many clients at once.
func fillSessions(b *testing.B, s *history.Store, n int) {
	b.Helper()
	var next atomic.Int64
	done := make(chan error)
	for range 256 {
		go func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= n {
					done <- nil
					return
				}
				if _, err := s.PutSession(background(), pairOf(i), nil, "bench"); err != nil {
					done <- err
					return
				}
			}
		}()
	}
	for range 256 {
		if err := <-done; err != nil {
			b.Fatal(err)
		}
	}
	if err := s.Flush(background()); err != nil {
		b.Fatal(err)
	}
}

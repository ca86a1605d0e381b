package relay_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"switchboard/engine"
	"switchboard/engine/history"
	"switchboard/server/relay"
)

// begin runs a relay over a store until the benchmark ends.
func begin(b *testing.B, o relay.Options) *relay.Relay {
	b.Helper()
	o.Logger = slog.New(slog.DiscardHandler)
	r, err := relay.New(o)
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = r.Run(ctx) }()
	b.Cleanup(func() { cancel(); <-done })
	return r
}

// BenchmarkDeliveries measures messages a second over loopback: read from the
// log, joined, signed, posted and answered, and the place written down.
func BenchmarkDeliveries(b *testing.B) {
	var got atomic.Int64
	all := make(chan struct{}, 1)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if got.Add(1) == int64(b.N) {
			all <- struct{}{}
		}
	}))
	defer s.Close()
	store := newStore(b)
	to, err := relay.ParseTarget(s.URL, true)
	if err != nil {
		b.Fatal(err)
	}
	to.Secrets = []string{secretA}
	if _, err := store.RelayRegister([]string{to.ID}); err != nil { // so that all of it is for the target
		b.Fatal(err)
	}
	fill(b, store, b.N, "call")
	b.ResetTimer()
	begin(b, relay.Options{Targets: []relay.Target{to}, Log: store, Outbox: store, AllowPrivate: true})
	<-all
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "deliveries/s")
}

func newStore(b *testing.B) *history.Store {
	b.Helper()
	s, err := history.Open(history.Options{Path: filepath.Join(b.TempDir(), "switchboard.db"), CallTTL: 30 * time.Minute, Zone: time.UTC})
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

// fill decides and completes n calls, by 64 clients at once.
func fill(b *testing.B, s *history.Store, n int, prefix string) {
	b.Helper()
	var next atomic.Int64
	var clients sync.WaitGroup
	for range 64 {
		clients.Go(func() {
			for i := next.Add(1); i <= int64(n); i = next.Add(1) {
				if err := oneCall(s, fmt.Sprintf("%s-%d", prefix, i)); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	clients.Wait()
}

func oneCall(s *history.Store, id string) error {
	now := time.Now().UnixNano()
	caller := engine.Number{Canonical: "9988912345", Raw: "9988912345", Valid: true}
	did := engine.Number{Canonical: "918645658689", Raw: "918645658689", Valid: true}
	body := fmt.Appendf(nil, `{"call_id": %q, "caller_number": "9988912345", "did_number": "918645658689", "call_status": "answered"}`, id)
	commit, err := s.Publish(nil, &engine.DecisionRecord{
		CallID: id, Caller: caller, DID: did, RoutedAt: now, Arrived: now, ReceiverIsNumber: true,
		Decision: engine.Decision{Number: "9876543210", Reason: "round_robin", Source: engine.SourcePolicy},
		Reply:    engine.Reply{Status: 200, Type: "application/json", Body: body}, Raw: engine.Payload{Type: "application/json", Body: body},
	})
	if err != nil {
		return err
	}
	<-commit.Done()
	if err := commit.Err(); err != nil {
		return err
	}
	_, err = s.Complete(context.Background(), &engine.Completion{
		CallID: id, Caller: caller, DID: did, Status: engine.StatusAnswered, EndedAt: now, Duration: 42, Arrived: now,
		Raw: engine.Payload{Type: "application/json", Body: body},
	})
	return err
}

// BenchmarkCallsBesideTheRelay compares, within one run and in turns, how long
// calls take that are decided and completed by 64 clients: without a relay, with
// a target that never answers, and with one that takes all in this process.
func BenchmarkCallsBesideTheRelay(b *testing.B) {
	const batch = 640
	type side struct {
		name  string
		store *history.Store
		took  time.Duration
	}
	sides := []*side{{name: "none"}, {name: "dead"}, {name: "live"}}
	for _, s := range sides {
		s.store = newStore(b)
		if s.name == "none" {
			continue
		}
		to, err := relay.ParseTarget("crm=https://crm.example.com/", false)
		if err != nil {
			b.Fatal(err)
		}
		to.Secrets = []string{secretA}
		answer := always(200)
		if s.name == "dead" {
			answer = down
		}
		begin(b, relay.Options{Targets: []relay.Target{to}, Log: s.store, Outbox: s.store, HTTP: answering(answer)})
	}
	b.ResetTimer()
	for i := range b.N {
		for j := range sides {
			s := sides[(i+j)%len(sides)]
			began := time.Now()
			fill(b, s.store, batch, fmt.Sprintf("%s-%d", s.name, i))
			s.took += time.Since(began)
		}
	}
	b.StopTimer()
	for _, s := range sides {
		b.ReportMetric(float64(b.N)*batch/s.took.Seconds(), s.name+"-calls/s")
		if s.name != "none" {
			b.ReportMetric(s.took.Seconds()/sides[0].took.Seconds(), s.name+"/none")
		}
	}
}

// answering answers requests without a network and keeps nothing of them.
type answering func(int, post) (int, http.Header, string, error)

func (a answering) RoundTrip(r *http.Request) (*http.Response, error) {
	_, _ = io.Copy(io.Discard, r.Body)
	status, header, _, err := a(0, post{})
	if err != nil {
		return nil, err
	}
	return &http.Response{StatusCode: status, Header: header, Body: http.NoBody, Request: r}, nil
}

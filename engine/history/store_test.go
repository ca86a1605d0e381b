package history_test

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"switchboard/engine"
	"switchboard/engine/history"
)

const (
	did    = "918645658689"
	did2   = "918645658690"
	caller = "9876543210"
)

var noon = time.Date(2025, 11, 22, 12, 0, 0, 0, time.UTC)

// clock is a clock that tests set.
type clock struct{ ns atomic.Int64 }

func newClock() *clock {
	c := new(clock)
	c.set(noon)
	return c
}

func (c *clock) set(t time.Time)         { c.ns.Store(t.UnixNano()) }
func (c *clock) advance(d time.Duration) { c.ns.Add(int64(d)) }
func (c *clock) now() time.Time          { return time.Unix(0, c.ns.Load()) }

func kolkata(t testing.TB) *time.Location {
	t.Helper()
	z, err := time.LoadLocation("Asia/Kolkata")
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func options(t testing.TB, path string) history.Options {
	return history.Options{Path: path, CallTTL: 30 * time.Minute, Zone: kolkata(t), Now: newClock().now}
}

func newPath(t testing.TB) string { return filepath.Join(t.TempDir(), "switchboard.db") }

// open opens a store that is checked and closed when the test ends.
func open(t testing.TB, o history.Options, tune ...func(*history.Tuning)) *history.Store {
	t.Helper()
	s, err := history.OpenTuned(o, tune...)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return s
}

func person(n string) engine.Number {
	return engine.Number{Canonical: n, Raw: n, E164: "+91" + n, Country: "IN", Valid: true}
}

func line(n string) engine.Number {
	return engine.Number{Canonical: n, Raw: n, E164: "+" + n, Country: "IN", Valid: true}
}

// decision is a forward of a call by a policy.
func decision(id, from, to, did string, at time.Time) *engine.DecisionRecord {
	return &engine.DecisionRecord{
		CallID: id, Caller: person(from), DID: line(did), RoutedAt: at.UnixNano(), Arrived: at.UnixNano(),
		Decision:         engine.Decision{Number: to, Reason: "round_robin", Source: engine.SourcePolicy},
		Evaluation:       engine.Evaluation{Revision: "r1", Input: json.RawMessage(`{"call_id":"` + id + `"}`), Read: []string{"history/dids/" + did}},
		Tries:            1,
		Reply:            engine.Reply{Status: 200, Type: "application/json", Body: []byte(`{"response":{"call_forwarding_number":"` + to + `","call_timeout":0}}`)},
		Raw:              engine.Payload{Type: "application/json", Body: []byte(`{"did":"` + did + `"}`)},
		ReceiverIsNumber: true,
	}
}

// completion is the provider's report on an answered call.
func completion(id, from, to, did string, end time.Time) *engine.Completion {
	return &engine.Completion{
		CallID: id, Caller: person(from), Receiver: person(to), DID: line(did), Status: engine.StatusAnswered,
		ReceivedAt: end.Add(-time.Minute).UnixNano(), AnsweredAt: end.Add(-50 * time.Second).UnixNano(), EndedAt: end.UnixNano(),
		Duration: 50, Arrived: end.UnixNano(),
		Raw: engine.Payload{Type: "application/json", Body: []byte(`{"call_id":"` + id + `"}`)},
	}
}

// route publishes a decision over a fresh view and waits for the disk.
func route(t testing.TB, s *history.Store, id, from, to, did string) *engine.DecisionRecord {
	t.Helper()
	v := view(t, s, nil)
	defer v.Close()
	rec := decision(id, from, to, did, v.At())
	c, err := s.Publish(v, rec)
	if err != nil {
		t.Fatalf("Publish(%s): %v", id, err)
	}
	<-c.Done()
	if err := c.Err(); err != nil {
		t.Fatalf("commit of %s: %v", id, err)
	}
	return rec
}

func view(t testing.TB, s *history.Store, previous engine.View) engine.View {
	t.Helper()
	v, err := s.View(t.Context(), previous)
	if err != nil {
		t.Fatalf("View: %v", err)
	}
	return v
}

func complete(t testing.TB, s *history.Store, c *engine.Completion) engine.CompletionResult {
	t.Helper()
	r, err := s.Complete(t.Context(), c)
	if err != nil {
		t.Fatalf("Complete(%s): %v", c.CallID, err)
	}
	return r
}

func profile(t testing.TB, s *history.Store, kind engine.ProfileKind, number string) *engine.Profile {
	t.Helper()
	p, err := s.Profile(t.Context(), kind, number)
	if err != nil {
		t.Fatalf("Profile(%s, %s): %v", kind, number, err)
	}
	return p
}

func equal(t testing.TB, what string, got, want any) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s (-want +got):\n%s", what, d)
	}
}

// eventually waits until ok holds; the test fails after a while.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline := time.NewTimer(20 * time.Second)
	defer deadline.Stop()
	for tick := time.NewTicker(2 * time.Millisecond); ; {
		if ok() {
			tick.Stop()
			return
		}
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatalf("never happened: %s", what)
		}
	}
}

// settle returns when all records are on disk.
func settle(s *history.Store) {
	for s.Status().Queue > 0 {
		runtime.Gosched()
	}
}

func ids(calls []*engine.Call) []string {
	out := make([]string, len(calls))
	for i, c := range calls {
		out[i] = c.CallID
	}
	return out
}

// number makes a person's number.
func number(i int) string { return fmt.Sprintf("98%08d", i) }

func background() context.Context { return context.Background() }

func TestMain(m *testing.M) {
	if runChild() {
		return
	}
	goleak.VerifyTestMain(m)
}

package backfill_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"switchboard/engine"
	"switchboard/server/backfill"
	"switchboard/server/export"
)

// What was exported comes in again as it was, in either format.
func TestExportsAreImported(t *testing.T) {
	at := time.Date(2025, 11, 22, 9, 5, 0, 0, time.UTC).UnixNano()
	calls := []*engine.Call{
		{CallID: "answered", Caller: "9988912345", DID: "918645658689", Receiver: "9876543210", Status: engine.StatusAnswered,
			RoutedAt: at, ReceivedAt: at + 2e9, EndedAt: at + 62e9, Duration: 42, Reason: "sticky", Source: engine.SourcePolicy, HangupCause: "receiver_hangup"},
		{CallID: "=missed()", Caller: "+14155552671", DID: "918645658689", Receiver: "9876543210", Status: engine.StatusNotAnswered,
			RoutedAt: at, Duration: engine.NoDuration, Reason: "round_robin", Source: engine.SourcePolicy},
		{CallID: "orphan", Caller: "9988912346", DID: "918645658689", Status: engine.StatusAnswered, Arrived: at, Duration: 0},
		{CallID: "on", Caller: "9988912347", DID: "918645658689", Receiver: "9876543210", Status: engine.StatusInFlight,
			RoutedAt: at, Duration: engine.NoDuration, Source: engine.SourcePolicy},
	}
	for name, as := range map[string]struct {
		writer func(*strings.Builder) export.Writer
		rows   func(string) (backfill.Rows, error)
	}{
		"csv": {func(b *strings.Builder) export.Writer { return export.CSV(b, time.UTC) },
			func(s string) (backfill.Rows, error) { return backfill.CSV(strings.NewReader(s)) }},
		"ndjson": {func(b *strings.Builder) export.Writer { return export.NDJSON(b) },
			func(s string) (backfill.Rows, error) { return backfill.JSON(strings.NewReader(s)), nil }},
	} {
		t.Run(name, func(t *testing.T) {
			var file strings.Builder
			w := as.writer(&file)
			if err := w.Begin(); err != nil {
				t.Fatal(err)
			}
			for _, c := range calls {
				if err := w.Call(c); err != nil {
					t.Fatal(err)
				}
			}
			if err := w.Flush(); err != nil {
				t.Fatal(err)
			}
			rows, err := as.rows(file.String())
			if err != nil {
				t.Fatal(err)
			}
			var lines [][]byte
			for _, row := range read(t, rows) {
				if row.Err != nil {
					t.Fatal(row.Err)
				}
				lines = append(lines, row.Report)
			}
			l := &ledger{seen: map[string]engine.Completion{}}
			got, err := taker(t, l).Batch(t.Context(), lines)
			if err != nil {
				t.Fatal(err)
			}
			if got.Stored != 3 || len(got.Rejected) != 1 || got.Rejected[0].Line != 4 || !strings.Contains(got.Rejected[0].Why, "no report of it has come") {
				t.Errorf("%+v", got)
			}
			type report struct {
				Caller, DID, Receiver, Cause string
				Status                       engine.Status
				Received, Ended, Duration    int64
				Extra                        int
			}
			have := map[string]report{}
			for id, c := range l.seen {
				have[id] = report{c.Caller.Canonical, c.DID.Canonical, c.Receiver.Canonical, c.HangupCause, c.Status, c.ReceivedAt, c.EndedAt, c.Duration, len(c.Extra)}
			}
			want := map[string]report{
				"answered":  {"9988912345", "918645658689", "9876543210", "receiver_hangup", engine.StatusAnswered, at + 2e9, at + 62e9, 42, 0},
				"=missed()": {"+14155552671", "918645658689", "9876543210", "", engine.StatusNotAnswered, at, 0, engine.NoDuration, 0},
				"orphan":    {"9988912346", "918645658689", "", "", engine.StatusAnswered, 0, 0, 0, 0},
			}
			if d := cmp.Diff(want, have); d != "" {
				t.Error(d)
			}
		})
	}
	// A field of that name alone is no export.
	l := &ledger{seen: map[string]engine.Completion{}}
	if _, err := taker(t, l).Batch(t.Context(), [][]byte{[]byte(`{"call_id": "a", "call_status": "answered", "status": "in_flight", "at": 1}`), []byte(`{"call_id": "b", "status": "rejected"}`)}); err != nil {
		t.Fatal(err)
	}
	if l.seen["a"].Status != engine.StatusAnswered || len(l.seen["a"].Extra) != 2 || l.seen["b"].Status != engine.StatusOther {
		t.Errorf("%+v", l.seen)
	}
}

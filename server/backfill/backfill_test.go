package backfill_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"switchboard/engine"
	"switchboard/server/alohaa"
	"switchboard/server/backfill"
)

func read(t testing.TB, rows backfill.Rows) (out []backfill.Row) {
	t.Helper()
	for {
		row, err := rows.Next()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, row)
	}
}

// told are rows in short: line, then report or error.
func told(rows []backfill.Row) (out []string) {
	for _, r := range rows {
		what := string(r.Report)
		if r.Err != nil {
			what = "! " + r.Err.Error()
		}
		out = append(out, fmt.Sprint(r.Line, " ", what))
	}
	return out
}

func TestJSONLines(t *testing.T) {
	long := `{"call_id":"` + strings.Repeat("x", engine.MaxBody) + `"}`
	got := read(t, backfill.JSON(strings.NewReader("\ufeff{\"call_id\":\"a\"}\r\n\n  \n{\"call_id\": \"b\"}\n"+long+"\nrubbish\n"+long+long+long)))
	want := []string{`1 {"call_id":"a"}`, `4 {"call_id": "b"}`,
		"5 ! the line is longer than 65536 bytes; a report is far shorter", "6 rubbish", "7 ! the line is longer than 65536 bytes; a report is far shorter"}
	if d := cmp.Diff(want, told(got)); d != "" {
		t.Error(d)
	}
	if string(got[2].Raw) != long || string(got[4].Raw) != long+long+long {
		t.Errorf("%d and %d bytes are given back", len(got[2].Raw), len(got[4].Raw))
	}
}

func TestCSVLines(t *testing.T) {
	text := "\ufeffCall_ID, call_status ,recording note,call_duration\r\na,answered,\"two\nlines\",00:01:09\nb,,,\nc,x\n\nd,\"e\"f,g,h\ni,notanswered,,\n"
	rows, err := backfill.CSV(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	got := read(t, rows)
	want := []string{
		`2 {"call_duration":"00:01:09","call_id":"a","call_status":"answered","recording note":"two\nlines"}`,
		`4 {"call_id":"b"}`,
		"5 ! it has 2 cells under 4 names",
		`7 ! it is no line of CSV: extraneous or missing " in quoted-field`,
		`8 {"call_id":"i","call_status":"notanswered"}`,
	}
	if d := cmp.Diff(want, told(got)); d != "" {
		t.Error(d)
	}
	var raw []string
	for _, r := range got {
		raw = append(raw, string(r.Raw))
	}
	if d := cmp.Diff([]string{"a,answered,\"two\nlines\",00:01:09", "b,,,", "c,x", `d,"e"f,g,h`, "i,notanswered,,"}, raw); d != "" {
		t.Error(d)
	}
	if got := string(rows.Head()); got != "Call_ID, call_status ,recording note,call_duration" {
		t.Errorf("the head is %q", got)
	}
	for text, says := range map[string]string{
		"": "empty", "id,status\n": "no column is named call_id", "call_id,did,DID\n": `two columns are named "did"`, "\"a\n": "line of names",
	} {
		if _, err := backfill.CSV(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// ledger merges as the store does, roughly: one report a call.
type ledger struct {
	mu   sync.Mutex
	seen map[string]engine.Completion
	fail error
}

func (l *ledger) Complete(_ context.Context, c *engine.Completion) (engine.CompletionResult, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fail != nil {
		return "", l.fail
	}
	old, known := l.seen[c.CallID]
	l.seen[c.CallID] = *c
	switch {
	case !known:
		return engine.Stored, nil
	case old.Status != c.Status:
		return engine.Updated, nil
	}
	return engine.Duplicate, nil
}

func taker(t testing.TB, l *ledger) backfill.Taker {
	numbers, err := engine.NewNumbers("IN")
	if err != nil {
		t.Fatal(err)
	}
	return backfill.Taker{Parser: alohaa.Parser{Numbers: numbers}, Complete: l.Complete, Now: func() time.Time { return time.Unix(1763802300, 0) }}
}

func TestBatches(t *testing.T) {
	l := &ledger{seen: map[string]engine.Completion{}}
	lines := func(text ...string) (out [][]byte) {
		for _, s := range text {
			out = append(out, []byte(s))
		}
		return out
	}
	first := lines(
		`{"call_id":"a","caller_number":"+91 99889 12345","did":"918645658689","call_status":"answered","call_duration":"00:01:09","received_at":"2023-02-28T06:48:01.000Z"}`,
		`{"call_id":"b","call_status":"notanswered"}`, `rubbish`, `{"caller_number":"9988912345"}`)
	got, err := taker(t, l).Batch(t.Context(), first)
	if err != nil {
		t.Fatal(err)
	}
	if got.Stored != 2 || got.Duplicate != 0 || len(got.Rejected) != 2 || got.Rejected[0].Line != 3 || got.Rejected[1].Line != 4 {
		t.Errorf("%+v", got)
	}
	for _, r := range got.Rejected {
		if strings.Contains(r.Why, "99889") || r.Why == "" {
			t.Errorf("it says %q", r.Why)
		}
	}
	if a := l.seen["a"]; a.Caller.Canonical != "9988912345" || a.Duration != 69 || a.ReceivedAt != 1677566881000000000 || a.Arrived != 1763802300000000000 || !json.Valid(a.Raw.Body) {
		t.Errorf("%+v", a)
	}
	first[1] = []byte(`{"call_id":"b","call_status":"answered"}`)
	if got, err = taker(t, l).Batch(t.Context(), first); err != nil || got.Updated != 1 || got.Duplicate != 1 {
		t.Errorf("again: %+v, %v", got, err)
	}
	l.fail = engine.ErrUnavailable
	if _, err = taker(t, l).Batch(t.Context(), first); !errors.Is(err, engine.ErrUnavailable) {
		t.Errorf("a failing disk: %v", err)
	}
}

// A date in another country's order must not make a year of calls one of today.
func TestACallOfThePastHasADate(t *testing.T) {
	l := &ledger{seen: map[string]engine.Completion{}}
	got, err := taker(t, l).Batch(t.Context(), [][]byte{
		[]byte(`{"call_id":"a","received_at":"22/11/2025 06:48","ended_at":"22/11/2025 06:49"}`),
		[]byte(`{"call_id":"b","ended_at":"22 Nov 2025"}`),
		[]byte(`{"call_id":"c","received_at":"22/11/2025 06:48","ended_at":"2025-11-22T06:49:00Z"}`), // one will do
		[]byte(`{"call_id":"d","received_at":"","ended_at":null,"answered_at":"22/11/2025"}`),        // as the provider may report it
		[]byte(`{"call_id":"e"}`),
	})
	if err != nil || got.Stored != 3 || len(got.Rejected) != 2 {
		t.Fatalf("%+v, %v", got, err)
	}
	for i, name := range []string{"received_at", "ended_at"} {
		if r := got.Rejected[i]; r.Line != i+1 || !strings.HasPrefix(r.Why, name+" can't be read") || strings.Contains(r.Why, "22/") {
			t.Errorf("%+v", r)
		}
	}
}

func FuzzRows(f *testing.F) {
	f.Add("call_id,a\n1,2\n\"3\n,4")
	f.Add("{\"call_id\":1}\n\n")
	f.Add("call_id\n\"\n")
	f.Fuzz(func(t *testing.T, text string) {
		sources := []backfill.Rows{backfill.JSON(strings.NewReader(text))}
		if rows, err := backfill.CSV(strings.NewReader(text)); err == nil {
			sources = append(sources, rows)
		}
		for _, rows := range sources {
			last := 0
			kept := rows.Head()
			for _, row := range read(t, rows) {
				if row.Line <= last && len(row.Raw) > 0 || (row.Err == nil) != (row.Report != nil) {
					t.Fatalf("line %d after %d, report %q, error %v", row.Line, last, row.Report, row.Err)
				}
				last = row.Line
				kept = append(kept, row.Raw...)
			}
			// Nothing of the file is lost but blanks between lines.
			if want, got := letters(text), letters(string(kept)); slices.Compare(want, got) != 0 {
				t.Fatalf("%q is given back as %q", want, got)
			}
		}
	})
}

func letters(s string) (out []byte) {
	for _, b := range []byte(s) {
		if ' ' < b && b < 0x7f { // the rest may be a mark at the beginning, or end a line
			out = append(out, b)
		}
	}
	return out
}

package export_test

import (
	"encoding/csv"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"switchboard/engine"
	"switchboard/server/export"
)

var ist = time.FixedZone("IST", 5*3600+1800)

func TestCSV(t *testing.T) {
	at := time.Date(2025, 11, 22, 9, 5, 0, 0, time.UTC)
	var b strings.Builder
	w := export.CSV(&b, ist)
	calls := []*engine.Call{
		{CallID: `a,"b"`, Caller: "9988912345", DID: "918645658689", Receiver: "+14155552671", Status: engine.StatusAnswered,
			RoutedAt: at.UnixNano(), EndedAt: at.Add(time.Minute).UnixNano(), Duration: 0, Reason: "sticky", Source: engine.SourcePolicy},
		{CallID: "orphan", Arrived: at.UnixNano(), Duration: engine.NoDuration, Status: engine.StatusOther},
	}
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
	rows, err := csv.NewReader(strings.NewReader(b.String())).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	want := [][]string{
		export.Columns,
		{`a,"b"`, "2025-11-22T14:35:00+05:30", "2025-11-22T14:35:00+05:30", "", "2025-11-22T14:36:00+05:30", "9988912345", "918645658689",
			"+14155552671", "answered", "0", "sticky", "policy", ""},
		{"orphan", "2025-11-22T14:35:00+05:30", "", "", "", "", "", "", "other", "", "", "", ""},
	}
	if d := cmp.Diff(want, rows); d != "" {
		t.Error(d)
	}
}

// What comes from outside or from a policy must not run in a spreadsheet.
func TestNoCellIsAFormula(t *testing.T) {
	for _, text := range []string{
		`=HYPERLINK("http://evil")`, "+1+cmd|' /C calc'!A0", "-2+3", "@SUM(1)", "\t=1", "\r=1", "\n=1", "+", "+1-1", "＝1+1", "＋1", "－1", "＠SUM(1)",
	} {
		var b strings.Builder
		w := export.CSV(&b, ist)
		if err := w.Call(&engine.Call{CallID: text, Caller: text, Receiver: text, Reason: text, HangupCause: text, Source: engine.Source(text), DID: text}); err != nil {
			t.Fatal(err)
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		rows, err := csv.NewReader(strings.NewReader(b.String())).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		for i, cell := range rows[0] {
			if cell != "" && strings.ContainsRune("=+-@\t\r\n＝＋－＠", []rune(cell)[0]) {
				t.Errorf("%q stands in column %s as %q", text, export.Columns[i], cell)
			}
		}
	}
}

func TestNDJSON(t *testing.T) {
	var b strings.Builder
	w := export.NDJSON(&b)
	for _, id := range []string{"a<b>\n", "c"} {
		if err := w.Call(&engine.Call{CallID: id, Status: engine.StatusInFlight, Duration: engine.NoDuration}); err != nil {
			t.Fatal(err)
		}
	}
	lines := strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
	if len(lines) != 2 {
		t.Fatalf("%d lines: %q", len(lines), b.String())
	}
	var got struct {
		CallID   string `json:"call_id"`
		Duration *int   `json:"duration_seconds"`
	}
	if err := json.Unmarshal([]byte(lines[0]), &got); err != nil || got.CallID != "a<b>\n" || got.Duration != nil {
		t.Errorf("%s: %+v, %v", lines[0], got, err)
	}
}

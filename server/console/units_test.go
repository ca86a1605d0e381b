package console

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"switchboard/engine"
)

// What is sealed comes back, says nothing of itself, and is the same each time;
// what another process sealed, or anybody made up, is nothing.
func TestSeal(t *testing.T) {
	s, other := newSeal(), newSeal()
	rapid.Check(t, func(t *rapid.T) {
		number := rapid.StringMatching(`\+?[0-9]{4,15}|[a-z* ]{6,20}`).Draw(t, "number")
		ref := s.of(number)
		if got, ok := s.number(ref); !ok || got != number {
			t.Fatalf("%q came back as %q", number, got)
		}
		if ref != s.of(number) || strings.Contains(ref, number) {
			t.Fatalf("the reference of %q is %q", number, ref)
		}
		if got, ok := other.number(ref); ok || got != "" {
			t.Fatalf("another process reads %q", got)
		}
		made := rapid.String().Draw(t, "made up")
		if got, ok := s.number(made); ok && made != s.of(got) {
			t.Fatalf("%q is read as %q", made, got)
		}
	})
	if s.of("") != "" {
		t.Error("nobody has a reference")
	}
}

// Visits are bounded: the one idle for longest goes.
func TestVisitsAreBounded(t *testing.T) {
	now := time.Unix(1763802300, 0)
	v := newVisits(func() time.Time { return now })
	r := httptest.NewRequest("GET", "/", nil)
	first := v.begin(httptest.NewRecorder(), r, "a")
	for range maxVisits + 10 {
		now = now.Add(time.Second)
		v.begin(httptest.NewRecorder(), r, "a")
	}
	if len(v.kept) != maxVisits || v.kept[first] != nil {
		t.Errorf("%d visits are kept, the first of them: %v", len(v.kept), v.kept[first] != nil)
	}
	now = now.Add(visitLength + time.Second)
	if v.begin(httptest.NewRecorder(), r, "a"); len(v.kept) != 1 {
		t.Errorf("%d visits are kept though all but one are over", len(v.kept))
	}
}

func TestEyes(t *testing.T) {
	masked, open := eyes{seal: newSeal()}, eyes{seal: newSeal(), open: time.Unix(1, 0)}
	if got := masked.number("9988912345").Text; got != "…2345" {
		t.Errorf("masked: %q", got)
	}
	if got := open.number("9988912345").Text; got != "9988912345" {
		t.Errorf("revealed: %q", got)
	}
	document := json.RawMessage(`{"9988912345": ["+919988912345", 1763802300], "at": {"unix": 1763802300}}`)
	if got := masked.document(document); strings.Contains(got, "99889") || strings.Count(got, "1763802300") != 2 {
		t.Errorf("a document: %s", got)
	}
	const link = "https://records.example/a.mp3"
	for _, body := range []string{`{"url": "` + link + `"}`, `{"url": "` + strings.ReplaceAll(link, "/", `\/`) + `"}`} {
		if got := open.payload(body, link); strings.Contains(got, "a.mp3") {
			t.Errorf("the recording shows in %s", got)
		}
	}
	if got := masked.payload("\xff9988912345", ""); got != "\uFFFD…2345" {
		t.Errorf("no text: %q", got)
	}
}

func TestExcerpt(t *testing.T) {
	const text = "a\nb\nc\nd\ne\nf\n\ng\n"
	for line, want := range map[int]string{1: "1* 2 3 4 5 6", 5: "2 3 4 5* 6", 8: "5 6 7 8*", 0: "", 99: ""} {
		var got []string
		for _, l := range excerpt(text, line) {
			mark := ""
			if l.Here {
				mark = "*"
			}
			got = append(got, fmt.Sprint(l.N)+mark)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("line %d: %v, want %s", line, got, want)
		}
	}
}

func TestHeat(t *testing.T) {
	rows := heat([]engine.StatsHour{
		{Weekday: "monday", Hour: 9, StatsTotals: engine.StatsTotals{Offered: 100, Answered: 80}},
		{Weekday: "monday", Hour: 10, StatsTotals: engine.StatsTotals{Offered: 20}},
		{Weekday: "sunday", Hour: 23, StatsTotals: engine.StatsTotals{Offered: 1}},
	})
	if len(rows) != 7 || rows[0].Weekday != "Mon" || rows[0].Cells[9].Level != 5 || rows[0].Cells[10].Level != 1 ||
		rows[0].Cells[11].Level != 0 || rows[6].Cells[23].Level != 1 {
		t.Errorf("%+v", rows)
	}
	if rows = heat(nil); len(rows) != 7 || len(rows[3].Cells) != 24 {
		t.Errorf("of nothing: %+v", rows)
	}
}

func TestTexts(t *testing.T) {
	for got, want := range map[string]string{
		count(0): "0", count(999): "999", count(1000): "1,000", count(-1234567): "-1,234,567",
		plural(1, "call"): "1 call", plural(2, "entry"): "2 entries", share(1, 3): "33.3 %", share(0, 0): "—",
		secondsText(-1): "—", secondsText(59): "59 s", secondsText(61): "1 min 01 s", secondsText(3660): "1 h 01 min",
		bytesText(999): "999 B", bytesText(16_800_000): "16.8 MB", milliseconds(0): "—", milliseconds(1234 * time.Microsecond): "1.23 ms",
		milliseconds(250 * time.Millisecond): "250 ms", daysText(400 * 24 * time.Hour): "400 days", daysText(time.Hour): "1 hour",
		formulaFree("=1+1"): "'=1+1", formulaFree("sticky"): "sticky", shortRevision("sha256:0123456789abcdef"): "0123456789",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestDiffLines(t *testing.T) {
	got := diffLines("diff a b\n--- a\n+++ b\n@@ -1,2 +1,2 @@\n same\n-old\n+new\n--- a line of dashes\n")
	want := []diffLine{{"place", "@@ -1,2 +1,2 @@"}, {"", " same"}, {"del", "-old"}, {"add", "+new"}, {"del", "--- a line of dashes"}}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%q", got)
	}
}

package erase_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"switchboard/engine"
	"switchboard/engine/erase"
)

var numbers = func() *engine.Numbers {
	n, err := engine.NewNumbers("IN")
	if err != nil {
		panic(err)
	}
	return n
}()

func person(t testing.TB, spelling string) *erase.Person {
	t.Helper()
	p, err := erase.New(numbers.Person(spelling))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// spellings are all that were met in the wild, and some more.
var spellings = []string{
	"9988912345", "919988912345", "+919988912345", "09988912345", "0919988912345", "00919988912345",
	"+91 99889 12345", "+91-99889-12345", "+91 (998) 891-2345", "99889.12345", "%2B919988912345", "%2B91%2099889%2012345",
	"99889+12345", "+91\u00a099889\u00a012345", "+91\u201199889\u201112345",
	"+91%C2%A099889%c2%a012345", "99889\u200b12345", "99889\u221212345", "+91\u2060 99889\u206912345",
}

// What a program writes that keeps its JSON in ASCII, or escapes what needs none.
var escaped = []string{
	`+91\u00a099889\u00A012345`, `99889\u201112345`, `+91\u202f99889\u200b12345`, `99889\/12345`, `99889\t12345`, `{\"n\": \"99889\\u00a012345\"}`,
}

func TestEscapedSpellingsAreFound(t *testing.T) {
	p := person(t, "9988912345")
	for _, s := range escaped {
		text := []byte(`{"n": "call ` + s + ` now"}`)
		if !json.Valid(text) {
			t.Fatalf("%s is no JSON", text)
		}
		out, n := p.JSON(text)
		if n == 0 || !json.Valid(out) || bytes.Contains(out, []byte("12345")) {
			t.Errorf("%s becomes %s (%d)", text, out, n)
		}
		if out, n := p.Text(text); n == 0 || !json.Valid(out) || bytes.Contains(out, []byte("12345")) {
			t.Errorf("as a text %s becomes %s (%d)", text, out, n)
		}
	}
}

// Whatever may stand between the digits where numbers are read is passed over
// where they are erased: as it is, and escaped.
func TestWhatSeparatesDigits(t *testing.T) {
	p := person(t, "9988912345")
	for r := rune(1); r < 0x3100; r++ {
		spelling := "99889" + string(r) + "12345"
		if '0' <= r && r <= '9' || !numbers.Person("+91"+spelling).Valid {
			continue
		}
		for _, text := range []string{spelling, fmt.Sprintf(`99889\u%04x12345`, r), "99889" + url.PathEscape(string(r)) + "12345", "99889" + url.QueryEscape(string(r)) + "12345"} {
			if !p.In([]byte(text)) {
				t.Errorf("%q is not found, and %q is the person's number", text, spelling)
			}
		}
	}
}

func TestEverySpellingIsFound(t *testing.T) {
	for _, of := range spellings[:8] {
		p := person(t, of)
		if p.Canonical() != "9988912345" {
			t.Fatalf("%q is %q", of, p.Canonical())
		}
	}
	p := person(t, "9988912345")
	for _, s := range spellings {
		for _, frame := range []string{"%s", "call %s now", `{"n": "%s"}`, "https://rec.example.com/a/%s_2025-11-22.mp3", "caller=%s&did=918645658689", "%s,%[1]s"} {
			text := fmt.Sprintf(frame, s)
			if !p.In([]byte(text)) {
				t.Errorf("not found in %q", text)
				continue
			}
			got, n := p.Text([]byte(text))
			want := fmt.Sprintf(frame, engine.Erased)
			if string(got) != want || n != strings.Count(want, engine.Erased) {
				t.Errorf("%q becomes %q (%d), want %q", text, got, n, want)
			}
		}
	}
}

func TestOthersAreLeftAlone(t *testing.T) {
	p := person(t, "9988912345")
	for _, text := range []string{
		"", "9988912346", "99889xxxxx", "+449988912345", "99889123451", "1763998891234500", "918645658689", "99889:12345", "99889, 12345",
	} {
		if got, n := p.Text([]byte(text)); n != 0 || string(got) != text {
			t.Errorf("%q becomes %q", text, got)
		}
	}
	// In running text a digit too much is no excuse.
	if got, n := p.Text([]byte("rec-20251122099889123451.mp3")); n != 1 || strings.Contains(string(got), "9988912345") {
		t.Errorf("%q", got)
	}
	other := engine.Number{Canonical: "+449988912345", Raw: "+449988912345", E164: "+449988912345", Valid: true}
	was := other
	if n := p.Value(&other); n != 0 || other != was {
		t.Errorf("another person became %+v", other)
	}
}

func TestWhoCanNotBeFound(t *testing.T) {
	for _, s := range []string{"", "anonymous", "99889xxxxx", "abc"} {
		if _, err := erase.New(numbers.Person(s)); err == nil {
			t.Errorf("%q: no error", s)
		}
	}
	if _, err := erase.New(engine.Number{Canonical: "12345", E164: "+9112345", Valid: true}); err == nil {
		t.Error("five digits are somebody")
	}
	foreign := person(t, "+14155552671")
	for _, s := range []string{"+14155552671", "+1 415-555-2671", "0014155552671", "14155552671"} {
		if got, n := foreign.Text([]byte(s)); n != 1 || string(got) != engine.Erased {
			t.Errorf("%q becomes %q", s, got)
		}
	}
}

func TestValues(t *testing.T) {
	rec := &engine.DecisionRecord{
		CallID: "c1", Caller: numbers.Person("+91 99889 12345"), DID: numbers.DID("918645658689"),
		Decision: engine.Decision{
			Number: "9876543210", Reason: "sticky", Detail: "0 99889 12345 is busy",
			Tags:    map[string]string{"who": "9988912345", "order": "17", "n9988912345": "x"},
			Skipped: []engine.Skipped{{Number: "9988912345", Why: "busy"}, {Number: "9876543211", Why: "away"}},
		},
		Evaluation: engine.Evaluation{
			Input: json.RawMessage(`{"caller_number":"9988912345","n":9988912345,"at":1763802300000000000,"f":1.50,"did":"918645658689"}`),
			Read:  []string{"history/callers/9988912345/last_answered", "history/dids/918645658689"},
			Fired: []engine.Fired{{Rule: "r", Labels: map[string]any{"list": []any{"9988912345", 5.0, nil, map[string]any{"9988912345": true}}}}},
		},
		Raw: engine.Payload{Body: []byte(`{"caller_number": "0091-99889-12345"}`)},
	}
	n := person(t, "9988912345").Value(rec)
	if n != 11 {
		t.Errorf("found %d times", n)
	}
	text, err := json.Marshal(rec)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), "9988912345") || strings.Contains(string(rec.Raw.Body), "99889") {
		t.Errorf("the number is still in %s\n%s", text, rec.Raw.Body)
	}
	if d := cmp.Diff(engine.Number{Canonical: engine.Erased, Raw: engine.Erased}, rec.Caller); d != "" {
		t.Error(d)
	}
	want := `{"at":1763802300000000000,"caller_number":"erased","did":"918645658689","f":1.50,"n":"erased"}`
	if string(rec.Evaluation.Input) != want {
		t.Errorf("input %s", rec.Evaluation.Input)
	}
	if rec.Decision.Number != "9876543210" || rec.Decision.Tags["order"] != "17" || rec.Decision.Tags["nerased"] != "x" || rec.Decision.Skipped[1].Number != "9876543211" {
		t.Errorf("%+v", rec.Decision)
	}
	if again := person(t, "9988912345").Value(rec); again != 0 {
		t.Errorf("found again %d times", again)
	}
}

func TestGarbageInThePlaceOfANumber(t *testing.T) {
	n := numbers.Person("tel:9988912345;x")
	if n.Valid {
		t.Skip("it is read as a number now")
	}
	if got := person(t, "9988912345").Value(&n); got != 1 || strings.Contains(n.Raw+n.Canonical, "99889") {
		t.Errorf("%d, %+v", got, n)
	}
}

// Whatever a number is buried in: found before, gone after, the rest untouched.
func TestNothingIsLeft(t *testing.T) {
	p := person(t, "9988912345")
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOf(rapid.OneOf(
			rapid.SampledFrom(spellings), rapid.StringMatching(`[a-z "/:?&=<>{}\\]{0,8}`), rapid.SampledFrom([]string{"99889", "9876543210", "é", "\x00"}),
		)).Draw(t, "parts")
		text := []byte(strings.Join(parts, ";"))
		held := false
		for _, part := range parts {
			held = held || p.In([]byte(part))
		}
		if held && !p.In(text) {
			t.Fatalf("%q hides the number", text)
		}
		out, n := p.Text(text)
		if p.In(out) || (n == 0) != bytes.Equal(text, out) {
			t.Fatalf("%q becomes %q (%d)", text, out, n)
		}
		quoted, err := json.Marshal(map[string]any{"s": string(text), "l": []string{string(text)}})
		if err != nil {
			t.Fatal(err)
		}
		cleaned, _ := p.JSON(quoted)
		if !json.Valid(cleaned) || p.In(cleaned) {
			t.Fatalf("%s becomes %s", quoted, cleaned)
		}
	})
}

func FuzzText(f *testing.F) {
	for _, s := range spellings {
		f.Add([]byte(s), []byte("x"+s+"y"))
	}
	p := person(f, "9988912345")
	f.Fuzz(func(t *testing.T, a, b []byte) {
		for _, text := range [][]byte{a, b, append(append(a[:len(a):len(a)], "9988912345"...), b...)} {
			out, _ := p.Text(text)
			if bytes.Contains(out, []byte("9988912345")) && !bytes.Equal(out, text) {
				t.Fatalf("%q becomes %q", text, out)
			}
			if out, _ := p.JSON(text); json.Valid(text) && !json.Valid(out) {
				t.Fatalf("%q becomes %q, which is no JSON", text, out)
			}
		}
	})
}

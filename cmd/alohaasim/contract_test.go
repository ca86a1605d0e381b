package main

import (
	"encoding/json"
	"strings"
	"testing"
)

var called = &call{id: "p-1", did: "918645658689", caller: "9988912345"}

func TestReadAnswer(t *testing.T) {
	ok := func(body string) reply { return reply{status: 200, contentType: jsonType, body: []byte(body)} }
	for body, want := range map[string]string{
		goodBody: "9876543210",
		" {\"response\":{\"call_timeout\":86400,\"call_forwarding_number\":\"+14155552671\"}}\n": "+14155552671",
	} {
		got, faults := readAnswer(ok(body), called)
		if got.number != want || got.rejected || len(faults) > 0 {
			t.Errorf("%s: %+v, %v", body, got, faults)
		}
	}
	for body, why := range map[string]string{
		"":                                "not a JSON object",
		"null":                            "not a JSON object",
		"[]":                              "not a JSON object",
		`"text"`:                          "not a JSON object",
		`{"response": null}`:              "response: not a JSON object",
		`{}`:                              `"response" is missing`,
		`{"response": {}}`:                `"call_forwarding_number" is missing`,
		goodBody + "{}":                   "something follows",
		strings.TrimSuffix(goodBody, "}"): "not valid JSON",
		strings.Replace(goodBody, "0}", "0, }", 1):                     "not valid JSON",
		strings.Replace(goodBody, "0}}", `0}, "ok": true}`, 1):         `"ok" is one too many`,
		strings.Replace(goodBody, "response", "Response", 1):           `"Response" is one too many`,
		strings.Replace(goodBody, "0}", `0, "call_timeout": 0}`, 1):    `"call_timeout" is one too many`,
		strings.Replace(goodBody, `"9876543210"`, "null", 1):           "not a string",
		strings.Replace(goodBody, `: 0`, `: "0"`, 1):                   "not an integer",
		strings.Replace(goodBody, `: 0`, `: 0.0`, 1):                   "not an integer",
		strings.Replace(goodBody, `: 0`, `: null`, 1):                  "not an integer",
		strings.Replace(goodBody, `: 0`, `: -1`, 1):                    "not an integer",
		strings.Replace(goodBody, `: 0`, `: 86401`, 1):                 "not an integer",
		strings.Replace(goodBody, "9876543210", "98765 43210", 1):      "no number",
		strings.Replace(goodBody, "9876543210", "12", 1):               "no number",
		strings.Replace(goodBody, "9876543210", "1234567890123456", 1): "no number",
		strings.Replace(goodBody, "9876543210", "99889xxxxx", 1):       "no number",
		strings.Replace(goodBody, "9876543210", "+918645658689", 1):    "DID that was called",
	} {
		_, faults := readAnswer(ok(body), called)
		if len(faults) != 1 || !strings.Contains(faults[0].detail, why) {
			t.Errorf("%s: %v, want %q", body, faults, why)
		}
	}
	// Two things can be wrong at once.
	if _, faults := readAnswer(reply{status: 200, contentType: "text/html", body: []byte("<p>")}, called); len(faults) != 2 {
		t.Errorf("got %v", faults)
	}
	if _, faults := readAnswer(reply{status: 200, contentType: "application/json; charset=utf-8", body: []byte(goodBody)}, called); len(faults) != 0 {
		t.Errorf("a charset is no fault: %v", faults)
	}
}

func TestReadResult(t *testing.T) {
	for body, want := range map[string]string{
		`{"status": "stored"}`: "stored", `{"status":"duplicate"}`: "duplicate", `{"status": "updated"}`: "updated",
		`{"status": "Stored"}`: "", `{"status": null}`: "", `{}`: "", "": "", `{"status": "stored", "status": "stored"}`: "",
	} {
		got, faults := readResult(reply{status: 200, contentType: jsonType, body: []byte(body)})
		if got != want || (want == "") != (len(faults) == 1) {
			t.Errorf("%s: %q, %v", body, got, faults)
		}
	}
}

func TestExcerptIsShortAndPlain(t *testing.T) {
	if got := excerpt([]byte("a\n\tb\xff")); got != "a b?" {
		t.Errorf("got %q", got)
	}
	if got := excerpt([]byte(strings.Repeat("ü", 500))); len(got) > 170 || !strings.HasSuffix(got, "ü…") {
		t.Errorf("got %q", got)
	}
	if got := excerpt(nil); got != "(empty)" {
		t.Errorf("got %q", got)
	}
}

// What passes is valid JSON that an ordinary parser reads the same way.
func FuzzReadForwarding(f *testing.F) {
	for _, seed := range []string{goodBody, `{"response":{}}`, "", goodBody + " x", `{"response": {"call_forwarding_number": "\u0039", "call_timeout": 25}}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		number, err := readForwarding(body)
		if err != nil {
			return
		}
		var plain map[string]map[string]any
		if err := json.Unmarshal(body, &plain); err != nil {
			t.Fatalf("accepted %q: %v", body, err)
		}
		inner := plain["response"]
		if len(plain) != 1 || len(inner) != 2 || inner["call_forwarding_number"] != number {
			t.Fatalf("accepted %q as %q", body, number)
		}
	})
}

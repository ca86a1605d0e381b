package main

import (
	"math/rand/v2"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var end = time.Date(2025, 11, 22, 9, 5, 0, 123e6, time.UTC)

// decode reads a message the way a tolerant server does.
func decode(t interface{ Fatal(...any) }, m message) map[string]string {
	r := httptest.NewRequest(m.method, "/?"+m.query.Encode(), nil)
	r.Header.Set("Content-Type", m.contentType)
	in, err := decodePayload(r, m.body)
	if err != nil {
		t.Fatal(err, string(m.body))
	}
	return in
}

func anyStyle(t *rapid.T) style {
	return drawStyle(rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "style"), 0)))
}

// Whatever the style, the server reads the same call.
func TestEveryStyleTellsTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := call{
			id: "p-000001", did: "918645658689", caller: "9988912345",
			answered: rapid.Bool().Draw(t, "answered"), talk: 69 * time.Second, ring: 5 * time.Second,
			masked: rapid.Bool().Draw(t, "masked"), end: anyStyle(t),
		}
		if !c.answered {
			c.talk = 0
		}
		in := decode(t, c.initiation(anyStyle(t)))
		if in["call_id"] != c.id || in["did"] != "8645658689" || in["caller_number"] != c.caller {
			t.Fatal("initiation reads", in)
		}
		m := c.completion("9876543210", end)
		out := decode(t, m)
		if m.method != "POST" || out["call_id"] != c.id || out["did"] != "8645658689" ||
			out["ended_at"] != "2025-11-22T09:05:00.123Z" || out["received_at"] != stamp(end.Add(-c.ring-c.talk)) {
			t.Fatal("completion reads", m.method, out)
		}
		status := strings.ToLower(strings.ReplaceAll(out["call_status"], " ", ""))
		if c.answered != (status == "answered") || !c.answered && status != "notanswered" && status != "unanswered" {
			t.Fatal("status reads", status)
		}
		if d := out["call_duration"]; c.answered && d != "69" && d != "00:01:09" {
			t.Fatal("duration reads", d)
		}
		switch whole := string(m.body); {
		case !c.masked && (out["caller_number"] != c.caller || out["receiver_number"] != "9876543210"):
			t.Fatal("numbers read", out)
		case c.masked && (strings.Contains(whole, c.caller) || strings.Contains(whole, "9876543210")):
			t.Fatal("a masked completion tells a number:", whole)
		case c.masked && !strings.ContainsAny(out["caller_number"], "xX"):
			t.Fatal("not masked:", out)
		}
	})
}

func TestStylesMeetEveryForm(t *testing.T) {
	plan := newPlanner(flags(t, append(everything, "--spelling", "--anonymous", "0.2")...), "p")
	seen := map[string]bool{}
	for i := range 2000 {
		c := plan.call(i)
		for _, m := range []message{c.initiation(c.first), c.completion("9876543210", end)} {
			seen[m.method+" "+m.contentType] = true
			body := string(m.body)
			for _, form := range []string{`"did":`, `"did_number":`, `// or`, `/* or none */`, `"recording_url"`, `"call_recording_url"`,
				`"answered_at"`, `"Answered"`, `"UNANSWERED"`, `"not answered"`, `"call_duration": null`, `"call_duration": ""`,
				`"hangup_cause"`, `"metadata": {`, `"+91-`, `"0091`, `"091`, `"did": 91`, `"caller_number": null`, `"caller_number": ""`,
				`"withheld"`, `XXXX`, `&a=b`, `%26a%3Db`, `&did=`} {
				seen[form] = seen[form] || strings.Contains(body, form)
			}
			seen["no caller"] = seen["no caller"] || m.method == "POST" && !strings.Contains(body, "caller_number")
			seen["no duration"] = seen["no duration"] || strings.Contains(body, "call_status") && !strings.Contains(body, "call_duration")
			seen["form"] = seen["form"] || strings.HasPrefix(body, "call_") || strings.HasPrefix(body, "answered_at=")
		}
	}
	for form, met := range seen {
		if !met {
			t.Errorf("%s never occurs", form)
		}
	}
	for _, kind := range []string{"GET ", "POST ", "POST text/plain", "POST " + formType, "POST application/octet-stream", "POST application/json; charset=utf-8"} {
		if !seen[kind] {
			t.Errorf("%q never occurs", kind)
		}
	}
}

func TestCompletionBeforeTheAnswerNamesNoReceiver(t *testing.T) {
	c := call{id: "p-1", did: "918645658689", caller: "9988912345", end: documented}
	out := decode(t, c.completion("", end))
	if out["receiver_number"] != "00000xxxxx" || out["caller_number"] != "9988912345" {
		t.Error(out)
	}
}

func TestDurationForms(t *testing.T) {
	c := call{answered: true, talk: 3*time.Hour + 4*time.Minute + 5*time.Second}
	if got := c.duration(); got != "03:04:05" {
		t.Error(got)
	}
	c = call{end: style{duration: 5}}
	if got := c.duration(); got != (absent{}) {
		t.Error(got)
	}
}

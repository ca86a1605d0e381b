package alohaa

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"switchboard/engine"
)

func complete(t *testing.T, body string) *engine.Completion {
	t.Helper()
	c, err := parser(t).Completion(post(body), arrived)
	if err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	return c
}

func utc(t *testing.T, s string) int64 {
	t.Helper()
	at, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		t.Fatal(err)
	}
	return at.UnixNano()
}

func extra(pairs ...string) map[string]json.RawMessage {
	m := map[string]json.RawMessage{}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = json.RawMessage(pairs[i+1])
	}
	return m
}

func masked(raw string) engine.Number {
	return engine.Number{Canonical: strings.ToLower(raw), Raw: raw}
}

func TestCompletionSamples(t *testing.T) {
	current := engine.Completion{
		CallID: "65015fbd9c9a62XXXXXXX", Caller: masked("905293XXXX"), Receiver: masked("967650XXXX"), DID: masked("91806973XXXX"),
		Status: engine.StatusAnswered, ReceivedAt: utc(t, "2023-02-28T06:48:01Z"), EndedAt: utc(t, "2023-02-28T06:49:10Z"),
		Duration: 69, RecordingURL: "https://doosra-ivr-voicemails.s3.ap-south-1.amazonaws.com/.....",
		Extra: extra("organisation_id", `"89311a60-ee25-11ec-xxxxxx"`), Arrived: arrived,
	}
	sibling := current
	sibling.Duration = 30
	sibling.HangupCause = "initiator_disconnected"
	sibling.Extra = extra("organisation_id", `"89311a60-ee25-11ec-xxxxxx"`, "call_type", `"outgoing"`, "agent_name", `"kumarxxxxx"`,
		"initiator_ring_duration", "2", "receiver_ring_duration", "24", "total_ring_duration", "26")
	for name, want := range map[string]engine.Completion{
		"completion-current.jsonc": current,
		"sibling-outgoing.jsonc":   sibling,
		"completion-older.json": {
			CallID: "434173d4-4186-4cdd-9ba6-9fbf9d79865c", Caller: masked("99889xxxxx"), Receiver: masked("23672xxxxx"),
			DID:    engine.Number{Canonical: "918645658689", Raw: "918645658689", E164: "+918645658689", Country: "IN", Valid: true},
			Status: engine.StatusAnswered, AnsweredAt: utc(t, "2024-02-29T07:43:03.548Z"), Duration: engine.NoDuration, Arrived: arrived,
		},
	} {
		body := sample(t, name)
		want.Raw = engine.Payload{Type: "application/json", Body: body}
		if diff := cmp.Diff(&want, complete(t, string(body))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// "curl -d @sample" posts a file without its line breaks.
func TestSamplesWithoutLineBreaks(t *testing.T) {
	for _, name := range []string{"completion-current.jsonc", "sibling-outgoing.jsonc"} {
		whole := string(sample(t, name))
		flat := strings.NewReplacer("\r", "", "\n", "").Replace(whole)
		want, got := complete(t, whole), complete(t, flat)
		want.Raw, got.Raw = engine.Payload{}, engine.Payload{}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	for body, status := range map[string]engine.Status{
		`{"call_id": "1", "call_status": "answered" // the end}`:                             engine.StatusAnswered,
		`{"call_id": "1", // an id "call_status": "x" "call_status": "answered"}`:            "",
		`{"call_id": "1", "call_recording_url": "http://x/\"//", "call_status":"answered",}`: engine.StatusAnswered,
		`{"call_id": "1", // one "x": 1, // two "call_status": "answered", // three }`:       engine.StatusAnswered,
	} {
		c, err := parser(t).Completion(post(body), arrived)
		if status == "" {
			if err == nil {
				t.Errorf("%s was read", body)
			}
			continue
		}
		if err != nil || c.Status != status {
			t.Errorf("%s: %+v, %v", body, c, err)
		}
	}
}

func TestCompletionStatus(t *testing.T) {
	for raw, want := range map[string]engine.Status{
		`"answered"`: engine.StatusAnswered, `"Answered"`: engine.StatusAnswered, `"ANSWERED"`: engine.StatusAnswered, `" answered "`: engine.StatusAnswered,
		`"notanswered"`: engine.StatusNotAnswered, `"not answered"`: engine.StatusNotAnswered, `"not_answered"`: engine.StatusNotAnswered,
		`"NotAnswered"`: engine.StatusNotAnswered, `"UNANSWERED"`: engine.StatusNotAnswered, `"no answer"`: engine.StatusNotAnswered,
		`"no-answer"`: engine.StatusNotAnswered, `"noanswer"`: engine.StatusNotAnswered, `"missed"`: engine.StatusNotAnswered,
	} {
		if got := complete(t, `{"call_id": "1", "call_status": `+raw+`}`); got.Status != want || got.Extra != nil {
			t.Errorf("%s: %s, extra %s", raw, got.Status, got.Extra)
		}
	}
	for _, raw := range []string{`"Busy"`, `"answered by machine"`, `true`, `7`, `["answered"]`} {
		got := complete(t, `{"call_id": "1", "call_status": `+raw+`}`)
		if got.Status != engine.StatusOther || string(got.Extra["call_status"]) != raw {
			t.Errorf("%s: %s, extra %s", raw, got.Status, got.Extra)
		}
	}
	for _, body := range []string{`{"call_id": "1"}`, `{"call_id": "1", "call_status": null}`, `{"call_id": "1", "call_status": ""}`} {
		if got := complete(t, body); got.Status != engine.StatusOther || got.Extra != nil {
			t.Errorf("%s: %s, extra %s", body, got.Status, got.Extra)
		}
	}
}

func TestCompletionDuration(t *testing.T) {
	for raw, want := range map[string]int64{
		`30`: 30, `0`: 0, `30.9`: 30, `3e1`: 30, `"30"`: 30, `"30.9"`: 30, `"00:01:09"`: 69, `"01:09"`: 69, `"1:00:00"`: 3600, `"90:00"`: 5400,
		`"00:01:09.500"`: 69, `"00:00:00"`: 0, `" 12 "`: 12, `604800`: 604800,
	} {
		if got := complete(t, `{"call_id": "1", "call_duration": `+raw+`}`); got.Duration != want || got.Extra != nil {
			t.Errorf("%s: %d, extra %s", raw, got.Duration, got.Extra)
		}
	}
	for _, raw := range []string{`-1`, `"-1"`, `"+5"`, `"1:2"`, `"00:60"`, `"00:61:00"`, `"1:2:3:4"`, `"::"`, `"abc"`, `"30s"`, `"1.x"`, `"."`,
		`604801`, `1e300`, `99999999999999999999`, `true`, `{}`, `"00:-1:00"`, `"99999:00:00"`,
	} {
		got := complete(t, `{"call_id": "1", "call_duration": `+raw+`}`)
		if got.Duration != engine.NoDuration || string(got.Extra["call_duration"]) != raw {
			t.Errorf("%s: %d, extra %s", raw, got.Duration, got.Extra)
		}
	}
	// Never derived from the times, nor the other way round.
	got := complete(t, `{"call_id": "1", "call_duration": "", "received_at": "2023-02-28T06:48:01Z", "ended_at": "2023-02-28T06:49:10Z"}`)
	if got.Duration != engine.NoDuration || got.Extra != nil {
		t.Errorf("blank: %d, extra %s", got.Duration, got.Extra)
	}
	if got := complete(t, `{"call_id": "1", "call_duration": 20, "received_at": "2023-02-28T06:48:01Z"}`); got.EndedAt != 0 {
		t.Errorf("an end was made up: %d", got.EndedAt)
	}
}

func TestCompletionTimes(t *testing.T) {
	want := utc(t, "2023-02-28T06:48:01Z")
	for raw, more := range map[string]time.Duration{
		`"2023-02-28T06:48:01Z"`: 0, `"2023-02-28T06:48:01.000Z"`: 0, `"2023-02-28T06:48:01.548Z"`: 548 * time.Millisecond,
		`"2023-02-28T12:18:01+05:30"`: 0, `"2023-02-28T12:18:01+0530"`: 0, `"2023-02-28T12:18:01 05:30"`: 0,
		`"2023-02-28t06:48:01z"`: 0, `"2023-02-28 06:48:01"`: 0, `"2023-02-28 06:48:01.25"`: 250 * time.Millisecond,
		`"2023-02-28T06:48:01"`: 0, `"2023-02-28 12:18:01+05:30"`: 0, `"2023-02-28 12:18:01 +0530"`: 0, `"2023-02-28 12:18:01 +05:30"`: 0,
		`1677566881`: 0, `"1677566881"`: 0, `1.677566881e9`: 0, `1677566881.5`: 500 * time.Millisecond, `1677566881548`: 548 * time.Millisecond,
		`"1677566881000"`: 0,
	} {
		got := complete(t, `{"call_id": "1", "received_at": `+raw+`, "answered_at": `+raw+`, "ended_at": `+raw+`}`)
		if at := want + int64(more); got.ReceivedAt != at || got.AnsweredAt != at || got.EndedAt != at || got.Extra != nil {
			t.Errorf("%s: %s, extra %s", raw, time.Unix(0, got.ReceivedAt).UTC(), got.Extra)
		}
	}
	for _, raw := range []string{`"yesterday"`, `"28/02/2023 06:48"`, `"2023-02-30T06:48:01Z"`, `"0001-01-01T00:00:00Z"`, `"1970-01-01 00:00:00"`,
		`0`, `-1`, `9e18`, `99999999999999999999`, `"9999-12-31T23:59:59Z"`, `"1677566881."`, `"1677566881.x"`, `true`,
	} {
		got := complete(t, `{"call_id": "1", "ended_at": `+raw+`}`)
		if got.EndedAt != 0 || string(got.Extra["ended_at"]) != raw {
			t.Errorf("%s: %d, extra %s", raw, got.EndedAt, got.Extra)
		}
	}
}

func TestCompletionOtherFields(t *testing.T) {
	long := strings.Repeat("9", 65)
	got := complete(t, `{"call_id": 65015, "Hangup_Cause": "Receiver  Hangup", "did": "08645658689", "did_number": "918645658680",
		"recording_url": "https://example.com/a", "call_recording_url": "", "caller_number": 9988912345, "receiver_number": "`+long+`",
		"agent_name": null, "metadata": {"a": [1.50, "x"]}, "dtmfcode": true}`)
	if got.CallID != "65015" || got.HangupCause != "receiver_hangup" || got.DID.Canonical != "918645658689" ||
		got.RecordingURL != "https://example.com/a" || got.Caller.Canonical != "9988912345" || !got.Receiver.Anonymous {
		t.Errorf("got %+v", got)
	}
	want := extra("did_number", `"918645658680"`, "receiver_number", `"`+long+`"`, "agent_name", "null",
		"metadata", `{"a": [1.50, "x"]}`, "dtmfcode", "true")
	if diff := cmp.Diff(want, got.Extra); diff != "" {
		t.Errorf("extra (-want +got):\n%s", diff)
	}
	got = complete(t, `{"call_id": "1", "hangup_cause": "`+strings.Repeat("x", 129)+`", "did": "918645658689", "did_number": "918645658689"}`)
	if got.HangupCause != "" || len(got.Extra) != 1 {
		t.Errorf("got %q, extra %s", got.HangupCause, got.Extra)
	}
}

func TestCompletionFromAForm(t *testing.T) {
	got, err := parser(t).Completion(form("call_id=1&call_status=not+answered&call_duration=00:00:05&ended_at=2023-02-28T12:18:01+05:30&caller_number=+919988912345&x=1&x=2"), arrived)
	if err != nil {
		t.Fatal(err)
	}
	if got.Status != engine.StatusNotAnswered || got.Duration != 5 || got.EndedAt != utc(t, "2023-02-28T06:48:01Z") || got.Caller.Canonical != "9988912345" {
		t.Errorf("got %+v", got)
	}
	if diff := cmp.Diff(extra("x", `"2"`), got.Extra); diff != "" {
		t.Error(diff)
	}
}

func TestUnreadableCompletion(t *testing.T) {
	for body, want := range map[string]Cause{
		"": CauseSyntax, "{": CauseSyntax, "[]": CauseSyntax, "null": CauseSyntax,
		`{"call_status": "answered"}`: CauseNoCallID, `{"call_id": ""}`: CauseNoCallID, `{"call_id": null}`: CauseNoCallID,
		`{"call_id": {"id": 1}}`: CauseNoCallID, `{"call_id": false}`: CauseNoCallID,
		`{"call_id": "` + strings.Repeat("a", 257) + `"}`: CauseTooLong,
	} {
		got, err := parser(t).Completion(post(body), arrived)
		var unreadable *UnreadableError
		if got != nil || !errors.As(err, &unreadable) || unreadable.Cause != want {
			t.Errorf("%.40s: got %+v, %v", body, got, err)
		}
	}
}

package main

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"
)

// withheldSpellings are the ways a caller without a number is written; nil
// stands for null, absent for no field at all.
var withheldSpellings = []any{"anonymous", "", "unknown", "withheld", nil, absent{}}

type absent struct{}

// initiation is the question of a call. All styles ask the same.
func (c *call) initiation(s style) message {
	fields := make([]field, 0, 4)
	if caller := c.callerValue(s); caller != (absent{}) {
		fields = append(fields, field{"caller_number", caller})
	}
	fields = append(fields,
		field{didName("did", s), phone(spell(c.did, s.did), s.numeric)},
		field{"call_id", c.id})
	return encode(fields, s, true)
}

func (c *call) callerValue(s style) any {
	if c.caller == "" {
		return withheldSpellings[s.withheld]
	}
	return phone(spell(c.caller, s.caller), s.numeric)
}

func didName(usual string, s style) string {
	switch {
	case !s.otherDID:
		return usual
	case usual == "did":
		return "did_number"
	default:
		return "did"
	}
}

// Spellings of the two documented statuses, the documented ones first.
var (
	answeredSpellings    = []string{"answered", "Answered", "ANSWERED"}
	notAnsweredSpellings = []string{"notanswered", "not answered", "NOTANSWERED", "UNANSWERED", "Not Answered"}
)

// completion is the report on a call that ended at the given time. Receiver is
// the number that the server named; empty (not known yet) is sent masked.
func (c *call) completion(receiver string, ended time.Time) message {
	s := c.end
	caller, callee := c.callerValue(s), phone(spell(receiver, s.receiver), s.numeric)
	if c.masked && c.caller != "" {
		caller = providerMask(c.caller, s.older)
	}
	if c.masked || receiver == "" {
		callee = providerMask(orElse(receiver, "0000000000"), s.older)
	}
	received := ended.Add(-c.ring - c.talk)
	fields := []field{{"organisation_id", "89311a60-ee25-11ec-8d15-0242ac120002"}}
	if caller != (absent{}) {
		fields = append(fields, field{"caller_number", caller})
	}
	did, recording := "did_number", "call_recording_url"
	if s.older {
		did, recording = "did", "recording_url"
	}
	fields = append(fields,
		field{"receiver_number", callee},
		field{didName(did, s), phone(spell(c.did, s.did), s.numeric)},
		field{"received_at", stamp(received)})
	if s.older && c.answered {
		fields = append(fields, field{"answered_at", stamp(received.Add(c.ring))})
	}
	fields = append(fields,
		field{"ended_at", stamp(ended)},
		field{"call_id", c.id},
		field{"call_status", c.status()})
	if d := c.duration(); d != (absent{}) {
		fields = append(fields, field{"call_duration", d})
	}
	if c.answered {
		fields = append(fields, field{recording, c.recording(receiver, received)})
	}
	if s.extras {
		fields = append(fields, c.extras()...)
	}
	return encode(fields, s, false)
}

func (c *call) status() string {
	if c.answered {
		return answeredSpellings[c.end.status%len(answeredSpellings)]
	}
	return notAnsweredSpellings[c.end.status%len(notAnsweredSpellings)]
}

// duration is the talk time as one of the forms that occur. A call that was
// answered always tells it; one that was not may leave it out.
func (c *call) duration() any {
	seconds := int64(c.talk / time.Second)
	forms := []any{
		fmt.Sprintf("%02d:%02d:%02d", seconds/3600, seconds/60%60, seconds%60),
		json.Number(strconv.FormatInt(seconds, 10)),
		strconv.FormatInt(seconds, 10),
	}
	if !c.answered {
		forms = append(forms, "", nil, absent{})
	}
	return forms[c.end.duration%len(forms)]
}

// recording holds both numbers, as the provider's real URLs do: whoever stores
// or logs it stores personal data.
func (c *call) recording(receiver string, received time.Time) string {
	caller := c.caller
	if c.masked {
		caller, receiver = "", ""
	}
	return fmt.Sprintf("https://recordings.example/%s/%s_0%s_%s.mp3?v=1&a=b",
		received.UTC().Format("20060102"), caller, receiver, c.id)
}

func (c *call) extras() []field {
	cause := "receiver_disconnected"
	if !c.answered {
		cause = "initiator_hangup"
	}
	return []field{
		{"call_type", "incoming"}, {"webhook_type", "number_masking"}, {"agent_name", "kumar"},
		{"receiver_ring_duration", json.Number(strconv.Itoa(int(c.ring / time.Second)))},
		{"hangup_cause", cause}, {"metadata", map[string]string{"campaign": "autumn"}},
	}
}

// stamp writes a time as the provider does: UTC with milliseconds.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

func orElse(text, other string) string {
	if text == "" {
		return other
	}
	return text
}

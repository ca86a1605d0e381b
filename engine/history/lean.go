package history

import (
	"encoding/json"
	"errors"

	"github.com/valyala/fastjson"

	"switchboard/engine"
)

// lean reads records for a timeline: of decisions and completions what the fold
// and a repeated question need, and not the payloads, replies and rules that
// make up most of a record. encoding/json takes as long for a whole record as an
// evaluation does. It is for one goroutine.
type lean struct{ parser fastjson.Parser }

var errLean = errors.New("history: a record lacks what a timeline needs of it")

// record reads one record. Kinds other than decisions and completions are read
// in full.
func (l *lean) record(data []byte) (*record, error) {
	if !mayBe(data, leanKinds) {
		return decodeRecord(data)
	}
	v, err := l.parser.ParseBytes(data)
	if err != nil {
		return nil, err
	}
	r := &record{Kind: recordKind(v.GetStringBytes("kind")), At: v.GetInt64("at")}
	switch r.Kind {
	case kindDecision:
		r.Decision = leanDecision(v.Get("decision"))
	case kindCompletion:
		r.Completion = leanCompletion(v.Get("completion"))
	}
	if r.Decision == nil && r.Completion == nil {
		return nil, errLean
	}
	return r, nil
}

var leanKinds = []recordKind{kindDecision, kindCompletion}

func text(v *fastjson.Value, key string) string { return string(v.GetStringBytes(key)) }

func leanNumber(v *fastjson.Value) engine.Number {
	return engine.Number{
		Canonical: text(v, "canonical"), Raw: text(v, "raw"), E164: text(v, "e164"), Country: text(v, "country"),
		Valid: v.GetBool("valid"), Anonymous: v.GetBool("anonymous"),
	}
}

func leanDecision(v *fastjson.Value) *engine.DecisionRecord {
	d, ev := v.Get("decision"), v.Get("evaluation")
	if d == nil || ev == nil {
		return nil
	}
	out := &engine.DecisionRecord{
		CallID: text(v, "call_id"), Caller: leanNumber(v.Get("caller")), DID: leanNumber(v.Get("did")),
		RoutedAt: v.GetInt64("routed_at"), Arrived: v.GetInt64("arrived"), ReceiverIsNumber: v.GetBool("receiver_is_number"),
		Decision: engine.Decision{
			Reject: d.GetBool("reject"), Number: text(d, "call_forwarding_number"), Timeout: d.GetInt64("call_timeout"),
			Reason: text(d, "reason"), Source: engine.Source(text(d, "source")),
			Cause: engine.Cause(text(d, "cause")), Detail: text(d, "detail"),
		},
	}
	out.Evaluation.Revision = text(ev, "Revision")
	// An id that was made up is told from one that came by the input.
	if input := ev.Get("Input"); input != nil && out.CallID != "" && out.CallID[0] == '~' {
		out.Evaluation.Input = input.MarshalTo(nil)
	}
	return out
}

func leanCompletion(v *fastjson.Value) *engine.Completion {
	if v == nil {
		return nil
	}
	out := &engine.Completion{
		CallID: text(v, "call_id"), Caller: leanNumber(v.Get("caller")), Receiver: leanNumber(v.Get("receiver")), DID: leanNumber(v.Get("did")),
		Status: engine.Status(text(v, "status")), ReceivedAt: v.GetInt64("received_at"), AnsweredAt: v.GetInt64("answered_at"),
		EndedAt: v.GetInt64("ended_at"), Duration: v.GetInt64("duration"), RecordingURL: text(v, "recording_url"),
		HangupCause: text(v, "hangup_cause"), Arrived: v.GetInt64("arrived"),
	}
	if extra := v.GetObject("extra"); extra != nil && extra.Len() > 0 {
		out.Extra = make(map[string]json.RawMessage, extra.Len())
		extra.Visit(func(key []byte, value *fastjson.Value) { out.Extra[string(key)] = value.MarshalTo(nil) })
	}
	return out
}

package decisionlog

import (
	"bytes"
	"encoding/json"
	"time"

	"switchboard/engine"
)

// Path is the path of every event: the rule that calls are answered by.
const Path = "routing/decision"

// Bundle names the policy set among an event's bundles.
const Bundle = "switchboard"

// Event is one decision.
type Event struct {
	Labels     map[string]string `json:"labels"`
	DecisionID string            `json:"decision_id"` // call_id, slash, DID: a call_id may come with several
	Bundles    map[string]bundle `json:"bundles,omitempty"`
	Path       string            `json:"path"`
	Input      any               `json:"input,omitempty"`
	Result     any               `json:"result,omitempty"` // absent where the policies gave none
	Masked     []string          `json:"masked,omitempty"` // JSON pointers
	Error      *problem          `json:"error,omitempty"`
	Timestamp  time.Time         `json:"timestamp"` // the evaluation time
	Metrics    map[string]int64  `json:"metrics"`
	RuleLabels []map[string]any  `json:"rule_labels,omitempty"` // of the rules that fired
	Custom     map[string]any    `json:"custom"`
}

type bundle struct {
	Revision string `json:"revision"`
}

// problem is an error as OPA writes its own.
type problem struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// Of makes the event of a decision. Numbers are in full; see [Event.Mask].
func Of(rec *engine.DecisionRecord, labels map[string]string) (*Event, error) {
	ev, d := &rec.Evaluation, &rec.Decision
	e := &Event{
		Labels: labels, DecisionID: rec.CallID + "/" + rec.DID.Canonical, Path: Path,
		Timestamp: time.Unix(0, rec.RoutedAt).UTC(),
		Metrics:   map[string]int64{"timer_rego_query_eval_ns": int64(rec.EvalTime), "timer_server_wait_ns": int64(rec.Waited)},
		Custom: map[string]any{
			"call_id": rec.CallID, "did": rec.DID.Canonical, "source": d.Source, "tries": rec.Tries,
			"read": texts(ev.Read), "fired": fired(ev.Fired), "reply_status": rec.Reply.Status,
		},
	}
	if ev.Revision != "" {
		e.Bundles = map[string]bundle{Bundle: {ev.Revision}}
	}
	if len(ev.Input) > 0 {
		dec := json.NewDecoder(bytes.NewReader(ev.Input))
		dec.UseNumber() // nanoseconds don't fit into a float
		if err := dec.Decode(&e.Input); err != nil {
			return nil, err
		}
	}
	if result := resultOf(&ev.Answer); result != nil {
		e.Result = result
	}
	if d.Cause != "" {
		e.Error = &problem{string(d.Cause), d.Detail}
	}
	if d.Number != "" {
		e.Custom["receiver_number"] = d.Number
	}
	if len(ev.BuiltinErrors) > 0 {
		e.Custom["builtin_errors"] = texts(ev.BuiltinErrors)
	}
	for _, f := range ev.Fired {
		if len(f.Labels) > 0 {
			e.RuleLabels = append(e.RuleLabels, f.Labels)
		}
	}
	return e, nil
}

// resultOf is what the policies answered, in their own words; nil for nothing.
func resultOf(a *engine.Answer) map[string]any {
	out := map[string]any{}
	switch {
	case a.Reject:
		out["reject"] = true
	case a.Number == "":
		return nil
	default:
		out["call_forwarding_number"], out["call_timeout"] = a.Number, a.Timeout
	}
	if a.Reason != "" {
		out["reason"] = a.Reason
	}
	if len(a.Tags) > 0 {
		tags := map[string]any{}
		for k, v := range a.Tags {
			tags[k] = v
		}
		out["tags"] = tags
	}
	if len(a.Skipped) > 0 {
		var skipped []any
		for _, s := range a.Skipped {
			skipped = append(skipped, map[string]any{"number": s.Number, "why": s.Why})
		}
		out["skipped"] = skipped
	}
	return out
}

func texts(list []string) []any {
	out := make([]any, len(list))
	for i, s := range list {
		out[i] = s
	}
	return out
}

// fired are the rules, by name and place.
func fired(list []engine.Fired) []any {
	out := make([]any, len(list))
	for i, f := range list {
		out[i] = map[string]any{"rule": f.Rule, "file": f.File, "line": f.Line}
	}
	return out
}

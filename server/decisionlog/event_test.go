package decisionlog_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"switchboard/engine"
	"switchboard/server/decisionlog"
)

var labels = map[string]string{"app": "switchboard", "version": "v1"}

func sample() *engine.DecisionRecord {
	return &engine.DecisionRecord{
		CallID: "c/1", DID: engine.Number{Canonical: "918645658689"}, RoutedAt: 1763802300000000001,
		Decision: engine.Decision{Number: "9876543210", Timeout: 30, Reason: "sticky", Source: engine.SourcePolicy},
		Evaluation: engine.Evaluation{
			Revision: "r1", Read: []string{"history/callers/9988912345/calls"},
			Input: json.RawMessage(`{"call_id":"c/1","caller_number":"9988912345","did":"918645658689",` +
				`"caller":{"raw":"+91 99889 12345","e164":"+919988912345"},"time":{"ns":1763802300000000001,"date":"2025-11-22"},"bucket":4211}`),
			Answer: engine.Answer{Number: "+91 98765 43210", Timeout: 30, Reason: "sticky", Tags: map[string]string{"rang/for": "9988912345"},
				Skipped: []engine.Skipped{{Number: "9876543211", Why: "busy"}}},
			Fired: []engine.Fired{{Rule: "data.routing.decision", File: "routing/routing.rego", Line: 3, Labels: map[string]any{"rule": "routing.decision"}},
				{Rule: "data.recipes.did.entry", File: "recipes/did/did.rego", Line: 8}},
			BuiltinErrors: []string{"r.rego:3: to_number: 9988912345"},
		},
		Tries: 2, EvalTime: 98 * time.Microsecond, Waited: time.Millisecond, Reply: engine.Reply{Status: 200},
	}
}

func event(t *testing.T, rec *engine.DecisionRecord) *decisionlog.Event {
	t.Helper()
	e, err := decisionlog.Of(rec, labels)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func text(t *testing.T, e *decisionlog.Event) string {
	t.Helper()
	b, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// opaEvent has the fields of OPA's logs.EventV1 (v1/plugins/logs, 1.22) as they
// are spelled there. The type itself would bring OPA's telemetry and databases
// into the module.
type opaEvent struct {
	Labels              map[string]string                    `json:"labels"`
	DecisionID          string                               `json:"decision_id"`
	BatchDecisionID     string                               `json:"batch_decision_id"`
	TraceID             string                               `json:"trace_id"`
	SpanID              string                               `json:"span_id"`
	Revision            string                               `json:"revision"`
	Bundles             map[string]struct{ Revision string } `json:"bundles"`
	Path                string                               `json:"path"`
	Query               string                               `json:"query"`
	Input               *any                                 `json:"input"`
	Result              *any                                 `json:"result"`
	IntermediateResults map[string]any                       `json:"intermediate_results"`
	MappedResult        *any                                 `json:"mapped_result"`
	NDBuiltinCache      *any                                 `json:"nd_builtin_cache"`
	Erased              []string                             `json:"erased"`
	Masked              []string                             `json:"masked"`
	Error               any                                  `json:"error"`
	RequestedBy         string                               `json:"requested_by"`
	Timestamp           time.Time                            `json:"timestamp"`
	Metrics             map[string]any                       `json:"metrics"`
	RequestID           uint64                               `json:"req_id"`
	RuleLabels          []map[string]any                     `json:"rule_labels"`
	RequestContext      any                                  `json:"request_context"`
	Custom              map[string]any                       `json:"custom"`
}

// TestOPAReadsIt holds the fields to OPA's own.
func TestOPAReadsIt(t *testing.T) {
	line := text(t, event(t, sample()))
	dec := json.NewDecoder(strings.NewReader(line))
	dec.DisallowUnknownFields()
	var got opaEvent
	if err := dec.Decode(&got); err != nil {
		t.Fatalf("%v: %s", err, line)
	}
	if got.DecisionID != "c/1/918645658689" || got.Bundles["switchboard"].Revision != "r1" || got.Path != "routing/decision" ||
		!got.Timestamp.Equal(time.Unix(0, 1763802300000000001)) || got.Labels["version"] != "v1" || len(got.Masked) > 0 ||
		got.Metrics["timer_rego_query_eval_ns"] != 98e3 || len(got.RuleLabels) != 1 {
		t.Errorf("%+v", got)
	}
	want := map[string]any{"call_forwarding_number": "+91 98765 43210", "call_timeout": 30.0, "reason": "sticky",
		"tags": map[string]any{"rang/for": "9988912345"}, "skipped": []any{map[string]any{"number": "9876543211", "why": "busy"}}}
	if diff := cmp.Diff(want, *got.Result); diff != "" {
		t.Error(diff)
	}
	if !strings.Contains(line, `"ns":1763802300000000001`) {
		t.Errorf("nanoseconds are lost: %s", line)
	}
	if got.Custom["receiver_number"] != "9876543210" || got.Custom["source"] != "policy" || got.Custom["tries"] != 2.0 {
		t.Errorf("custom %v", got.Custom)
	}
}

func TestMask(t *testing.T) {
	e := event(t, sample())
	e.Mask()
	line := text(t, e)
	for _, number := range []string{"9988912345", "99889 12345", "9876543210", "98765 43210", "9876543211"} {
		if strings.Contains(line, number) {
			t.Errorf("%s is still there: %s", number, line)
		}
	}
	for _, kept := range []string{`"did":"918645658689"`, `"ns":1763802300000000001`, `"date":"2025-11-22"`, `"call_id":"c/1"`} {
		if !strings.Contains(line, kept) {
			t.Errorf("%s is lost: %s", kept, line)
		}
	}
	want := []string{
		"/input/caller/e164", "/input/caller/raw", "/input/caller_number",
		"/result/call_forwarding_number", "/result/skipped/0/number", "/result/tags/rang~1for",
		"/custom/builtin_errors/0", "/custom/read/0", "/custom/receiver_number",
	}
	if diff := cmp.Diff(want, e.Masked); diff != "" {
		t.Error(diff)
	}
}

func TestWhatThePoliciesDidNotAnswer(t *testing.T) {
	rec := sample()
	rec.Evaluation = engine.Evaluation{}
	rec.Decision = engine.Decision{Number: "9876543299", Source: engine.SourceFallback, Cause: engine.CauseInvalid, Detail: `"9876543210" is no number`}
	e := event(t, rec)
	if e.Result != nil || e.Input != nil || e.Bundles != nil || e.Error.Code != "invalid" {
		t.Errorf("%+v", e)
	}
	e.Mask()
	if line := text(t, e); strings.Contains(line, "9876543210") || !strings.Contains(line, `"/error/message"`) {
		t.Errorf("masked: %s", line)
	}
	rec.Evaluation.Answer = engine.Answer{Reject: true}
	if got := text(t, event(t, rec)); !strings.Contains(got, `"result":{"reject":true}`) {
		t.Errorf("a rejection: %s", got)
	}
	rec.Evaluation.Input = json.RawMessage(`{`)
	if _, err := decisionlog.Of(rec, labels); err == nil {
		t.Error("an input that is no JSON passes")
	}
}

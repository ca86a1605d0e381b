package server_test

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"switchboard/engine"
	"switchboard/server"
)

func record(source engine.Source, cause engine.Cause, reason string) *engine.DecisionRecord {
	return &engine.DecisionRecord{CallID: "c1", Caller: engine.Number{Canonical: "9988912345", Raw: "+919988912345"},
		DID: engine.Number{Canonical: "918645658689"}, RoutedAt: 2_500_000, Arrived: 1_000_000, Tries: 1,
		Decision: engine.Decision{Number: "9876543210", Source: source, Cause: cause, Reason: reason}}
}

func TestDecisionsAreCountedAndLogged(t *testing.T) {
	w := begin(t, nil)
	w.wantMetric(`switchboard_decisions_total{cause="",source="policy"}`, "0")
	w.wantMetric(`switchboard_decisions_total{cause="timeout",source="fallback"}`, "0")
	w.wantMetric(`switchboard_decisions_total{cause="overload",source="shed"}`, "0")

	w.metrics.Decided(record(engine.SourcePolicy, "", "sticky"))
	rec := record(engine.SourceFallback, engine.CauseInvalid, "fallback")
	rec.Decision.Detail = `call_forwarding_number "+91 98765 43211" is not possible`
	rec.Tries, rec.EvalTime, rec.Waited = 3, 30*time.Millisecond, 1500*time.Microsecond
	rec.Evaluation.BuiltinErrors = []string{"to_number"}
	w.metrics.Decided(rec)
	w.wantMetric(`switchboard_decisions_total{cause="",source="policy"}`, "1")
	w.wantMetric(`switchboard_decisions_total{cause="invalid",source="fallback"}`, "1")
	w.wantMetric(`switchboard_decision_reasons_total{reason="sticky"}`, "1")
	w.wantMetric("switchboard_evaluation_retries_total", "2")
	w.wantMetric("switchboard_builtin_errors_total", "1")
	w.wantMetric("switchboard_evaluation_duration_seconds_count", "2")
	w.wantMetric(`switchboard_evaluation_duration_seconds_bucket{le="0.025"}`, "1")

	log := w.log.String()
	for _, want := range []string{"call_id=c1", "did=918645658689", "source=policy", "reason=sticky", "cause=invalid", "waited_ms=1.5", "eval_ms=30", "…3210", "…2345", "…3211"} {
		if !strings.Contains(log, want) {
			t.Errorf("the log lacks %q:\n%s", want, log)
		}
	}
	if strings.Count(log, "msg=call ") != 2 {
		t.Errorf("want one line a call:\n%s", log)
	}
	for _, number := range []string{"9988912345", "9876543210", "98765 43211"} {
		if strings.Contains(log, number) {
			t.Errorf("the log tells %s:\n%s", number, log)
		}
	}
}

func TestMissingPartsAreCounted(t *testing.T) {
	w := begin(t, nil)
	rec := record(engine.SourcePolicy, "", "")
	rec.CallID, rec.Caller = "~ABC", engine.Number{Anonymous: true}
	w.metrics.Decided(rec)
	w.metrics.Decided(record(engine.SourcePolicy, "", ""))
	// A withheld caller is one; nothing is missing from what could not be read.
	withheld := record(engine.SourcePolicy, "", "")
	withheld.Caller = engine.Number{Canonical: "anonymous", Raw: "anonymous", Anonymous: true}
	w.metrics.Decided(withheld)
	w.metrics.Decided(&engine.DecisionRecord{Decision: engine.Decision{Source: engine.SourceFallback, Cause: engine.CauseUnreadable}})
	w.wantMetric(`switchboard_initiations_missing_total{field="call_id"}`, "1")
	w.wantMetric(`switchboard_initiations_missing_total{field="caller"}`, "1")
	w.wantMetric(`switchboard_decisions_total{cause="unreadable",source="fallback"}`, "1")
}

func TestReasonLabelsAreBounded(t *testing.T) {
	w := begin(t, nil)
	for _, reason := range []string{"", "Sticky", "with blank", "9988912345-x", strings.Repeat("x", 41), "ünder"} {
		w.metrics.Decided(record(engine.SourcePolicy, "", reason))
	}
	w.wantMetric(`switchboard_decision_reasons_total{reason="other"}`, "6")
	for i := range 60 {
		w.metrics.Decided(record(engine.SourcePolicy, "", fmt.Sprintf("reason_%d", i)))
	}
	w.metrics.Decided(record(engine.SourcePolicy, "", "reason_0"))
	w.wantMetric(`switchboard_decision_reasons_total{reason="reason_0"}`, "2")
	w.wantMetric(`switchboard_decision_reasons_total{reason="reason_49"}`, "1")
	w.wantMetric(`switchboard_decision_reasons_total{reason="reason_50"}`, "")
	w.wantMetric(`switchboard_decision_reasons_total{reason="other"}`, "16")
}

func TestOtherObservations(t *testing.T) {
	w := begin(t, nil)
	rec := record(engine.SourcePolicy, "", "sticky")
	w.metrics.Replayed(rec, true)
	w.metrics.Replayed(rec, false)
	w.metrics.Replayed(rec, false)
	w.metrics.Late(rec)
	w.wantMetric(`switchboard_replays_total{caller="same"}`, "1")
	w.wantMetric(`switchboard_replays_total{caller="other"}`, "2")
	w.wantMetric("switchboard_late_replies_total", "1")

	w.metrics.Reloaded(engine.Report{OK: true, At: time.Unix(1763802300, 0), Took: 0.5})
	w.wantMetric("switchboard_policy_last_reload_successful", "1")
	w.metrics.Reloaded(engine.Report{At: time.Unix(1763802400, 0), Took: 0.25})
	w.wantMetric(`switchboard_policy_reloads_total{result="ok"}`, "1")
	w.wantMetric(`switchboard_policy_reloads_total{result="failed"}`, "1")
	w.wantMetric("switchboard_policy_last_reload_successful", "0")
	w.wantMetric("switchboard_policy_last_reload_success_timestamp_seconds", "1.7638023e+09")
	w.wantMetric("switchboard_policy_last_reload_duration_seconds", "0.25")
}

func TestRequestsAndStoreAreMeasured(t *testing.T) {
	w := begin(t, nil)
	w.store.status.Records, w.store.status.Error, w.store.status.Rebuilding = 7, "disk full", true
	w.sets.status.Revision = "r2"
	w.send("POST", w.public+initiation, `{"did": "918645658689"}`).is(200, forwarded)
	w.send("GET", w.public+"/a", "").isProblem(404, "")
	w.send("GET", w.public+"/b", "").isProblem(404, "")
	w.send("GET", w.private+"/api/v1/calls/c1", "").isProblem(404, "")
	w.wantMetric(`switchboard_http_requests_total{code="200",listener="public",route="/alohaa/get-receiver-details"}`, "1")
	w.wantMetric(`switchboard_http_requests_total{code="404",listener="public",route="none"}`, "2")
	w.wantMetric(`switchboard_http_requests_total{code="404",listener="private",route="/api/v1/calls/:call_id"}`, "1")
	w.wantMetric(`switchboard_http_request_duration_seconds_count{listener="public",route="/alohaa/get-receiver-details"}`, "1")
	w.wantMetric(`switchboard_http_requests_in_flight{listener="public"}`, "0")
	w.wantMetric("switchboard_store_records", "7")
	w.wantMetric("switchboard_store_up", "0")
	w.wantMetric("switchboard_store_rebuilding", "1")
	w.wantMetric(`switchboard_info{revision="r2",version="v1.2.3"}`, "1")
}

func TestNewMetricsRefuses(t *testing.T) {
	registry := prometheus.NewRegistry()
	if _, err := server.NewMetrics(nil, slog.Default()); err == nil {
		t.Error("no registry was taken")
	}
	if _, err := server.NewMetrics(registry, nil); err == nil {
		t.Error("no logger was taken")
	}
	if _, err := server.NewMetrics(registry, slog.Default()); err != nil {
		t.Error(err)
	}
	if _, err := server.NewMetrics(registry, slog.Default()); err == nil {
		t.Error("the same metrics were registered twice")
	}
}

func TestTheDiskIsMeasured(t *testing.T) {
	w := begin(t, nil)
	w.metrics.Committed(3, 20*time.Millisecond, nil)
	w.metrics.Committed(5, 300*time.Millisecond, errors.New("no space left on device"))
	w.wantMetric("switchboard_store_commit_duration_seconds_count", "2")
	w.wantMetric(`switchboard_store_commit_duration_seconds_bucket{le="0.025"}`, "1")
	w.wantMetric("switchboard_store_commit_records_sum", "3")
	w.wantMetric("switchboard_store_commit_failures_total", "1")
}

func TestWholeDecisionsAreMeasured(t *testing.T) {
	w := begin(t, nil)
	rec := record(engine.SourcePolicy, "", "sticky")
	rec.Arrived = time.Now().Add(-200 * time.Millisecond).UnixNano()
	w.metrics.Decided(rec)
	rec.Arrived = time.Now().Add(time.Hour).UnixNano() // the clock was set back
	w.metrics.Decided(rec)
	rec.Arrived = 0
	w.metrics.Decided(rec)
	w.wantMetric("switchboard_decision_duration_seconds_count", "2")
	w.wantMetric(`switchboard_decision_duration_seconds_bucket{le="0.1"}`, "1")
}

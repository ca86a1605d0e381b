package server

import (
	"context"
	"errors"
	"log/slog"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"switchboard/engine"
)

// maxReasons is how many reasons become labels; policies may make up any
// number, and each is a time series for good.
const maxReasons = 50

var reasonLabel = regexp.MustCompile(`^[a-z0-9_]{1,40}$`)

// Metrics counts what the server and the router do, and writes one log line a
// call. It is the router's engine.Observer.
type Metrics struct {
	registry *prometheus.Registry
	log      *slog.Logger

	decisions, reasons, replays, completions                                   *prometheus.CounterVec
	quarantined, unquarantined, missing                                        *prometheus.CounterVec
	liveChanges                                                                *prometheus.CounterVec
	requests, refused, forwarded, reloads                                      *prometheus.CounterVec
	late, retries, builtinErrors, panics, throttled, unaudited, commitFailures prometheus.Counter
	requestSeconds                                                             *prometheus.HistogramVec
	evalSeconds, waitSeconds, decisionSeconds                                  prometheus.Histogram
	commitSeconds, commitRecords                                               prometheus.Histogram
	inFlight                                                                   *prometheus.GaugeVec
	lastReloadOK, lastReloadAt, lastReloadDuration                             prometheus.Gauge

	reasonMu    sync.Mutex
	knownReason map[string]bool
}

var _ engine.Observer = (*Metrics)(nil)

// NewMetrics registers the metrics. It fails when the registry has other ones
// of the same names.
func NewMetrics(registry *prometheus.Registry, log *slog.Logger) (*Metrics, error) {
	switch {
	case registry == nil:
		return nil, errors.New("metrics: the registry is missing")
	case log == nil:
		return nil, errors.New("metrics: the logger is missing")
	}
	m := &Metrics{registry: registry, log: log, knownReason: make(map[string]bool, maxReasons)}
	if err := m.register(); err != nil {
		return nil, err
	}
	m.initialise()
	return m, nil
}

// initialise makes the series that alerts are written on exist from the start:
// a rate over a series that springs up with its first failure misses that one.
func (m *Metrics) initialise() {
	fallbacks := []engine.Source{engine.SourceDIDFallback, engine.SourceFallback, engine.SourceNone}
	causes := []engine.Cause{engine.CauseError, engine.CauseUndefined, engine.CauseInvalid, engine.CauseLoop,
		engine.CauseTimeout, engine.CauseNoPolicy}
	for _, source := range fallbacks {
		for _, cause := range causes {
			m.decisions.WithLabelValues(string(source), string(cause))
		}
	}
	for _, l := range [][2]string{
		{string(engine.SourcePolicy), ""}, {string(engine.SourceRejected), ""},
		{string(engine.SourceShed), string(engine.CauseOverload)}, {string(engine.SourceNone), string(engine.CauseOverload)},
		{string(engine.SourceDIDFallback), string(engine.CauseUnreadable)}, {string(engine.SourceFallback), string(engine.CauseUnreadable)}, {string(engine.SourceNone), string(engine.CauseUnreadable)},
	} {
		m.decisions.WithLabelValues(l[0], l[1])
	}
	for kind, end := range map[string]string{"session": "ended", "fact": "deleted"} {
		for _, action := range []string{"created", "updated", "unchanged", end} {
			m.liveChanges.WithLabelValues(kind, action)
		}
	}
	for vec, labels := range map[*prometheus.CounterVec][]string{
		m.replays: {"same", "other"}, m.reloads: {"ok", "failed"}, m.missing: {"call_id", "caller"},
		m.quarantined: {"initiation", "completion"}, m.unquarantined: {"initiation", "completion"},
		m.refused: {"public", "private"}, m.forwarded: {"public", "private"},
	} {
		for _, l := range labels {
			vec.WithLabelValues(l)
		}
	}
}

// Decided counts a decision and logs it, numbers masked.
func (m *Metrics) Decided(rec *engine.DecisionRecord) {
	d := rec.Decision
	m.decisions.WithLabelValues(string(d.Source), string(d.Cause)).Inc()
	m.reasons.WithLabelValues(m.reason(d.Reason)).Inc()
	m.evalSeconds.Observe(rec.EvalTime.Seconds())
	m.waitSeconds.Observe(rec.Waited.Seconds())
	if rec.Arrived > 0 {
		m.decisionSeconds.Observe(max(0, time.Since(time.Unix(0, rec.Arrived)).Seconds()))
	}
	m.retries.Add(float64(max(0, rec.Tries-1)))
	m.builtinErrors.Add(float64(len(rec.Evaluation.BuiltinErrors)))
	if d.Cause == engine.CauseUnreadable {
		m.log.Warn("call", "source", d.Source, "cause", d.Cause, "receiver", engine.Mask(d.Number))
		return
	}
	// Where the provider sent no call_id the router made one up.
	if strings.HasPrefix(rec.CallID, "~") {
		m.missing.WithLabelValues("call_id").Inc()
	}
	if strings.TrimSpace(rec.Caller.Raw) == "" {
		m.missing.WithLabelValues("caller").Inc()
	}
	m.logCall(rec)
}

func (m *Metrics) logCall(rec *engine.DecisionRecord) {
	d := rec.Decision
	level, more := slog.LevelInfo, []any(nil)
	if d.Cause != "" {
		level = slog.LevelWarn
		more = []any{"cause", d.Cause, "detail", engine.Mask(d.Detail)}
	}
	args := append([]any{
		"call_id", rec.CallID, "caller", engine.Mask(rec.Caller.Canonical), "did", rec.DID.Canonical,
		"receiver", engine.Mask(d.Number), "source", d.Source, "reason", engine.Mask(d.Reason),
		"revision", rec.Evaluation.Revision, "waited_ms", milliseconds(rec.Waited), "eval_ms", milliseconds(rec.EvalTime),
	}, more...)
	m.log.Log(context.Background(), level, "call", args...)
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// Replayed counts a retry. Another caller under a known call_id is logged: the
// provider may be giving its ids twice.
func (m *Metrics) Replayed(rec *engine.DecisionRecord, sameCaller bool) {
	if sameCaller {
		m.replays.WithLabelValues("same").Inc()
		return
	}
	m.replays.WithLabelValues("other").Inc()
	m.log.Warn("a known call_id came with another caller; it got the recorded answer",
		"call_id", rec.CallID, "did", rec.DID.Canonical)
}

// Late counts a reply that left before its record was on disk.
func (m *Metrics) Late(*engine.DecisionRecord) { m.late.Inc() }

// Committed counts an attempt to bring records to the disk; it fits
// history.Options.OnCommit.
func (m *Metrics) Committed(records int, took time.Duration, err error) {
	m.commitSeconds.Observe(took.Seconds())
	if err != nil {
		m.commitFailures.Inc()
		return
	}
	m.commitRecords.Observe(float64(records))
}

// Reloaded counts an attempt to load the policies, whoever triggered it.
func (m *Metrics) Reloaded(r engine.Report) {
	m.lastReloadDuration.Set(r.Took)
	if !r.OK {
		m.reloads.WithLabelValues("failed").Inc()
		m.lastReloadOK.Set(0)
		return
	}
	m.reloads.WithLabelValues("ok").Inc()
	m.lastReloadOK.Set(1)
	m.lastReloadAt.Set(float64(r.At.UnixMilli()) / 1000)
}

// reason is the label for a reason: itself while there are few that look like
// one.
func (m *Metrics) reason(reason string) string {
	if !reasonLabel.MatchString(reason) {
		return "other"
	}
	m.reasonMu.Lock()
	defer m.reasonMu.Unlock()
	if !m.knownReason[reason] {
		if len(m.knownReason) == maxReasons {
			return "other"
		}
		m.knownReason[reason] = true
	}
	return reason
}

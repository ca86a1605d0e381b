package server

import (
	"errors"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"switchboard/engine"
)

// Bounds in seconds. The evaluation's own deadline is 0.25 by default and the
// whole decision's 1.5: both are bounds, so that "how many took longer" is exact.
var (
	evalBuckets    = []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1}
	requestBuckets = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 1.5, 2.5, 5, 10}
	commitBuckets  = []float64{1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 4096}
)

func (m *Metrics) register() error {
	var errs []error
	add := func(c prometheus.Collector) {
		if err := m.registry.Register(c); err != nil {
			errs = append(errs, fmt.Errorf("metrics: %w", err))
		}
	}
	counters := func(name, help string, labels ...string) *prometheus.CounterVec {
		v := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "switchboard_" + name, Help: help}, labels)
		add(v)
		return v
	}
	counter := func(name, help string) prometheus.Counter {
		v := prometheus.NewCounter(prometheus.CounterOpts{Name: "switchboard_" + name, Help: help})
		add(v)
		return v
	}
	gauge := func(name, help string) prometheus.Gauge {
		v := prometheus.NewGauge(prometheus.GaugeOpts{Name: "switchboard_" + name, Help: help})
		add(v)
		return v
	}
	histogram := func(name, help string, buckets []float64) prometheus.Histogram {
		v := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "switchboard_" + name, Help: help, Buckets: buckets})
		add(v)
		return v
	}
	m.decisions = counters("decisions_total", "Calls answered, by who chose the answer and why the policy's was not used.", "source", "cause")
	m.reasons = counters("decision_reasons_total", "Calls answered, by the reason that was given.", "reason")
	m.replays = counters("replays_total", "Retries that got their recorded answer, by whether the same caller came.", "caller")
	m.late = counter("late_replies_total", "Replies that left before their record was on disk.")
	m.retries = counter("evaluation_retries_total", "Evaluations repeated because history had changed.")
	m.builtinErrors = counter("builtin_errors_total", "Errors of builtin functions that policies met.")
	m.missing = counters("initiations_missing_total", "Initiations without a part that is usually there.", "field")
	m.completions = counters("completions_total", "Completions, by what they changed and the call's status.", "result", "status")
	m.quarantined = counters("quarantined_total", "Payloads that could not be understood and were kept.", "kind")
	m.unquarantined = counters("quarantine_failures_total", "Payloads that could not be understood and could not be kept.", "kind")
	m.liveChanges = counters("live_changes_total", "Changes of sessions and facts that were asked for, by what they did.", "kind", "action")
	m.requests = counters("http_requests_total", "HTTP requests, by listener, route and status code.", "listener", "route", "code")
	m.refused = counters("http_refused_total", "HTTP requests with a missing or wrong secret.", "listener")
	m.throttled = counter("http_throttled_total", "Requests to the private listener from addresses that sent too many wrong tokens.")
	m.forwarded = counters("http_forwarded_total", "HTTP requests that a proxy passed on to an open loopback listener.", "listener")
	m.reloads = counters("policy_reloads_total", "Attempts to load a policy set.", "result")
	m.lastReloadOK = gauge("policy_last_reload_successful", "1 when the last attempt to load the policies succeeded.")
	m.lastReloadAt = gauge("policy_last_reload_success_timestamp_seconds", "When the policies were last loaded successfully.")
	m.lastReloadDuration = gauge("policy_last_reload_duration_seconds", "How long the last attempt to load the policies took.")
	m.unaudited = counter("audit_failures_total", "Entries of the audit trail that were not stored; the log has them.")
	m.panics = counter("panics_total", "Panics that were turned into an answer.")
	m.evalSeconds = histogram("evaluation_duration_seconds", "Evaluating the policies for one call, all tries together.", evalBuckets)
	m.waitSeconds = histogram("evaluation_wait_seconds", "Waiting for a view of the history for one call.", evalBuckets)
	m.decisionSeconds = histogram("decision_duration_seconds", "A call from the arrival of its initiation to its reply, the disk included.", requestBuckets)
	m.commitSeconds = histogram("store_commit_duration_seconds", "Bringing what is queued to the disk, once.", requestBuckets)
	m.commitRecords = histogram("store_commit_records", "Records that one commit brought to the disk.", commitBuckets)
	m.commitFailures = counter("store_commit_failures_total", "Commits that the disk did not take; they are tried again.")
	m.requestSeconds = prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "switchboard_http_request_duration_seconds",
		Help: "HTTP requests, from header to answer.", Buckets: requestBuckets}, []string{"listener", "route"})
	add(m.requestSeconds)
	m.inFlight = prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "switchboard_http_requests_in_flight",
		Help: "HTTP requests being answered."}, []string{"listener"})
	add(m.inFlight)
	for _, c := range []prometheus.Collector{collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{})} {
		var already prometheus.AlreadyRegisteredError
		if err := m.registry.Register(c); err != nil && !errors.As(err, &already) {
			errs = append(errs, fmt.Errorf("metrics: %w", err))
		}
	}
	return errors.Join(errs...)
}

// watch adds what is read from the store and the policies when metrics are
// asked for.
func (m *Metrics) watch(h History, p Policies, version string) error {
	s := &standing{history: h, policies: p, version: version}
	for _, g := range []struct {
		name, help string
		value      func(engine.StoreStatus) float64
	}{
		{"store_bytes", "Size of the database file.", func(s engine.StoreStatus) float64 { return float64(s.Bytes) }},
		{"store_index_bytes", "Size of the index file.", func(s engine.StoreStatus) float64 { return float64(s.IndexBytes) }},
		{"store_records", "Records in the log.", func(s engine.StoreStatus) float64 { return float64(s.Records) }},
		{"store_index_lag", "Records not yet written behind to the index.", func(s engine.StoreStatus) float64 { return float64(s.IndexLag) }},
		{"store_queue", "Records waiting for the disk.", func(s engine.StoreStatus) float64 { return float64(s.Queue) }},
		{"store_dirty", "Profiles and calls waiting for the index.", func(s engine.StoreStatus) float64 { return float64(s.Dirty) }},
		{"store_unsaved", "Decisions that the disk did not take.", func(s engine.StoreStatus) float64 { return float64(s.Unsaved) }},
		{"store_conflicts", "Publications refused because history had changed.", func(s engine.StoreStatus) float64 { return float64(s.Conflicts) }},
		{"store_rebuilding", "1 while the index is rebuilt.", func(s engine.StoreStatus) float64 { return truth(s.Rebuilding) }},
		{"store_up", "1 while the disk takes records.", func(s engine.StoreStatus) float64 { return truth(s.Error == "") }},
		{"calls_in_flight", "Calls that were decided and have neither ended nor expired.", func(s engine.StoreStatus) float64 { return float64(s.InFlight) }},
		{"quarantine_items", "Payloads held in quarantine.", func(s engine.StoreStatus) float64 { return float64(s.Quarantined) }},
	} {
		s.gauges = append(s.gauges, standingGauge{prometheus.NewDesc("switchboard_"+g.name, g.help, nil, nil), g.value})
	}
	s.rollback = prometheus.NewDesc("switchboard_policy_rollback", "1 while a rollback keeps the policies folder out.", nil, nil)
	s.info = prometheus.NewDesc("switchboard_info", "The program's version and the revision of the policies in force.", []string{"version", "revision"}, nil)
	if err := m.registry.Register(s); err != nil {
		return fmt.Errorf("metrics: %w", err)
	}
	return nil
}

// standing collects the state of store and policies.
type standing struct {
	history  History
	policies Policies
	version  string
	gauges   []standingGauge
	info     *prometheus.Desc
	rollback *prometheus.Desc
}

type standingGauge struct {
	desc  *prometheus.Desc
	value func(engine.StoreStatus) float64
}

// Describe sends the descriptions of all gauges.
func (s *standing) Describe(ch chan<- *prometheus.Desc) {
	for _, g := range s.gauges {
		ch <- g.desc
	}
	ch <- s.info
	ch <- s.rollback
}

// Collect asks the store once for all gauges.
func (s *standing) Collect(ch chan<- prometheus.Metric) {
	status := s.history.Status()
	for _, g := range s.gauges {
		ch <- prometheus.MustNewConstMetric(g.desc, prometheus.GaugeValue, g.value(status))
	}
	policies := s.policies.Status()
	ch <- prometheus.MustNewConstMetric(s.info, prometheus.GaugeValue, 1, s.version, policies.Revision)
	ch <- prometheus.MustNewConstMetric(s.rollback, prometheus.GaugeValue, truth(policies.Rollback != nil))
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

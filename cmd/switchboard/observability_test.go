package main

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"

	"switchboard/server/certs/certstest"
)

// TestDashboardAndAlertsNameWhatExists holds the files that operators load
// against the metrics of a whole server.
func TestDashboardAndAlertsNameWhatExists(t *testing.T) {
	metrics := metricsOfAServer(t)
	queries := map[string]string{} // by where they stand
	for where, q := range alertQueries(t) {
		queries[where] = q
	}
	for where, q := range dashboardQueries(t) {
		queries[where] = q
	}
	if len(queries) < 50 {
		t.Errorf("only %d queries were found", len(queries))
	}
	used := map[string]bool{}
	for _, where := range slices.Sorted(maps.Keys(queries)) {
		expr, err := parser.ParseExpr(queries[where])
		if err != nil {
			t.Errorf("%s: %v", where, err)
			continue
		}
		parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
			if s, ok := node.(*parser.VectorSelector); ok {
				used[checkSelector(t, where, s, metrics)] = true
			}
			return nil
		})
	}
	for name := range metrics {
		if strings.HasPrefix(name, "switchboard_") && !used[name] && !slices.Contains(undrawn, name) {
			t.Errorf("%s is neither drawn nor alerted on", name)
		}
	}
}

// undrawn are metrics that nobody needs to watch.
var undrawn = []string{"switchboard_info", "switchboard_store_conflicts", "switchboard_events_total", "switchboard_events_lost_total",
	"switchboard_connections_evicted_total", "switchboard_http_forwarded_total", "switchboard_relay_up", "switchboard_relay_dropped_total",
	"switchboard_relay_attempt_duration_seconds", "switchboard_audit_failures_total"}

// checkSelector returns the metric that a selector is about.
func checkSelector(t *testing.T, where string, s *parser.VectorSelector, metrics map[string]*dto.MetricFamily) string {
	t.Helper()
	name := s.Name
	if name == "up" { // Prometheus' own
		return name
	}
	family := metrics[name]
	for _, suffix := range []string{"_bucket", "_sum", "_count"} {
		if base, ok := strings.CutSuffix(name, suffix); ok && metrics[base].GetType() == dto.MetricType_HISTOGRAM && family == nil {
			name, family = base, metrics[base]
		}
	}
	if family == nil {
		t.Errorf("%s: no metric is called %s", where, s.Name)
		return name
	}
	labels := map[string]bool{"instance": true, "job": true, "__name__": true}
	for _, m := range family.GetMetric() {
		for _, l := range m.GetLabel() {
			labels[l.GetName()] = true
		}
	}
	for _, m := range s.LabelMatchers {
		if !labels[m.Name] {
			t.Errorf("%s: %s has no label %s", where, name, m.Name)
		}
	}
	return name
}

func alertQueries(t *testing.T) map[string]string {
	t.Helper()
	groups, errs := rulefmt.ParseFile(filepath.Join("..", "..", ".deploy", "prometheus", "rules.yml"), false)
	for _, err := range errs {
		t.Error(err)
	}
	out := map[string]string{}
	for _, g := range groups.Groups {
		for _, r := range g.Rules {
			out["alert "+r.Alert] = r.Expr
			if r.Annotations["summary"] == "" || r.Annotations["description"] == "" || r.Labels["severity"] == "" {
				t.Errorf("%s lacks a summary, a description or a severity", r.Alert)
			}
		}
	}
	return out
}

func dashboardQueries(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", ".deploy", "grafana", "switchboard.json"))
	if err != nil {
		t.Fatal(err)
	}
	var board struct {
		Panels []struct {
			ID      int
			Title   string
			Type    string
			Targets []struct{ Expr string }
			GridPos struct{ X, Y, W, H int }
		}
		Annotations struct{ List []struct{ Name, Expr string } }
	}
	if err := json.Unmarshal(text, &board); err != nil {
		t.Fatal(err)
	}
	variables := strings.NewReplacer("$__rate_interval", "5m", "$instance", ".*")
	out, ids := map[string]string{}, map[int]bool{}
	for _, p := range board.Panels {
		if ids[p.ID] || p.GridPos.X+p.GridPos.W > 24 {
			t.Errorf("panel %q: its id is taken, or it lies beside the board", p.Title)
		}
		ids[p.ID] = true
		if p.Type != "row" && len(p.Targets) == 0 {
			t.Errorf("panel %q shows nothing", p.Title)
		}
		for i, target := range p.Targets {
			out["panel "+p.Title+string(rune('A'+i))] = variables.Replace(target.Expr)
		}
	}
	for _, a := range board.Annotations.List {
		out["annotation "+a.Name] = variables.Replace(a.Expr)
	}
	return out
}

// metricsOfAServer runs one with everything that has metrics.
func metricsOfAServer(t *testing.T) map[string]*dto.MetricFamily {
	t.Helper()
	dir := t.TempDir()
	certPEM, keyPEM := certstest.Issue(t, "127.0.0.1", certificateEnd)
	for name, text := range map[string][]byte{"tls.crt": certPEM, "tls.key": keyPEM} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p := startProcess(t, dir, "--tls-cert", "tls.crt", "--tls-key", "tls.key",
		"--relay", "http://127.0.0.1:9/", "--relay-allow-private", "--relay-secret", relaySecret)
	client := trusting(t, certPEM)
	public := strings.Replace(p.public, "http:", "https:", 1)
	for path, body := range map[string]string{
		"/alohaa/get-receiver-details": `{"caller_number": "9988912345", "did": "918645658689", "call_id": "m1"}`,
		"/alohaa/send-call-details":    `{"call_id": "m1", "did": "918645658689", "call_status": "answered"}`,
	} {
		resp, err := client.Post(public+path, "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
	}
	resp, err := http.Get(p.private + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	p.terminate(t)
	return families
}

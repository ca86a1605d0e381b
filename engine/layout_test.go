package engine_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// TestImportsPointOneWay holds the layout: the domain knows nobody, the server
// knows neither the policy engine nor the database, only the program wires them.
func TestImportsPointOneWay(t *testing.T) {
	const opa, bbolt, gin = "github.com/open-policy-agent/opa", "go.etcd.io/bbolt", "github.com/gin-gonic/gin"
	for _, c := range []struct {
		pkg     string
		ours    []string // packages of this module it may use
		foreign []string // modules it must not use
	}{
		{"switchboard/engine", nil, []string{opa, bbolt, gin}},
		{"switchboard/engine/failpoint", nil, []string{opa, bbolt, gin}},
		{"switchboard/engine/giveway", nil, []string{opa, bbolt, gin}},
		{"switchboard/engine/policy", []string{"switchboard/engine", "switchboard/engine/failpoint", "switchboard/policies", "switchboard/engine/policy/datafile",
			"switchboard/engine/giveway", "switchboard/engine/policy/finding", "switchboard/engine/policy/lint", "switchboard/engine/policy/mounted",
			"switchboard/engine/policy/plan", "switchboard/engine/policy/walk"}, []string{bbolt, gin}},
		{"switchboard/engine/policy/plan", nil, []string{bbolt, gin}},
		{"switchboard/engine/policy/lint", []string{"switchboard/engine", "switchboard/engine/policy/datafile",
			"switchboard/engine/giveway", "switchboard/engine/policy/finding", "switchboard/engine/policy/mounted"}, []string{bbolt, gin}},
		{"switchboard/engine/policy/datafile", []string{"switchboard/engine", "switchboard/engine/policy/finding"}, []string{bbolt, gin}},
		{"switchboard/engine/policy/mounted", nil, []string{bbolt, gin}},
		{"switchboard/engine/history", []string{"switchboard/engine", "switchboard/engine/failpoint", "switchboard/engine/giveway", "switchboard/engine/history/boltfile", "switchboard/engine/history/calltable", "switchboard/engine/history/filter", "switchboard/engine/history/fold",
			"switchboard/engine/history/journal", "switchboard/engine/history/pieces", "switchboard/engine/history/pile", "switchboard/engine/history/stats", "switchboard/engine/history/outbox", "switchboard/engine/erase"}, []string{opa, gin}},
		{"switchboard/engine/history/boltfile", []string{"switchboard/engine/failpoint"}, []string{opa, gin}},
		{"switchboard/engine/history/calltable", []string{"switchboard/engine", "switchboard/engine/failpoint", "switchboard/engine/history/boltfile", "switchboard/engine/history/filter",
			"switchboard/engine/history/fold"}, []string{opa, gin}},
		{"switchboard/engine/history/filter", []string{"switchboard/engine", "switchboard/engine/history/fold"}, []string{opa, bbolt, gin}},
		{"switchboard/engine/history/journal", []string{"switchboard/engine", "switchboard/engine/failpoint", "switchboard/engine/history/boltfile"}, []string{opa, gin}},
		{"switchboard/engine/history/pieces", []string{"switchboard/engine/failpoint"}, []string{opa, gin}},
		{"switchboard/engine/history/pile", []string{"switchboard/engine", "switchboard/engine/failpoint", "switchboard/engine/history/boltfile", "switchboard/engine/history/filter",
			"switchboard/engine/history/fold"}, []string{opa, gin}},
		{"switchboard/engine/erase", []string{"switchboard/engine"}, []string{opa, bbolt, gin}},
		{"switchboard/engine/history/stats", []string{"switchboard/engine", "switchboard/engine/history/fold"}, []string{opa, bbolt, gin}},
		{"switchboard/engine/history/outbox", []string{"switchboard/engine"}, []string{opa, gin}},
		{"switchboard/engine/policy/walk", []string{"switchboard/engine"}, []string{bbolt, gin}},
		{"switchboard/engine/replay", []string{"switchboard/engine"}, []string{opa, bbolt, gin}},
		{"switchboard/engine/history/fold", []string{"switchboard/engine"}, []string{opa, bbolt, gin}},
		{"switchboard/server", []string{
			"switchboard/engine",
			"switchboard/engine/erase",
			"switchboard/engine/failpoint",
			"switchboard/engine/giveway",
			"switchboard/server/access",
			"switchboard/server/alohaa",
			"switchboard/server/backfill",
			"switchboard/server/certs",
			"switchboard/server/conns",
			"switchboard/server/console",
			"switchboard/server/decisionlog",
			"switchboard/server/events",
			"switchboard/server/export",
			"switchboard/server/hangup",
			"switchboard/server/openapi",
		}, []string{opa, bbolt}},
		{"switchboard/server/access", nil, []string{opa, bbolt, gin}},
		{"switchboard/server/certs", nil, []string{opa, bbolt, gin}},
		{"switchboard/server/conns", nil, []string{opa, bbolt, gin}},
		{"switchboard/server/backfill", []string{"switchboard/engine", "switchboard/server/alohaa", "switchboard/server/export"}, []string{opa, bbolt, gin}},
		{"switchboard/server/decisionlog", []string{"switchboard/engine"}, []string{opa, bbolt, gin}},
		{"switchboard/server/export", []string{"switchboard/engine"}, []string{opa, bbolt, gin}},
		{"switchboard/server/console", []string{"switchboard/engine", "switchboard/engine/giveway"}, []string{opa, bbolt, gin}},
		{"switchboard/server/hangup", nil, []string{opa, bbolt, gin}},
		{"switchboard/server/openapi", nil, []string{opa, bbolt, gin}},
		{"switchboard/server/events", nil, []string{opa, bbolt, gin}},
		{"switchboard/server/relay", []string{"switchboard/engine"}, []string{opa, bbolt, gin}},
		{"switchboard/server/alohaa", []string{"switchboard/engine"}, []string{opa, bbolt, gin}},
	} {
		out, err := exec.Command("go", "list", "-deps", c.pkg).Output()
		if err != nil {
			t.Fatalf("go list -deps %s: %v", c.pkg, err)
		}
		for dep := range strings.Lines(string(out)) {
			dep = strings.TrimSpace(dep)
			if strings.HasPrefix(dep, "switchboard/") && dep != c.pkg && !slices.Contains(c.ours, dep) {
				t.Errorf("%s must not import %s", c.pkg, dep)
			}
			for _, f := range c.foreign {
				if dep == f || strings.HasPrefix(dep, f+"/") {
					t.Errorf("%s must not import %s", c.pkg, dep)
				}
			}
		}
	}
}

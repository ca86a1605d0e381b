package main

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestJudgingAWave(t *testing.T) {
	type calls map[string]int // by "source number"
	a, b, c, over := "policy "+supportTeam[0], "policy "+supportTeam[1], "policy "+supportTeam[2], "policy "+supportOverflow
	for name, test := range map[string]struct {
		wave calls
		want map[promise]int
	}{
		"room left":                {calls{a: 2, b: 1}, map[promise]int{}},
		"full":                     {calls{a: 2, b: 2, c: 2}, map[promise]int{}},
		"full, the rest overflows": {calls{a: 2, b: 2, c: 2, over: 50}, map[promise]int{}},
		"shed ones count nowhere":  {calls{a: 1, "shed " + supportTeam[0]: 9, "fallback " + supportOverflow: 3}, map[promise]int{}},
		"one has three":            {calls{a: 3, b: 2, c: 2}, map[promise]int{overCapacity: 1}},
		"one has nine":             {calls{a: 9, b: 2, c: 2}, map[promise]int{overCapacity: 1}},
		"overflow with room":       {calls{a: 2, b: 2, c: 1, over: 4}, map[promise]int{overflowEarly: 1}},
		"overflow alone":           {calls{over: 1}, map[promise]int{overflowEarly: 1}},
		"rejected":                 {calls{"rejected ": 2}, map[promise]int{turnedAway: 2}},
	} {
		s := emptyStage(t)
		var wave []*rung
		for key, n := range test.wave {
			var source, number string
			for i := range key {
				if key[i] == ' ' {
					source, number = key[:i], key[i+1:]
				}
			}
			for range n {
				r := heard("9988912345", supportDID, number)
				r.record.Decision.Source = source
				wave = append(wave, r)
			}
		}
		s.judgeWave(wave, 6)
		if diff := cmp.Diff(test.want, s.player.tally.breakages()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// A wave is always more than the team can take, and never more than was asked for.
func TestWaves(t *testing.T) {
	for name, test := range map[string]struct {
		args           []string
		waves, overrun int
	}{
		"few workers": {[]string{"--calls", "16", "--concurrency", "1"}, 2, 4},
		"many":        {[]string{"--calls", "30", "--concurrency", "20"}, 2, 18},
		"one call":    {[]string{"--calls", "1"}, 1, 0},
	} {
		code, r := playInMemory(t, t.Context(), newScenarioServer("overload", ""), append(test.args, "--scenario", "overload")...)
		c := r.Scenario.Counts
		if code != exitGood || c["waves"] != test.waves || c["answered by the overflow"] != test.overrun {
			t.Errorf("%s: exit %d, %v", name, code, c)
		}
	}
}

func TestCountersAreReadFromMetrics(t *testing.T) {
	for text, want := range map[string]map[string]int{
		"switchboard_decisions_total{cause=\"\",source=\"policy\"} 3\nswitchboard_decisions_total{cause=\"x\",source=\"policy\"} 1e+06\n": {"policy": 1000003},
		"# HELP switchboard_decisions_total\nswitchboard_decisions_total{source=\"shed\",cause=\"overload\"} 2\nother{source=\"shed\"} 5": {"shed": 2},
		"": {},
	} {
		s := emptyStage(t, "--scenario", "overload")
		s.api.transport = inMemory{http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/metrics" {
				t.Errorf("asked for %s", r.URL)
			}
			_, _ = w.Write([]byte(text))
		})}
		got, ok := s.decisions(t.Context())
		if diff := cmp.Diff(want, got); diff != "" || ok != (len(want) > 0) || ok == (s.player.tally.breakages()[miscounted] == 1) {
			t.Errorf("%q: %t, %v\n%s", text, ok, s.player.tally.breakages(), diff)
		}
	}
}

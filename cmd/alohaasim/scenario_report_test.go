package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// explained is a call that the history explains.
func explained(where, role, number, reason string) *rung {
	r := heard("9988912345", "918645658689", number)
	r.where, r.role, r.explained = where, role, true
	r.record.Decision.Reason, r.record.Decision.Source = reason, "policy"
	return r
}

func TestReportCountsByMomentReceiverAndReason(t *testing.T) {
	s := emptyStage(t, "--scenario", "sales")
	busy := explained("noon", "", "9876543211", "round_robin")
	busy.record.Decision.Skipped = []struct {
		Number string `json:"number"`
		Why    string `json:"why"`
	}{{"1", "paused"}, {"2", "busy"}, {"3", "paused"}}
	unknown := heard("9988912345", "918645658689", "9876543210")
	unknown.where = "noon"
	s.rung = []*rung{
		explained("noon", "", "9876543210", "sticky"), busy, explained("noon", "", "9876543211", "round_robin"),
		explained("morning", "the courier", "9876543210", "pair"), explained("morning", "the courier", "9876543211", "pair"),
		unknown, {where: "never heard"}, explained("noon", "", "", "blocked"),
	}
	s.count("breaks")
	s.count("breaks")
	got := s.report()
	want := &scenarioReport{Name: "sales", Counts: map[string]int{"breaks": 2}, Reached: []reached{
		{"noon", "9876543211", "round_robin", "policy", 2, []string{"busy", "paused"}},
		{"noon", "", "blocked", "policy", 1, nil},
		{"noon", "9876543210", "not known", "not known", 1, nil},
		{"noon", "9876543210", "sticky", "policy", 1, nil},
		{"morning", "the courier", "pair", "policy", 2, nil},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
	var r report
	r.add(got, s.opts)
	text := r.Scenario.text()
	for _, line := range []string{
		"  noon\n    …3211                2  round_robin; passed over: busy, paused\n", "    rejected             1  blocked\n",
		"    …3210                1  not known, source not known\n", "  morning\n    the courier          2  pair\n", "  breaks                       2\n",
	} {
		if !strings.Contains(text, line) {
			t.Errorf("%q is missing in\n%s", line, text)
		}
	}
}

func TestReportShowsNumbersWhereAsked(t *testing.T) {
	s := emptyStage(t, "--scenario", "sales", "--show-numbers")
	s.rung = []*rung{explained("noon", "", "9876543210", "sticky")}
	var r report
	r.add(s.report(), s.opts)
	if !strings.Contains(r.Scenario.text(), "9876543210") {
		t.Error(r.Scenario.text())
	}
	r.Scenario = nil
	if r.add(nil, s.opts); r.Scenario != nil {
		t.Error("a run without a scenario tells one")
	}
}

func TestTextListsTheFirstOfEachMoment(t *testing.T) {
	r := scenarioReport{Name: "delivery"}
	for _, moment := range []string{"one", "two"} {
		for i := range shownReceivers + 5 {
			r.Reached = append(r.Reached, reached{Moment: moment, Number: fmt.Sprint(i), Reason: "pair", Source: "policy", Calls: 1})
		}
	}
	text := r.text()
	if n := strings.Count(text, "  pair\n"); n != 2*shownReceivers || strings.Count(text, "… and more; --json lists all") != 2 {
		t.Errorf("%d lines:\n%s", n, text)
	}
}

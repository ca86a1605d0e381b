package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"switchboard/engine"
)

// scenarioReport is what a scenario adds to the report: what happened, and who
// was reached why.
type scenarioReport struct {
	Name    string         `json:"name"`
	Counts  map[string]int `json:"counts"`
	Reached []reached      `json:"reached"` // by moment, then most calls first
}

// reached counts the calls of one moment that came to one receiver for one
// reason.
type reached struct {
	Moment  string   `json:"moment"`
	Number  string   `json:"number"` // or a role such as "the courier"; empty: rejected
	Reason  string   `json:"reason"`
	Source  string   `json:"source"`
	Calls   int      `json:"calls"`
	Skipped []string `json:"skipped,omitempty"` // why others were passed over, sorted
}

// report sums up by moments, in the order in which they first came.
func (s *stage) report() *scenarioReport {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := &scenarioReport{Name: s.opts.Scenario, Counts: maps.Clone(s.counts), Reached: []reached{}}
	order := map[string]int{}
	places := map[[4]string]int{}
	for _, c := range s.rung {
		if !c.heard {
			continue
		}
		if _, known := order[c.where]; !known {
			order[c.where] = len(order)
		}
		d := c.record.Decision
		who := cmp.Or(c.role, c.number)
		key := [4]string{c.where, who, d.Reason, d.Source}
		at, known := places[key]
		if !known {
			at = len(r.Reached)
			places[key] = at
			r.Reached = append(r.Reached, reached{Moment: c.where, Number: who,
				Reason: cmp.Or(d.Reason, d.Cause, "not known"), Source: cmp.Or(d.Source, "not known")})
		}
		line := &r.Reached[at]
		line.Calls++
		for _, skipped := range d.Skipped {
			if !slices.Contains(line.Skipped, skipped.Why) {
				line.Skipped = append(line.Skipped, skipped.Why)
			}
		}
		slices.Sort(line.Skipped)
	}
	slices.SortFunc(r.Reached, func(a, b reached) int {
		return cmp.Or(cmp.Compare(order[a.Moment], order[b.Moment]), cmp.Compare(b.Calls, a.Calls),
			cmp.Compare(a.Number, b.Number), cmp.Compare(a.Reason, b.Reason))
	})
	return r
}

// hideNumbers masks after sorting and counting, as the report does.
func (r *scenarioReport) hideNumbers() {
	for i := range r.Reached {
		r.Reached[i].Number = engine.Mask(r.Reached[i].Number)
	}
}

// add takes the scenario into the run's report.
func (r *report) add(s *scenarioReport, o *options) {
	if s == nil {
		return
	}
	if !o.ShowNumbers {
		s.hideNumbers()
	}
	r.Scenario, r.Asked = s, r.Played+r.CutOff
}

// text is the scenario's part for a person.
func (r *scenarioReport) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "scenario %s: who was reached, and why\n", r.Name)
	moment, shown := "", 0
	for _, line := range r.Reached {
		if line.Moment != moment {
			moment, shown = line.Moment, 0
			fmt.Fprintf(&b, "  %s\n", moment)
		}
		if shown++; shown > shownReceivers {
			if shown == shownReceivers+1 {
				fmt.Fprintf(&b, "    … and more; --json lists all\n")
			}
			continue
		}
		why := line.Reason
		if line.Source != string(engine.SourcePolicy) {
			why += ", source " + line.Source
		}
		if len(line.Skipped) > 0 {
			why += "; passed over: " + strings.Join(line.Skipped, ", ")
		}
		fmt.Fprintf(&b, "    %-16s %5d  %s\n", cmp.Or(line.Number, "rejected"), line.Calls, why)
	}
	for _, what := range slices.Sorted(maps.Keys(r.Counts)) {
		fmt.Fprintf(&b, "  %-28s %d\n", what, r.Counts[what])
	}
	return b.String()
}

package main

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"time"

	"switchboard/engine"
)

// report is what a run found, in the form that --json prints.
type report struct {
	Target      string `json:"target"`
	Prefix      string `json:"prefix"`
	Seed        uint64 `json:"seed"`
	Asked       int    `json:"calls_asked"`
	Played      int    `json:"calls_played"`
	CutOff      int    `json:"calls_cut_off"` // begun and not ended
	Abandoned   int    `json:"calls_abandoned"`
	HungUp      int    `json:"calls_hung_up"` // through the hangup API
	Interrupted bool   `json:"interrupted"`
	Unreachable string `json:"unreachable,omitempty"` // why, with a hint

	Elapsed     float64 `json:"elapsed_seconds"`
	CallsRate   float64 `json:"calls_per_second"`
	RequestRate float64 `json:"requests_per_second"`
	Behind      float64 `json:"behind_schedule_seconds"` // latest start against --rate

	Initiations initiationReport `json:"initiations"`
	Completions completionReport `json:"completions"`
	Receivers   []receiverCount  `json:"receivers"` // most calls first
	Scenario    *scenarioReport  `json:"scenario,omitempty"`
	Broken      []brokenPromise  `json:"broken"` // by name
}

type initiationReport struct {
	Sent     int            `json:"sent"`
	Answered int            `json:"answered"`
	Rejected int            `json:"rejected"`
	Retries  int            `json:"retries"`
	ByStatus map[string]int `json:"by_http_status"`
	Latency  latency        `json:"latency"`
}

type completionReport struct {
	Sent     int            `json:"sent"`
	ByStatus map[string]int `json:"by_http_status"`
	ByResult map[string]int `json:"by_result"` // stored, duplicate, updated
	Latency  latency        `json:"latency"`
}

type receiverCount struct {
	Number string `json:"number"`
	Calls  int    `json:"calls"`
}

type brokenPromise struct {
	Promise  promise   `json:"promise"`
	Count    int       `json:"count"`
	Examples []example `json:"examples"`
}

// report sums up the run so far.
func (t *tally) report(o *options, prefix string, elapsed time.Duration) report {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := report{
		Target: o.Target, Prefix: prefix, Seed: o.Seed,
		Asked: o.Calls, Played: t.played, CutOff: t.started - t.played, Abandoned: t.abandoned, HungUp: t.hungUp,
		Elapsed: elapsed.Seconds(), Behind: t.behind.Seconds(),
		Initiations: initiationReport{t.initiations.sent, t.answered, t.rejected, t.retries,
			statusNames(t.initiations.byStatus), t.initiations.latency.summary()},
		Completions: completionReport{t.completions.sent, statusNames(t.completions.byStatus),
			maps.Clone(t.results), t.completions.latency.summary()},
		Receivers: []receiverCount{}, Broken: []brokenPromise{},
	}
	if elapsed > 0 {
		r.CallsRate = float64(t.played) / r.Elapsed
		r.RequestRate = float64(t.initiations.sent+t.completions.sent) / r.Elapsed
	}
	for number, calls := range t.receivers {
		r.Receivers = append(r.Receivers, receiverCount{number, calls})
	}
	slices.SortFunc(r.Receivers, func(a, b receiverCount) int {
		return cmp.Or(cmp.Compare(b.Calls, a.Calls), cmp.Compare(a.Number, b.Number))
	})
	for _, p := range slices.Sorted(maps.Keys(t.broken)) {
		r.Broken = append(r.Broken, brokenPromise{p, t.broken[p].count, slices.Clone(t.broken[p].examples)})
	}
	if !o.ShowNumbers {
		r.hideNumbers()
	}
	return r
}

// hideNumbers masks after sorting and counting, so that two receivers with the
// same mask stay two.
func (r *report) hideNumbers() {
	for i := range r.Receivers {
		if r.Receivers[i].Number != otherReceivers {
			r.Receivers[i].Number = engine.Mask(r.Receivers[i].Number)
		}
	}
	for _, b := range r.Broken {
		for i := range b.Examples {
			b.Examples[i].Detail = engine.Mask(b.Examples[i].Detail)
		}
	}
}

// onlySilence reports whether nothing worse happened than missing answers,
// which is what a server that went away leaves behind.
func (r *report) onlySilence() bool {
	return !slices.ContainsFunc(r.Broken, func(b brokenPromise) bool { return b.Promise != noAnswer })
}

func statusNames(byStatus map[int]int) map[string]int {
	names := make(map[string]int, len(byStatus))
	for status, n := range byStatus {
		names[strconv.Itoa(status)] = n
	}
	return names
}

package main

import (
	"bufio"
	"bytes"
	"context"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"switchboard/engine"
)

// The world of testdata/scenarios/overload.yaml.
const (
	supportDID      = "918645658689"
	supportOverflow = "9876543228"
	callsPerAgent   = 2
)

var supportTeam = []string{"9876543210", "9876543211", "9876543212"}

// The promises of a line under overload.
const (
	overCapacity  promise = "over_capacity"  // an agent holds more calls than max_concurrent
	overflowEarly promise = "overflow_early" // a call overflowed while an agent was free
	turnedAway    promise = "turned_away"    // a caller was rejected
	policiesIdle  promise = "policies_idle"  // the policies decided nothing
	miscounted    promise = "miscounted"     // the metrics do not say what happened
)

// playOverload plays a support line on which more people call at once than the
// team can talk to, again and again: a wave rings together, and hangs up when
// everybody has an answer.
func playOverload(ctx context.Context, s *stage) {
	capacity := callsPerAgent * len(supportTeam)
	before, counted := s.decisions(ctx)
	size, begun := max(s.opts.Concurrency, capacity+2), 0
	for begun < s.opts.Calls && ctx.Err() == nil {
		n := min(size, s.opts.Calls-begun)
		wave := make([]*rung, n)
		together(n, func(i int) { wave[i] = s.ring(ctx, "more calls than agents", s.callers.number(begun+i), supportDID) })
		together(n, func(i int) { s.end(ctx, wave[i]) })
		s.explain(ctx, wave...)
		s.judgeWave(wave, capacity)
		begun += n
		s.count("waves")
	}
	if counted {
		s.judgeMetrics(ctx, before)
	}
}

// together runs f for 0 to n-1, all at once.
func together(n int, f func(i int)) {
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { f(i) })
	}
	all.Wait()
}

// judgeWave looks at calls that were all in flight at the same time.
func (s *stage) judgeWave(wave []*rung, capacity int) {
	holds, taken := map[string]int{}, 0
	var overflowed *rung
	for _, r := range wave {
		source := engine.Source(r.record.Decision.Source)
		switch {
		case !r.heard:
			continue
		case r.rejected:
			s.broken(r.id, turnedAway, "a caller was rejected; somebody has to take every call")
		case source != engine.SourcePolicy:
			s.count("answered by " + string(source))
			continue
		case same(r.number, supportOverflow):
			s.count("answered by the overflow")
			overflowed = r
			continue
		}
		s.count("answered by the team")
		holds[r.number]++
		if taken++; holds[r.number] == callsPerAgent+1 {
			s.broken(r.id, overCapacity, "%s was given more than %d calls at once", r.number, callsPerAgent)
		}
	}
	if overflowed != nil && taken < capacity {
		s.broken(overflowed.id, overflowEarly, "the team had %d of %d calls when this one overflowed", taken, capacity)
	}
}

// judgeMetrics holds the server's own counters against the calls.
func (s *stage) judgeMetrics(ctx context.Context, before map[string]int) {
	after, ok := s.decisions(ctx)
	if !ok {
		return
	}
	sources := map[string]int{}
	for _, r := range s.all() {
		if r.explained {
			sources[r.record.Decision.Source]++
		}
	}
	if sources[string(engine.SourcePolicy)] == 0 {
		s.broken("-", policiesIdle, "the policies decided none of %d calls; serve the starter policies with testdata/scenarios/overload.yaml as directory/data.yaml", len(s.all()))
	}
	for _, source := range []engine.Source{engine.SourcePolicy, engine.SourceFallback, engine.SourceDIDFallback, engine.SourceShed} {
		if was, is, want := before[string(source)], after[string(source)], sources[string(source)]; is-was != want {
			s.broken("-", miscounted, "switchboard_decisions_total{source=%q} went from %d to %d, and %d calls were answered so", source, was, is, want)
		}
	}
}

// decisions reads the server's counters of decided calls, by source.
func (s *stage) decisions(ctx context.Context) (map[string]int, bool) {
	var text rawBody
	if _, ok := s.tell(ctx, http.MethodGet, []string{"metrics"}, nil, &text, http.StatusOK); !ok {
		return nil, false
	}
	counts := map[string]int{}
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		labels, ok := strings.CutPrefix(lines.Text(), "switchboard_decisions_total{")
		labels, value, found := strings.Cut(labels, "} ")
		_, source, labelled := strings.Cut(labels, `source="`)
		if !ok || !found || !labelled {
			continue
		}
		source, _, _ = strings.Cut(source, `"`)
		if n, err := strconv.ParseFloat(value, 64); err == nil {
			counts[source] += int(n)
		}
	}
	if len(counts) == 0 {
		s.broken("-", miscounted, "/metrics has no switchboard_decisions_total: %s", excerpt(text))
	}
	return counts, len(counts) > 0
}

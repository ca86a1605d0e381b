package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// shownReceivers is how many receivers the text report lists; JSON has them all.
const shownReceivers = 20

// text is the report for a person.
func (r *report) text() string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("%d of %d calls played against %s in %.2f s (%.1f calls/s, %.1f requests/s)",
		r.Played, r.Asked, r.Target, r.Elapsed, r.CallsRate, r.RequestRate)
	line("call_ids %s-…, seed %d%s", r.Prefix, r.Seed, r.remarks())
	line("")
	in, out := r.Initiations, r.Completions
	line("initiations  %d sent, %d calls answered, %d rejected, %d retries", in.Sent, in.Answered, in.Rejected, in.Retries)
	line("  http       %s", counts(in.ByStatus))
	line("  latency    %s", in.Latency)
	line("completions  %d sent", out.Sent)
	line("  http       %s", counts(out.ByStatus))
	line("  result     %s", counts(out.ByResult))
	line("  latency    %s", out.Latency)
	line("receivers    %d", len(r.Receivers))
	for i, rc := range r.Receivers {
		if i == shownReceivers {
			line("  … and %d more; --json lists all", len(r.Receivers)-i)
			break
		}
		line("  %-16s %d", rc.Number, rc.Calls)
	}
	line("")
	if r.Scenario != nil {
		line("%s", r.Scenario.text())
	}
	if len(r.Broken) == 0 {
		line("broken promises: none")
	}
	for _, p := range r.Broken {
		line("BROKEN %s: %d times", p.Promise, p.Count)
		for _, e := range p.Examples {
			line("  %s  %s", e.CallID, e.Detail)
		}
	}
	return b.String()
}

func (r *report) remarks() string {
	var s string
	if r.Abandoned > 0 {
		s += fmt.Sprintf(", %d without completion", r.Abandoned)
	}
	if r.HungUp > 0 {
		s += fmt.Sprintf(", %d hung up", r.HungUp)
	}
	if r.CutOff > 0 {
		s += fmt.Sprintf(", %d cut off", r.CutOff)
	}
	if r.Interrupted {
		s += ", interrupted"
	}
	if r.Behind > 0.1 {
		s += fmt.Sprintf(", up to %.1f s behind --rate (more --concurrency may help)", r.Behind)
	}
	return s
}

// String is the latency in one line.
func (l latency) String() string {
	if l.Count == 0 {
		return "-"
	}
	return fmt.Sprintf("p50 %.2f  p90 %.2f  p99 %.2f  max %.2f ms", l.P50, l.P90, l.P99, l.Max)
}

func counts(by map[string]int) string {
	if len(by) == 0 {
		return "-"
	}
	parts := make([]string, 0, len(by))
	for _, name := range slices.Sorted(maps.Keys(by)) {
		parts = append(parts, fmt.Sprintf("%s: %d", name, by[name]))
	}
	return strings.Join(parts, "  ")
}

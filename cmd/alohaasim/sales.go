package main

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"sync"
)

// The world of testdata/scenarios/sales.yaml, with the office's in office.go: a line
// that is always open.
const (
	salesDID      = "918645658689"
	salesOverflow = "9876543228"
)

var salesTeam = []string{"9876543210", "9876543211", "9876543212", "9876543213"}

// The promises of a sales team.
const (
	rotationUnfair promise = "rotation_unfair" // one agent of a rotation got two calls more than another
	stickyLost     promise = "sticky_lost"     // a caller who was answered came to another agent
	pausedRung     promise = "paused_rung"     // an agent on a break was rung
	teamMissed     promise = "team_missed"     // somebody outside the team was rung while agents were there
	overflowMissed promise = "overflow_missed" // everybody is on a break, and not the overflow was rung
)

// salesDay is what the day remembers.
type salesDay struct {
	*stage
	mu    sync.Mutex
	spoke map[string]string // by caller: who took the newest answered call
	fresh int               // callers made up so far
}

// playSales plays a sales team's day: --calls new callers, then the same again,
// lunch breaks one after the other, a meeting of all, and questions about nights
// and holidays. --concurrency callers ring at the same time.
func playSales(ctx context.Context, s *stage) {
	d := &salesDay{stage: s, spoke: map[string]string{}}
	for _, agent := range salesTeam { // a break that was left over would be broken promises
		s.tell(ctx, http.MethodDelete, v1("facts", "paused", agent), nil, nil, http.StatusOK, http.StatusNoContent)
	}
	d.office(ctx)
	d.fair(d.call(ctx, "morning: new callers", d.strangers(s.opts.Calls), salesTeam))
	d.call(ctx, "afternoon: the same callers", d.known(), salesTeam)
	for _, agent := range salesTeam {
		d.lunch(ctx, agent)
	}
	d.call(ctx, "after lunch: the same callers", d.known(), salesTeam)
	d.meeting(ctx)
	d.call(ctx, "after the meeting: the same callers", d.known(), salesTeam)
	d.office(ctx)
}

// strangers makes up callers who never called.
func (d *salesDay) strangers(n int) []string {
	callers := make([]string, n)
	for i := range callers {
		callers[i] = d.callers.number(d.fresh)
		d.fresh++
	}
	return callers
}

// known are those who talked to somebody, in a fixed order.
func (d *salesDay) known() []string { return slices.Sorted(maps.Keys(d.spoke)) }

// call plays a call of each, and judges it knowing who of the team is there.
func (d *salesDay) call(ctx context.Context, where string, callers, there []string) []*rung {
	calls := make([]*rung, len(callers))
	d.each(ctx, len(callers), func(i int) {
		d.mu.Lock()
		agent := d.spoke[callers[i]]
		d.mu.Unlock()
		r := d.dial(ctx, where, callers[i], salesDID)
		calls[i] = r
		d.judge(r, agent, there)
		if r.number != "" && r.answered && ctx.Err() == nil {
			d.mu.Lock()
			d.spoke[callers[i]] = r.number
			d.mu.Unlock()
		}
	})
	return slices.DeleteFunc(calls, func(r *rung) bool { return r == nil })
}

// judge holds one call against the promises. Agent is whom the caller talked to
// last, empty for none.
func (d *salesDay) judge(r *rung, agent string, there []string) {
	switch {
	case !r.heard:
	case slices.Contains(salesTeam, r.number) && !slices.Contains(there, r.number):
		d.broken(r.id, pausedRung, "%s: %s is on a break and was rung", r.where, r.number)
	case len(there) == 0:
		if r.number != salesOverflow {
			d.broken(r.id, overflowMissed, "%s: everybody is on a break, %s was reached, want %s", r.where, r.whom(), salesOverflow)
		}
	case !slices.Contains(there, r.number):
		d.broken(r.id, teamMissed, "%s: %s was reached, want one of the team; serve the starter policies with testdata/scenarios/sales.yaml as directory/data.yaml", r.where, r.whom())
	case slices.Contains(there, agent) && r.number != agent:
		d.broken(r.id, stickyLost, "%s: %s talked to %s before and reached %s", r.where, r.caller, agent, r.number)
	}
}

// fair: of calls that all went round the same agents nobody has two more than
// another.
func (d *salesDay) fair(calls []*rung, there ...string) {
	if len(there) == 0 {
		there = salesTeam
	}
	got := map[string]int{}
	for _, agent := range there {
		got[agent] = 0
	}
	for _, r := range calls {
		if _, ok := got[r.number]; ok {
			got[r.number]++
		}
	}
	counts := slices.Sorted(maps.Values(got))
	if least, most := counts[0], counts[len(counts)-1]; most-least > 1 && len(calls) > 0 {
		d.broken(calls[0].id, rotationUnfair, "%s: of %d calls one agent got %d and another %d", calls[0].where, len(calls), most, least)
	}
}

// lunch: an agent is on a break. Their callers and new ones go round the others,
// and after it their callers are theirs again.
func (d *salesDay) lunch(ctx context.Context, agent string) {
	var theirs []string
	for _, caller := range d.known() {
		if d.spoke[caller] == agent && len(theirs) < 2*len(salesTeam) {
			theirs = append(theirs, caller)
		}
	}
	back, ok := d.takeBreak(ctx, "lunch", agent)
	defer back()
	if !ok {
		return
	}
	there := slices.DeleteFunc(slices.Clone(salesTeam), func(other string) bool { return other == agent })
	d.fair(d.call(ctx, "lunch: callers of the one who is away, and new ones", append(theirs, d.strangers(len(salesTeam))...), there), there...)
}

// meeting: the whole team is on a break.
func (d *salesDay) meeting(ctx context.Context) {
	for _, agent := range salesTeam {
		back, ok := d.takeBreak(ctx, "meeting", agent)
		defer back()
		if !ok {
			return
		}
	}
	few := d.known()
	d.call(ctx, "meeting: everybody is away", append(few[:min(len(few), 2*len(salesTeam))], d.strangers(2)...), nil)
}

// takeBreak pauses an agent. The break is taken back even where the run is cut
// off, and ends by itself where the emulator is killed.
func (d *salesDay) takeBreak(ctx context.Context, why, agent string) (back func(), ok bool) {
	if ctx.Err() != nil {
		return func() {}, false
	}
	ctx = context.WithoutCancel(ctx) // cut off, it could overtake what takes it back
	_, ok = d.tell(ctx, http.MethodPut, v1("facts", "paused", agent),
		map[string]any{"value": map[string]string{"why": why}, "expires": "10m"}, nil, http.StatusCreated)
	d.count("breaks")
	return func() {
		d.tell(ctx, http.MethodDelete, v1("facts", "paused", agent), nil, nil, http.StatusOK, http.StatusNoContent)
	}, ok
}

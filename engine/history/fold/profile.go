package fold

import (
	"slices"

	"switchboard/engine"
)

// What a profile keeps beyond what it shows is the spare that a call leaving it
// uncovers.
const (
	keepCalls   = 32
	keepDays    = engine.ProfileDays + 2
	keepReasons = 64
	keepMissed  = 96
	showMissed  = 64
)

// Profile is the folded state of one number, before expiry. It is immutable;
// nil is a number never seen.
type Profile struct {
	totals   tally
	days     []day          // newest first
	calls    []*engine.Call // newest first, all that are newer than cut
	cut      mark           // the newest call that found no room; zero for none
	reasons  []*engine.Call // each reason's newest forward by a policy, newest first
	answered *engine.Call   // the newest
	missed   []int64        // dates of the missed calls since, newest first
	flight   flight
}

// Empty reports whether no call counts in the profile.
func (p *Profile) Empty() bool { return p == nil || p.totals.offered <= 0 }

// Replace returns the profile of k with a call's earlier version taken out and
// its new version put in; nil stands for none. A version that does not count
// under k (see [Keys]) is none as well, so that a caller may pass every change
// to every profile that either version concerns. It returns nil when nothing is
// left.
//
// old must be the version that was put in: what was never put in can't be taken
// out.
func (p *Profile) Replace(k Key, old, new *engine.Call, r Rules) *Profile {
	if !k.counts(old) {
		old = nil
	}
	if !k.counts(new) {
		new = nil
	}
	if old == nil && new == nil || old != nil && new != nil && *old == *new {
		return p
	}
	out := &Profile{}
	if p != nil {
		*out = *p
	}
	out.count(old, new, r)
	if out.totals.offered <= 0 {
		return nil
	}
	if old != nil && new != nil && swappable(old, new) {
		out.swap(old, new)
		return out
	}
	if old != nil {
		out.remove(old)
	}
	if new != nil {
		out.add(new)
	}
	return out
}

// count does the sums.
func (p *Profile) count(old, new *engine.Call, r Rules) {
	w, days := windowOf(r.TTL), calendar{r.Zone, slices.Clone(p.days)}
	var date int32
	if old != nil {
		date = days.date(old.At())
		p.totals.add(old, -1)
		days.add(date, old, -1)
		if old.Status == engine.StatusInFlight {
			p.flight.remove(w.slot(old.RoutedAt), date)
		}
	}
	if new != nil {
		if old == nil || old.At() != new.At() {
			date = days.date(new.At())
		}
		p.totals.add(new, +1)
		days.add(date, new, +1)
		if new.RoutedAt != 0 {
			p.flight.routed(w.slot(new.RoutedAt), w)
		}
		if new.Status == engine.StatusInFlight {
			p.flight.add(w.slot(new.RoutedAt), date, w)
		}
	}
	p.days = days.tidy()
}

// swappable reports whether new may take old's places as they are: what a
// completion does to a call, as a rule.
func swappable(old, new *engine.Call) bool {
	return order(old, new) == 0 && old.Source == new.Source && old.Reason == new.Reason &&
		(old.Status != engine.StatusAnswered || new.Status == engine.StatusAnswered)
}

func (p *Profile) swap(old, new *engine.Call) {
	p.calls = swapped(p.calls, old, new)
	if forward(old) {
		p.reasons = swapped(p.reasons, old, new)
	}
	p.unmiss(old)
	p.ended(new)
}

func swapped(calls []*engine.Call, old, new *engine.Call) []*engine.Call {
	i, found := slices.BinarySearchFunc(calls, old, order)
	if !found {
		return calls
	}
	calls = slices.Clone(calls)
	calls[i] = new
	return calls
}

func (p *Profile) add(c *engine.Call) {
	if p.cut == (mark{}) || markOf(c).order(p.cut) < 0 {
		p.calls = inserted(p.calls, c)
		if len(p.calls) > keepCalls {
			p.cut = markOf(p.calls[keepCalls])
			p.calls = p.calls[:keepCalls:keepCalls]
		}
	}
	if forward(c) {
		p.turn(c)
	}
	p.ended(c)
}

// inserted puts a call into its place, where a call with the same mark isn't yet.
func inserted(calls []*engine.Call, c *engine.Call) []*engine.Call {
	i, _ := slices.BinarySearchFunc(calls, c, order)
	return slices.Insert(slices.Clip(calls), i, c)
}

// turn notes a forward by a policy.
func (p *Profile) turn(c *engine.Call) {
	i := reasonIndex(p.reasons, c.Reason)
	if i >= 0 {
		if order(p.reasons[i], c) < 0 {
			return
		}
		p.reasons = slices.Concat(p.reasons[:i], p.reasons[i+1:])
	}
	p.reasons = inserted(p.reasons, c)
	p.reasons = p.reasons[:min(len(p.reasons), keepReasons)]
}

func reasonIndex(calls []*engine.Call, reason string) int {
	return slices.IndexFunc(calls, func(c *engine.Call) bool { return forward(c) && c.Reason == reason })
}

// ended notes what a call's end says about picking up.
func (p *Profile) ended(c *engine.Call) {
	switch {
	case c.Status == engine.StatusAnswered:
		if p.answered != nil && order(p.answered, c) < 0 {
			return
		}
		p.answered = c
		since := 0
		for since < len(p.missed) && p.missed[since] > c.At() {
			since++
		}
		p.missed = p.missed[:since:since]
	case missed(c):
		if p.answered == nil || c.At() > p.answered.At() {
			p.miss(c.At())
		}
	}
}

func (p *Profile) miss(at int64) {
	i, _ := slices.BinarySearchFunc(p.missed, at, newestFirst)
	p.missed = slices.Insert(slices.Clip(p.missed), i, at)
	p.missed = p.missed[:min(len(p.missed), keepMissed)]
}

func (p *Profile) unmiss(c *engine.Call) {
	if !missed(c) {
		return
	}
	if i, found := slices.BinarySearchFunc(p.missed, c.At(), newestFirst); found {
		p.missed = slices.Concat(p.missed[:i], p.missed[i+1:])
	}
}

// remove takes a call out and looks among the calls kept for those that step
// into its places.
func (p *Profile) remove(c *engine.Call) {
	if i, found := slices.BinarySearchFunc(p.calls, c, order); found {
		p.calls = slices.Concat(p.calls[:i], p.calls[i+1:])
	}
	if i := reasonIndex(p.reasons, c.Reason); forward(c) && i >= 0 && order(p.reasons[i], c) == 0 {
		p.reasons = slices.Concat(p.reasons[:i], p.reasons[i+1:])
		if j := reasonIndex(p.calls, c.Reason); j >= 0 {
			p.turn(p.calls[j])
		}
	}
	p.unmiss(c)
	if p.answered == nil || order(p.answered, c) != 0 {
		return
	}
	p.answered = nil
	for _, d := range p.calls {
		switch {
		case d.Status == engine.StatusAnswered:
			p.ended(d)
			return
		case missed(d) && d.At() <= c.At():
			p.miss(d.At())
		}
	}
}

func newestFirst(a, b int64) int {
	switch {
	case a > b:
		return -1
	case a < b:
		return 1
	}
	return 0
}

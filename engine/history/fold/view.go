package fold

import "switchboard/engine"

// At returns the profile as policies see it at a moment (Unix nanoseconds):
// calls whose time is over are expired, in the lists as in the totals. It
// returns nil for an empty profile. The calls are shared with the profile.
//
// LastByReason holds the 64 newest reasons; a forward without a reason is none
// of them. UnansweredStreak ends at 64.
func (p *Profile) At(now int64, r Rules) *engine.Profile {
	if p.Empty() {
		return nil
	}
	w := windowOf(r.TTL)
	out := &engine.Profile{
		UnansweredStreak: int64(min(len(p.missed), showMissed)),
		LastAnswered:     p.answered,
	}
	out.Calls = make([]*engine.Call, min(len(p.calls), engine.ProfileCalls))
	for i := range out.Calls {
		out.Calls[i] = w.resolve(p.calls[i], now)
	}
	if len(p.reasons) > 0 {
		out.LastByReason = make(map[string]*engine.Call, len(p.reasons))
		for i, c := range p.reasons {
			c = w.resolve(c, now)
			if i == 0 {
				out.LastOffered = c
			}
			if c.Reason != "" {
				out.LastByReason[c.Reason] = c
			}
		}
	}
	p.sumAt(out, w.slot(now), w)
	return out
}

// sumAt fills in what is counted.
func (p *Profile) sumAt(out *engine.Profile, now int64, w window) {
	out.Days = make([]engine.Day, 0, min(len(p.days), engine.ProfileDays))
	for i := range p.days {
		if d := &p.days[i]; d.num > p.days[0].num-engine.ProfileDays {
			out.Days = append(out.Days, engine.Day{Date: d.date, Totals: d.at(0)})
		}
	}
	for _, s := range p.flight.stretches {
		live := s.live(now, w)
		if live == 0 {
			continue
		}
		out.InFlight += live
		for i := range out.Days {
			if p.days[i].num == s.day {
				out.Days[i].Expired -= live
				break
			}
		}
	}
	out.Totals = p.totals.at(out.InFlight)
}

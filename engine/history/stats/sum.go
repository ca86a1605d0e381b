package stats

import (
	"maps"
	"slices"
	"strings"
	"time"

	"switchboard/engine"
)

// Sum adds cells up, each way they can be looked at.
type Sum struct {
	filter                   engine.StatsFilter
	totals                   Tally
	dids, receivers, reasons axis
	hours                    [7 * 24]Tally
	days                     map[int64]*Tally
	reader                   reader // of the document at hand
}

// NewSum begins a sum of the cells that a filter selects. The bounds in time
// are the caller's to keep.
func NewSum(f engine.StatsFilter) *Sum {
	return &Sum{filter: f, days: make(map[int64]*Tally)}
}

// Add adds a piece of an hour's cells, with changes laid over it that are not
// written yet.
func (s *Sum) Add(hour Hour, doc []byte, over []Change) error {
	if len(over) > 0 {
		cells, err := patched(doc, over)
		if err != nil {
			return err
		}
		doc = encode(cells)
	}
	r := &s.reader
	if err := r.open(doc); err != nil {
		return err
	}
	did, receiver := -1, -1
	if s.filter.DID != "" {
		if did = r.place(s.filter.DID); did < 0 {
			return nil
		}
	}
	if s.filter.Receiver != "" {
		if receiver = r.place(s.filter.Receiver); receiver < 0 {
			return nil
		}
	}
	for _, a := range []*axis{&s.dids, &s.receivers, &s.reasons} {
		a.begin(len(r.texts))
	}
	var all Tally
	for r.next() {
		if did >= 0 && r.did != did || receiver >= 0 && r.receiver != receiver {
			continue
		}
		all.add(&r.tally, +1)
		s.dids.of(r.texts, r.did).add(&r.tally, +1)
		s.receivers.of(r.texts, r.receiver).add(&r.tally, +1)
		s.reasons.of(r.texts, r.reason).add(&r.tally, +1)
	}
	if all != (Tally{}) {
		s.add(hour, &all)
	}
	return r.err()
}

func (s *Sum) add(hour Hour, all *Tally) {
	s.totals.add(all, +1)
	s.hours[(int(hour.Weekday())+6)%7*24+hour.Clock()].add(all, +1)
	day := s.days[hour.Day()]
	if day == nil {
		day = new(Tally)
		s.days[hour.Day()] = day
	}
	day.add(all, +1)
}

// Stats is the sum as people read it.
func (s *Sum) Stats() *engine.Stats {
	top := s.filter.Top
	if top <= 0 {
		top = engine.DefaultTop
	}
	top = min(top, engine.MaxPage)
	out := &engine.Stats{Totals: s.totals.shown(), Hours: []engine.StatsHour{}, Days: []engine.StatsDay{}}
	out.DIDs, out.LeftOut.DIDs = shown(&s.dids, top, func(name string, t engine.StatsTotals) engine.StatsDID {
		return engine.StatsDID{DID: name, StatsTotals: t}
	})
	out.Receivers, out.LeftOut.Receivers = shown(&s.receivers, top, func(name string, t engine.StatsTotals) engine.StatsReceiver {
		return engine.StatsReceiver{Receiver: name, StatsTotals: t}
	})
	out.Reasons, out.LeftOut.Reasons = shown(&s.reasons, top, func(name string, t engine.StatsTotals) engine.StatsReason {
		return engine.StatsReason{Reason: name, StatsTotals: t}
	})
	for i := range s.hours {
		if s.hours[i] != (Tally{}) {
			weekday := time.Weekday((i/24 + 1) % 7)
			out.Hours = append(out.Hours, engine.StatsHour{Weekday: strings.ToLower(weekday.String()), Hour: i % 24, StatsTotals: s.hours[i].shown()})
		}
	}
	for _, day := range slices.Sorted(maps.Keys(s.days)) {
		date := time.Unix(day*24*60*60, 0).UTC().Format(time.DateOnly)
		out.Days = append(out.Days, engine.StatsDay{Date: date, StatsTotals: s.days[day].shown()})
	}
	return out
}

// shown lists the most offered first, at most top, and counts the rest.
func shown[T any](a *axis, top int, entry func(string, engine.StatsTotals) T) (out []T, left int) {
	var best []*sum // of those looked at, in order
	for s := range a.all {
		if s.Tally == (Tally{}) {
			continue
		}
		left++
		if len(best) == top && a.compare(best[top-1], s) < 0 {
			continue // by far the most, where there are many names
		}
		at, _ := slices.BinarySearchFunc(best, s, a.compare)
		best = slices.Insert(best, at, s)
		best = best[:min(top, len(best))]
	}
	out = make([]T, len(best))
	for i, s := range best {
		out[i] = entry(a.name(s), s.shown())
	}
	return out, left - len(best)
}

func (t *Tally) shown() engine.StatsTotals {
	out := engine.StatsTotals{
		Offered: t.Offered, Answered: t.Answered, Unanswered: t.Unanswered, Other: t.Other,
		Open:     t.Offered - t.Answered - t.Unanswered - t.Other,
		Rejected: t.Rejected, Unrouted: t.Unrouted, TalkSeconds: t.Talk,
	}
	if t.Offered > 0 {
		rate := float64(t.Answered) / float64(t.Offered)
		out.AnswerRate = &rate
	}
	return out
}

package history

import (
	"cmp"
	"slices"

	"switchboard/engine"
)

// pair is what one number has on one DID: the sessions that have not ended,
// newest first, and when the latest that did ended.
type pair struct {
	list  []*engine.Session // also expired ones, until the next change or sweep
	ended int64             // Unix nanoseconds; zero for never
}

// newerSession orders sessions newest first.
func newerSession(a, b *engine.Session) int {
	return cmp.Or(cmp.Compare(b.Created, a.Created), cmp.Compare(b.Ref, a.Ref))
}

// live are the sessions that count at a moment.
func (p *pair) live(now int64) []*engine.Session {
	if p == nil {
		return nil
	}
	gone := func(s *engine.Session) bool { return !s.Live(now) }
	if !slices.ContainsFunc(p.list, gone) {
		return p.list
	}
	return slices.DeleteFunc(slices.Clone(p.list), gone)
}

// endedBy is when the latest session that has ended by a moment did.
func (p *pair) endedBy(now int64) int64 {
	if p == nil {
		return 0
	}
	ended := p.ended
	for _, s := range p.list {
		if !s.Live(now) {
			ended = max(ended, s.Expires)
		}
	}
	return ended
}

// without is the pair at a moment after a session has left it, not counted as
// ended.
func (p *pair) without(ref string, now int64) *pair {
	if p == nil {
		return &pair{}
	}
	out := &pair{ended: p.ended}
	for _, s := range p.list {
		switch {
		case s.Ref == ref:
		case s.Live(now):
			out.list = append(out.list, s)
		default:
			out.ended = max(out.ended, s.Expires)
		}
	}
	return out
}

// with is the pair with a session more.
func (p *pair) with(s *engine.Session) *pair {
	list := append(slices.Clone(p.list), s)
	slices.SortFunc(list, newerSession)
	return &pair{list: list, ended: p.ended}
}

// orNothing is the value to keep.
func (p *pair) orNothing() value {
	if len(p.list) == 0 && p.ended == 0 {
		return nil
	}
	return p
}

func (p *pair) due() int64 {
	if len(p.list) == 0 {
		return p.ended + keepEnded
	}
	first := int64(0)
	for _, s := range p.list {
		if s.Expires != 0 && (first == 0 || s.Expires < first) {
			first = s.Expires
		}
	}
	return first
}

func (p *pair) swept(now int64) value {
	if d := p.due(); d == 0 || d > now {
		return p
	}
	out := p.without("", now)
	if len(out.list) == 0 && out.ended+keepEnded <= now {
		return nil
	}
	return out
}

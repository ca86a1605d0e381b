package history

import (
	"context"
	"slices"
	"strings"
	"time"

	"switchboard/engine"
	"switchboard/engine/history/fold"
	"switchboard/engine/history/journal"
)

// Past returns the decision that was recorded for a call_id, with the history as
// it stood just before that was published; nil where none is recorded, or none
// any more. Of several the one that [Store.Call] shows counts, or with a
// canonical DID that DID's.
//
// Only the records of the numbers that are asked for are folded, found by the
// index: those of a caller in a moment, those of a DID that every call comes
// over in some seconds for a million calls. The view reads with ctx.
func (s *Store) Past(ctx context.Context, callID, did string) (*engine.Recorded, error) {
	e := s.lockEntry(callKey(callID))
	seqs, rebuilding := e.seqs, s.rebuilding
	s.mu.Unlock()
	var out *engine.Recorded
	for _, seq := range seqs {
		r, err := s.read(seq)
		if err != nil {
			return nil, err
		}
		if r == nil || r.Decision == nil || did != "" && r.Decision.DID.Canonical != did {
			continue
		}
		if out == nil || counts(r.Decision, out.Record) {
			out = &engine.Recorded{Seq: seq, Record: r.Decision}
		}
	}
	if rebuilding {
		return nil, errRebuilding // what is asked for may not be found yet
	}
	if out == nil {
		return nil, nil
	}
	// The log is read below the decision, so all of it must be there.
	if err := s.journal.Wait(ctx, out.Seq); err != nil {
		return nil, err
	}
	p := &past{ctx: ctx, s: s, seq: out.Seq, at: unixNano(out.Record.RoutedAt), profiles: make(map[fold.Key]*fold.Profile)}
	p.foresee(out.Record.Evaluation.Read)
	out.View = p
	if out.Record.Evaluation.Revision != "" {
		out.InForce = out.Record.Evaluation.Revision
		return out, nil
	}
	var err error
	out.InForce, err = s.inForce(ctx, out.Seq)
	return out, err
}

// Reach is how far back the log goes.
func (s *Store) Reach(ctx context.Context) (engine.Past, error) {
	_, durable := s.journal.Position()
	trimmed := s.file.Trimmed()
	out := engine.Past{Last: durable, Trimmed: trimmed > 0}
	err := s.file.Ascend(ctx, trimmed+1, durable, func(st journal.Stored) error {
		out.First = st.Seq
		if r, err := decodeRecord(st.Data); err == nil {
			out.From = unixNano(r.At)
		}
		return journal.ErrStop
	})
	return out, err
}

// past is the history of the records before one of the log.
type past struct {
	ctx      context.Context // of the one who reads it
	s        *Store
	seq      uint64
	at       time.Time
	wanted   []fold.Key // profiles that will be read, so that one walk finds them all
	profiles map[fold.Key]*fold.Profile
	live     *memory    // what was found of live data; nil for not yet looked
	liveKeys []fold.Key // that were looked for
}

var _ engine.View = (*past)(nil)

func (p *past) At() time.Time { return p.at }

// Close has nothing to give back.
func (*past) Close() {}

// foresee notes what a decision read, by the paths it recorded.
func (p *past) foresee(paths []string) {
	for _, path := range paths {
		part := strings.SplitN(path, "/", 4)
		if len(part) < 3 {
			continue
		}
		switch part[0] {
		case "history":
			if kind := engine.ProfileKind(part[1]); slices.Contains(profileKinds, kind) {
				p.wanted = append(p.wanted, fold.Key{Kind: kind, Number: part[2]})
			}
		case "sessions":
			if k, ok := pairKey(part[1], part[2]); ok {
				p.liveKeys = append(p.liveKeys, k)
			}
		case "facts":
			if k, ok := factKey(part[1], part[2]); ok {
				p.liveKeys = append(p.liveKeys, k)
			}
		}
	}
}

func (p *past) Profile(kind engine.ProfileKind, number string) (*engine.Profile, error) {
	k := fold.Key{Kind: kind, Number: number}
	if !slices.Contains(profileKinds, kind) {
		return nil, nil
	}
	if _, known := p.profiles[k]; !known {
		if !slices.Contains(p.wanted, k) {
			p.wanted = append(p.wanted, k)
		}
		if err := p.walk(); err != nil {
			return nil, err
		}
	}
	return p.profiles[k].At(p.at.UnixNano(), p.s.rules), nil
}

// walk folds the calls of all wanted numbers into their profiles. The order of
// folding does not matter, so the call table is gone through as it lies.
func (p *past) walk() error {
	w := p.s.walkCalls(p.seq-1, p.wanted...)
	made := make(map[fold.Key]*fold.Profile, len(p.wanted))
	for _, k := range p.wanted {
		made[k] = nil
	}
	for {
		st, err := w.next(p.ctx)
		if err != nil {
			return err
		}
		if st == nil {
			break
		}
		g, err := p.group(st)
		if err != nil {
			return err
		}
		for _, c := range g.Calls() {
			for _, k := range fold.Keys(c) {
				if before, wanted := made[k]; wanted {
					made[k] = before.Replace(k, nil, c, p.s.rules)
				}
			}
		}
	}
	for k, made := range made {
		p.profiles[k] = made
	}
	p.wanted = nil
	return nil
}

// group is what the records of a call before p.seq make of it.
func (p *past) group(st *state) (g *fold.Group, err error) {
	n, _ := slices.BinarySearch(st.seqs, p.seq)
	if n == len(st.seqs) {
		return st.group, nil
	}
	for _, seq := range st.seqs[:n] {
		r, err := p.s.read(seq)
		if err != nil {
			return nil, err
		}
		if r == nil {
			continue // retention came by
		}
		if _, e, ok := r.entry(); ok {
			g, _ = g.With(e)
		}
	}
	return g, nil
}

func (p *past) Call(id string) (*engine.Call, error) {
	st := p.s.lockEntry(callKey(id)).state
	p.s.mu.Unlock()
	g, err := p.group(&st)
	if err != nil {
		return nil, err
	}
	return newest(g, p.at.UnixNano(), p.s.rules), nil
}

// KnowsDID asks the present first: mostly it knows of no such DID.
func (p *past) KnowsDID(did string) bool {
	k := fold.Key{Kind: engine.DIDs, Number: did}
	now := p.s.lockEntry(k).profile
	p.s.mu.Unlock()
	if now == nil {
		return false
	}
	then, err := p.Profile(engine.DIDs, did)
	return err == nil && then != nil
}

package history

import (
	"bytes"
	"context"
	"slices"

	"switchboard/engine"
	"switchboard/engine/history/fold"
	"switchboard/engine/history/journal"
)

func (p *past) Sessions(did, number string) ([]*engine.Session, error) {
	k, ok := pairKey(did, number)
	if !ok {
		return nil, nil
	}
	v, err := p.liveValue(k)
	if err != nil {
		return nil, err
	}
	list, _ := v.(*pair)
	return list.live(p.at.UnixNano()), nil
}

func (p *past) Fact(collection, key string) (*engine.Fact, error) {
	k, ok := factKey(collection, key)
	if !ok {
		return nil, nil
	}
	v, err := p.liveValue(k)
	if err != nil {
		return nil, err
	}
	f, _ := v.(*keptFact)
	return f.live(p.at.UnixNano()), nil
}

// liveValue is the state of a key of live data. No index leads to its records,
// so the log is gone through once, for all keys that the decision read.
func (p *past) liveValue(k fold.Key) (value, error) {
	known := slices.Contains(p.liveKeys, k)
	if !known {
		p.liveKeys = append(p.liveKeys, k)
	}
	if p.live == nil || !known {
		m := newMemory(p.s.rules)
		err := p.s.scan(p.ctx, p.seq-1, func(r *record, seq uint64) {
			if r.live() && slices.ContainsFunc(r.liveKeys(), func(k fold.Key) bool { return slices.Contains(p.liveKeys, k) }) {
				m.foldLive(r, seq)
			}
		}, kindSession, kindFactChange)
		if err != nil {
			return nil, err
		}
		p.live = m
	}
	if e := p.live.get(k); e != nil {
		return e.value, nil
	}
	return nil, nil
}

// foldLive folds a record of live data into a memory that has no index behind
// it: what it lacks was never there.
func (m *memory) foldLive(r *record, seq uint64) {
	need := r.liveKeys()
	if r.Session != nil {
		if e := m.get(refKey(r.Session.After.Ref)); e != nil {
			if k, _ := e.value.(*kept); k != nil {
				need = append(need, pairKeys(k.session)...)
			}
		}
	}
	for _, k := range m.lacking(need) {
		m.put(k, state{})
	}
	m.applyLive(r, seq)
}

// inForce is the revision that had gone live last before a place of the log.
func (s *Store) inForce(ctx context.Context, seq uint64) (id string, err error) {
	err = s.scan(ctx, seq-1, func(r *record, _ uint64) {
		if r.Revision != nil {
			id = r.Revision.ID
		}
	}, kindRevision)
	return id, err
}

// scanStep is how many records one read transaction of a scan passes over.
const scanStep = 4096

// scan calls f with the records of some kinds up to and with a place of the log,
// oldest first. What is passed over is not decoded: a million records take a
// second or so.
func (s *Store) scan(ctx context.Context, to uint64, f func(r *record, seq uint64), kinds ...recordKind) error {
	for at := uint64(0); at <= to; {
		if err := ctx.Err(); err != nil {
			return err
		}
		var got []journal.Stored
		next, n := to+1, 0
		err := s.file.Up(at, func(seq uint64, data []byte) bool {
			if seq > to {
				return false
			}
			if n == scanStep {
				next = seq
				return false
			}
			if mayBe(data, kinds) {
				got = append(got, journal.Stored{Seq: seq, Data: bytes.Clone(data)})
			}
			n++
			return true
		})
		at = next
		if err != nil {
			return err
		}
		for _, st := range got {
			r, err := decodeRecord(st.Data)
			if err == nil && slices.Contains(kinds, r.Kind) {
				f(r, st.Seq)
			} // else it is damaged, and left out as at every start
		}
	}
	return nil
}

// mayBe tells most records of other kinds by how their text begins.
func mayBe(data []byte, kinds []recordKind) bool {
	rest, plain := bytes.CutPrefix(data, []byte(`{"kind":"`))
	return !plain || slices.ContainsFunc(kinds, func(k recordKind) bool {
		return bytes.HasPrefix(rest, []byte(k)) && len(rest) > len(k) && rest[len(k)] == '"'
	})
}

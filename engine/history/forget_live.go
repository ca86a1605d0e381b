package history

import (
	"context"
	"slices"
	"strings"

	"go.etcd.io/bbolt"

	"switchboard/engine"
	"switchboard/engine/failpoint"
	"switchboard/engine/history/boltfile"
	"switchboard/engine/history/fold"
)

// live erases the person from sessions and facts as they stand, so that they are
// what the rewritten records give.
func (e *eraser) live(ctx context.Context) error {
	keys, err := e.liveKeys(ctx)
	if err != nil {
		return err
	}
	for batch := range slices.Chunk(keys, sweepStep) {
		if err := failpoint.Before(failpoint.ForgetLive, func() error { return e.liveBatch(ctx, batch) }); err != nil {
			return err
		}
	}
	return nil
}

// liveKeys are the keys of live data that may hold the number: those that do in
// the index, and all that are not written behind.
func (e *eraser) liveKeys(ctx context.Context) ([]fold.Key, error) {
	seen := make(map[fold.Key]bool)
	waits := e.s.unwritten(isLive)
	x := waits.index
	for _, entry := range waits.states {
		seen[entry.key] = true
	}
	for name, key := range map[string]func(k []byte) (fold.Key, bool){
		string(bucketPairs):    func(k []byte) (fold.Key, bool) { return fold.Key{Kind: kindPair, Number: string(k)}, true },
		string(bucketSessions): func(k []byte) (fold.Key, bool) { return refKeyOf(k), len(k) > 8 },
		string(bucketFacts):    func(k []byte) (fold.Key, bool) { return fold.Key{Kind: kindFact, Number: string(k)}, true },
		string(bucketDue):      func(k []byte) (fold.Key, bool) { return fold.Key{Kind: kindDue, Number: string(k)}, true },
	} {
		for from := []byte(nil); ; {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			next, err := x.eachHolding([]byte(name), from, e, func(k []byte) {
				if k, ok := key(k); ok {
					seen[k] = true
				}
			})
			if err != nil {
				e.s.indexBroken(x, err)
				return nil, err
			}
			if next == nil {
				break
			}
			from = next
		}
	}
	out := make([]fold.Key, 0, len(seen))
	for k := range seen {
		out = append(out, k)
	}
	slices.SortFunc(out, compareKeys)
	return out, nil
}

// eachHolding calls f with keys of a bucket that hold the number themselves or in
// their value, and returns the key to go on with; nil at the end.
func (x *index) eachHolding(bucket, from []byte, e *eraser, f func(k []byte)) (next []byte, err error) {
	err = boltfile.Guard(func() error {
		return x.db.View(func(tx *bbolt.Tx) error {
			c := tx.Bucket(bucket).Cursor()
			k, v := c.Seek(from)
			for n := 0; k != nil; n++ {
				if n == eraseLook {
					next = slices.Clone(k)
					return nil
				}
				if e.p.In(k) || e.p.In(v) {
					f(k)
				}
				k, v = c.Next()
			}
			return nil
		})
	})
	return next, err
}

// liveBatch rewrites the values of some keys.
func (e *eraser) liveBatch(ctx context.Context, keys []fold.Key) error {
	s := e.s
	need := slices.Clone(keys)
	for _, k := range keys {
		if k.Kind == kindRef {
			need = append(need, refKey(e.rename(k.Number)))
		}
	}
	data, err := e.erasureRecord()
	if err != nil {
		return err
	}
	s.lockWith(need...)
	if s.unsure() {
		s.mu.Unlock()
		return errRebuilding
	}
	it, err := s.append(data, nil)
	if err == nil {
		for _, k := range keys {
			e.liveKey(k, it.Seq)
		}
	}
	s.mu.Unlock()
	if err != nil {
		return err
	}
	return e.await(ctx, it)
}

// liveKey rewrites the value of a key in memory. The mutex is held.
func (e *eraser) liveKey(k fold.Key, seq uint64) {
	m := e.s.memory
	switch v := m.entries[k].value.(type) {
	case nil:
		if k.Kind == kindDue && e.p.In([]byte(k.Number)) {
			m.touch(m.entries[k]) // what is due has no value: written behind, it is deleted
		}
	case *kept:
		next := e.session(v.session)
		if next.Ref != v.session.Ref {
			m.changed(m.set(refKey(next.Ref), &kept{v.seq, next}), seq)
			m.changed(m.set(k, nil), seq)
		} else if !sameSession(next, v.session) {
			m.changed(m.set(k, &kept{v.seq, next}), seq)
		}
	case *pair:
		if next := e.pair(k, v); next != value(v) {
			m.changed(m.set(k, next), seq)
		}
	case *keptFact:
		if e.named(v.fact.Collection, v.fact.Key) {
			e.out.Facts++
			m.changed(m.set(k, nil), seq)
			return
		}
		text, n := e.p.JSON(v.fact.Value)
		by, also := e.p.Text([]byte(v.fact.By))
		if n+also > 0 {
			e.out.Facts++
			fact := *v.fact
			fact.Value, fact.By = text, string(by)
			m.changed(m.set(k, &keptFact{v.seq, &fact}), seq)
		}
	}
}

// pair is what remains of what a number has on a DID; v itself where all does.
func (e *eraser) pair(k fold.Key, v *pair) value {
	if _, number, _ := strings.Cut(k.Number, separator); number == e.p.Canonical() {
		return nil
	}
	out, changed := &pair{ended: v.ended}, false
	for _, s := range v.list {
		next := e.session(s)
		changed = changed || !sameSession(next, s)
		out.list = append(out.list, next)
	}
	if !changed {
		return v
	}
	slices.SortFunc(out.list, newerSession)
	return out
}

func sameSession(a, b *engine.Session) bool {
	return a.Ref == b.Ref && a.Parties == b.Parties && a.Expires == b.Expires && string(a.Data) == string(b.Data)
}

package history

import (
	"go.etcd.io/bbolt"

	"switchboard/engine"
	"switchboard/engine/history/boltfile"
	"switchboard/engine/history/fold"
	"switchboard/engine/history/pile"
)

// load reads the states of keys; what is not there has the zero state.
func (x *index) load(keys []fold.Key) ([]state, error) {
	out := make([]state, len(keys))
	if x.db == nil {
		return out, nil
	}
	// Before the transaction: what is settled meanwhile is in the trees then.
	var few [8]pile.Found
	lies, some := few[:0], false
	for _, k := range keys {
		f := x.find(k)
		lies, some = append(lies, f), some || !f.Nowhere
	}
	if !some {
		return out, nil
	}
	err := boltfile.Guard(func() error {
		return x.db.View(func(tx *bbolt.Tx) (err error) {
			for i, k := range keys {
				if lies[i].Nowhere {
					continue
				}
				if out[i], err = x.stateIn(tx, k, lies[i]); err != nil {
					return err
				}
			}
			return nil
		})
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// find tells where a key is to be read.
func (x *index) find(k fold.Key) pile.Found {
	if !x.piles.Takes(k.Kind) {
		return pile.Found{Nowhere: x.never(k.Kind)}
	}
	return x.piles.Find(k)
}

// never reports whether the index never held anything of a kind of live data.
func (x *index) never(kind engine.ProfileKind) bool {
	any := x.live.of(kind)
	return any != nil && !any.Load()
}

// stateIn reads the state of one key. The decoders keep nothing of the pages.
func (x *index) stateIn(tx *bbolt.Tx, k fold.Key, f pile.Found) (s state, err error) {
	switch {
	case k.Kind == kindCell:
		s.tally, err = findTally(tx, k)
	case k.Kind == kindCall:
		return x.callIn(tx, k, f)
	case isLive(k.Kind):
		if raw := findLive(tx, k); raw != nil {
			s.value, err = decodeValue(k, raw)
		}
	default:
		v, ok, ferr := f.Value(tx)
		if b := tx.Bucket([]byte(k.Kind)); b != nil && !ok && ferr == nil {
			v = b.Get([]byte(k.Number))
		}
		if err = ferr; err == nil {
			s.profile, err = fold.DecodeProfile(v)
		}
	}
	return s, err
}

func (x *index) callIn(tx *bbolt.Tx, k fold.Key, f pile.Found) (s state, err error) {
	place, ok, err := f.Value(tx)
	if err != nil {
		return s, err
	}
	if !ok {
		place = x.calls.Find(tx, k.Number)
	}
	if len(place) == 0 {
		return s, nil
	}
	c, err := x.calls.At(tx, place)
	return state{group: c.Group, seqs: c.Seqs}, err
}

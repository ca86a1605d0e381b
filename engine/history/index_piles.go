package history

import (
	"go.etcd.io/bbolt"

	"switchboard/engine"
	"switchboard/engine/history/fold"
	"switchboard/engine/history/pile"
)

// pileOptions are how profiles and call_ids come to their trees. The tree of call_ids
// grows at its end; what changes of profiles lies all over theirs. Lanes and the room
// of what is known are part of indexFormat.
func (x *index) pileOptions() pile.Options {
	return pile.Options{
		Lanes: []pile.Lane{
			{Kinds: profileKinds, Times: 4},
			{Kinds: []engine.ProfileKind{kindCall}, Times: 1},
		},
		Keys: x.tuning.pileKeys, Bytes: 64 << 20, More: x.tuning.settleMore, Known: 8 << x.tuning.epochBits,
		Place: x.place,
	}
}

// place brings a profile, or the place of a call, to its tree.
func (x *index) place(tx *bbolt.Tx, k fold.Key, v []byte) error {
	if k.Kind != kindCall {
		b := tx.Bucket([]byte(k.Kind))
		if len(v) == 0 {
			return b.Delete([]byte(k.Number))
		}
		return b.Put([]byte(k.Number), v)
	}
	if len(v) == 0 {
		return nil // it was taken out of the tree when it went
	}
	return x.calls.Name(tx, k.Number, v)
}

// settleAll brings all that is in piles to the trees, while no round is written.
func (x *index) settleAll() error { return x.piles.SettleAll(x.db) }

package history

import (
	"fmt"
	"slices"

	"github.com/cespare/xxhash/v2"

	"switchboard/engine"
)

// choose takes a DID of a pool for a session that names none: one on which
// neither party has another session. A ref that has a DID keeps it where that
// is so. Otherwise it is the DID on which an earlier session of either ended
// the longest ago, so that an old number is the last to mean somebody new;
// among those that neither ever had a hash spreads people. The mutex is held,
// with the pairs in memory.
func (s *Store) choose(in *engine.Session, old *engine.Session, pool []string, now int64) (string, error) {
	if s.rebuilding {
		return "", errRebuilding // a session that is not found yet might be in the way
	}
	if old != nil && s.takes(in, old, old.DID, now) {
		return old.DID, nil
	}
	best, bestEnded, bestHash := "", int64(0), uint64(0)
	for _, did := range pool {
		if slices.Contains(in.Parties[:], did) || !s.takes(in, nil, did, now) {
			continue
		}
		ended := int64(0)
		for _, k := range pairKeys(&engine.Session{DID: did, Parties: in.Parties}) {
			p, _ := s.memory.entries[k].value.(*pair)
			ended = max(ended, p.endedBy(now))
		}
		hash := xxhash.Sum64String(did + separator + in.Ref)
		if best == "" || ended < bestEnded || ended == bestEnded && hash < bestHash {
			best, bestEnded, bestHash = did, ended, hash
		}
	}
	if best == "" {
		return "", engine.ErrPoolExhausted
	}
	return best, nil
}

// takes reports whether neither party has another session on a DID. With old,
// the pair may be the old one's own and is known to be fine.
func (s *Store) takes(in, old *engine.Session, did string, now int64) bool {
	if old != nil && samePair(old, &engine.Session{DID: did, Parties: in.Parties}) {
		return true
	}
	for _, k := range pairKeys(&engine.Session{DID: did, Parties: in.Parties}) {
		e := s.memory.entries[k]
		if e == nil {
			return false // not a DID of the pool, so it was not read
		}
		p, _ := e.value.(*pair)
		if slices.ContainsFunc(p.live(now), func(o *engine.Session) bool { return o.Ref != in.Ref }) {
			return false
		}
	}
	return true
}

// maxPool bounds the DIDs that one session is chosen from.
const maxPool = 2000

func checkPool(pool []string) error {
	if len(pool) == 0 {
		return bad("the session has no did, and no pool to take one from is configured; name the did")
	}
	if len(pool) > maxPool {
		return bad(fmt.Sprintf("the pool has %d DIDs and may have %d; divide it", len(pool), maxPool))
	}
	return nil
}

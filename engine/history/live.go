package history

import (
	"strings"

	"switchboard/engine"
	"switchboard/engine/history/fold"
)

// The kinds of keys of live data, beside calls and profiles.
const (
	kindPair engine.ProfileKind = "pairs" // DID, zero byte, number -> *pair
	kindRef  engine.ProfileKind = "refs"  // ref of a session -> *kept
	kindFact engine.ProfileKind = "facts" // collection, zero byte, key -> *keptFact
	kindDue  engine.ProfileKind = "due"   // an entry of the index's bucket due that is done with
)

func isLive(kind engine.ProfileKind) bool {
	switch kind {
	case kindPair, kindRef, kindFact, kindDue:
		return true
	}
	return false
}

// separator stands between the two parts of a key; neither can hold it.
const separator = "\x00"

func joined(kind engine.ProfileKind, a, b string) (fold.Key, bool) {
	if a == "" || b == "" || strings.Contains(a, separator) || strings.Contains(b, separator) {
		return fold.Key{}, false
	}
	return fold.Key{Kind: kind, Number: a + separator + b}, true
}

// pairKey names what a number has on a DID; ok is false where nothing can be
// kept under them.
func pairKey(did, number string) (k fold.Key, ok bool) { return joined(kindPair, did, number) }

// factKey names a fact, as pairKey does.
func factKey(collection, key string) (k fold.Key, ok bool) { return joined(kindFact, collection, key) }

func refKey(ref string) fold.Key { return fold.Key{Kind: kindRef, Number: ref} }

// pairKeys are the keys that a session stands under; none for nil.
func pairKeys(s *engine.Session) (out []fold.Key) {
	if s == nil {
		return nil
	}
	for _, number := range s.Parties {
		if number == engine.Erased {
			continue // strangers must not meet in it
		}
		if k, ok := pairKey(s.DID, number); ok {
			out = append(out, k)
		}
	}
	return out
}

// value is the state of a key of live data. Values are immutable. Expiry is
// seen when they are read; sweeping only makes room.
type value interface {
	// due is when there is something to sweep, in Unix nanoseconds; zero for
	// never.
	due() int64
	// swept is what remains at a moment: itself where nothing is due, nil for
	// nothing.
	swept(now int64) value
	// append encodes the value.
	append(b []byte) []byte
}

// keepEnded is for how long an ended session is known by its ref, and that it
// was there by its pair, in nanoseconds: 30 days; less where very many end, see
// sweepEnded.
const keepEnded = int64(30 * 24 * 3600e9)

// kept is the newest version of a session. One that was ended expires then.
type kept struct {
	seq     uint64 // of its record
	session *engine.Session
}

func (k *kept) due() int64 {
	if k.session.Expires == 0 {
		return 0
	}
	return k.session.Expires + keepEnded
}

func (k *kept) swept(now int64) value {
	if d := k.due(); d != 0 && d <= now {
		return nil
	}
	return k
}

// live is the session where it counts at a moment, else nil.
func (k *kept) live(now int64) *engine.Session {
	if k == nil || !k.session.Live(now) {
		return nil
	}
	return k.session
}

// keptFact is the newest version of a fact. One that was deleted has no value
// and stays for a moment, so that a fold in any order does not bring an older
// one back.
type keptFact struct {
	seq  uint64
	fact *engine.Fact
}

func (f *keptFact) due() int64 { return f.fact.Expires }

func (f *keptFact) swept(now int64) value {
	if !f.fact.Live(now) {
		return nil
	}
	return f
}

func (f *keptFact) live(now int64) *engine.Fact {
	if f == nil || f.fact.Value == nil || !f.fact.Live(now) {
		return nil
	}
	return f.fact
}

// liveCount is how much live data there is.
type liveCount struct {
	facts, bytes int64
	sides        int64 // of sessions that have not ended: each stands under two pairs
	refs         int64 // sessions that are known by their ref, ended or not
}

// ended is how many of the sessions that are known have ended, about: of those that
// end by themselves some count as open until they are swept.
func (c *liveCount) ended() int64 { return c.refs - c.sides/2 }

// add counts a value, or takes it off with sign -1.
func (c *liveCount) add(v value, sign int64) {
	switch v := v.(type) {
	case *pair:
		if v != nil {
			c.sides += sign * int64(len(v.list))
		}
	case *kept:
		if v != nil {
			c.refs += sign
		}
	case *keptFact:
		if v != nil && v.fact.Value != nil {
			c.facts += sign
			c.bytes += sign * int64(len(v.fact.Collection)+len(v.fact.Key)+len(v.fact.Value))
		}
	}
}

// set gives a key its new value; nil for nothing.
func (m *memory) set(k fold.Key, v value) *entry {
	e := m.entries[k]
	m.live.add(e.value, -1)
	m.live.add(v, +1)
	e.value = v
	return e
}

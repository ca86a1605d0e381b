package fold

import (
	"cmp"
	"time"

	"switchboard/engine"
)

// Format is the number of the encodings and rules of this package. An index
// written under another number has to be rebuilt.
const Format = 2

// Rules are the settings the fold depends on; a change of them means that the
// index has to be rebuilt.
type Rules struct {
	Zone *time.Location // whose dates the days are; nil is UTC
	TTL  time.Duration  // how long a call without a completion is in flight
}

// Entry is one log record that concerns a call: exactly one field is set.
type Entry struct {
	Decision   *engine.DecisionRecord
	Completion *engine.Completion
}

// Key names a profile.
type Key struct {
	Kind   engine.ProfileKind
	Number string // canonical
}

// Keys returns the profiles a call counts in, at most three: none for a
// rejected call or one we could not answer, and none for a value that is no
// number.
func Keys(c *engine.Call) []Key {
	if !Counted(c) {
		return nil
	}
	keys := make([]Key, 0, 3)
	for _, kind := range []engine.ProfileKind{engine.Callers, engine.Receivers, engine.DIDs} {
		if n := number(c, kind); n != "" {
			keys = append(keys, Key{kind, n})
		}
	}
	return keys
}

// Resolve returns the call as it stands at a moment (Unix nanoseconds): an
// expired copy of an in-flight call whose time is over, else c itself.
func Resolve(c *engine.Call, now int64, ttl time.Duration) *engine.Call {
	return windowOf(ttl).resolve(c, now)
}

// Counted reports whether a call counts in profiles at all: it was offered to
// somebody, as far as we know. One that we rejected or answered with a 503 was
// not, whatever is reported of it.
func Counted(c *engine.Call) bool {
	return c != nil && c.Status != engine.StatusRejected && c.Source != engine.SourceNone
}

// number returns the call's number of a kind, "" where it has no profile.
func number(c *engine.Call, kind engine.ProfileKind) string {
	switch {
	case kind == engine.Callers && c.CallerIsNumber:
		return c.Caller
	case kind == engine.Receivers && c.ReceiverIsNumber:
		return c.Receiver
	case kind == engine.DIDs && c.DIDIsNumber:
		return c.DID
	}
	return ""
}

func (k Key) counts(c *engine.Call) bool {
	return Counted(c) && k.Number != "" && number(c, k.Kind) == k.Number
}

// order is negative where c is the newer call. Calls of one call_id on two DIDs
// can carry the same time, hence the DID.
func order(c, d *engine.Call) int {
	return markOf(c).order(markOf(d))
}

// mark is a call's place in the order of calls.
type mark struct {
	at      int64
	id, did string
}

func markOf(c *engine.Call) mark { return mark{c.At(), c.CallID, c.DID} }

func (m mark) order(n mark) int {
	if m.at != n.at {
		return cmp.Compare(n.at, m.at)
	}
	if d := cmp.Compare(n.id, m.id); d != 0 {
		return d
	}
	return cmp.Compare(n.did, m.did)
}

// forward reports whether a policy sent the call to its receiver; only such
// calls turn a rotation.
func forward(c *engine.Call) bool { return c.Source == engine.SourcePolicy }

// missed reports whether the call counts against whoever did not pick up.
func missed(c *engine.Call) bool {
	return c.Status == engine.StatusNotAnswered &&
		c.HangupCause != "initiator_disconnected" && c.HangupCause != "initiator_hangup"
}

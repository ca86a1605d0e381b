package fold

import (
	"bytes"
	"cmp"
	"encoding/json"
	"hash/fnv"
	"maps"
	"slices"

	"switchboard/engine"
)

// report is what the history needs of a completion. What no call shows is kept
// as a digest, zero where absent: it still tells a duplicate from news.
type report struct {
	caller, receiver, did           party
	status                          engine.Status
	receivedAt, endedAt, answeredAt int64
	duration                        int64
	hangup                          string
	recording, extra                uint64
	arrived                         int64 // earliest, of all that say the same
}

func reportOf(c *engine.Completion) report {
	r := report{
		caller: partyOf(c.Caller), receiver: partyOf(c.Receiver), did: partyOf(c.DID),
		status: c.Status, receivedAt: c.ReceivedAt, endedAt: c.EndedAt, answeredAt: c.AnsweredAt,
		duration: max(c.Duration, engine.NoDuration), hangup: c.HangupCause,
		extra: digestExtra(c.Extra), arrived: c.Arrived,
	}
	if c.RecordingURL != "" {
		r.recording = digest(c.RecordingURL)
	}
	if rank(r.status) == 0 {
		r.status = engine.StatusOther
	}
	return r
}

func rank(s engine.Status) int {
	switch s {
	case engine.StatusAnswered:
		return 2
	case engine.StatusNotAnswered:
		return 1
	}
	return 0
}

// compare puts the better report first. Reports are equal when they say the
// same, whenever they came.
func (r report) compare(s report) int {
	if c := cmp.Compare(s.endedAt, r.endedAt); c != 0 {
		return c
	}
	return cmp.Or(
		rank(s.status)-rank(r.status), cmp.Compare(s.duration, r.duration),
		cmp.Compare(s.receivedAt, r.receivedAt), cmp.Compare(s.answeredAt, r.answeredAt),
		r.caller.compare(s.caller), r.receiver.compare(s.receiver), r.did.compare(s.did),
		cmp.Compare(r.hangup, s.hangup),
		cmp.Compare(r.recording, s.recording), cmp.Compare(r.extra, s.extra),
	)
}

// adds reports whether r tells something no known report does, among what calls
// don't show.
func adds(known []report, r report) bool {
	return r.answeredAt != 0 && !slices.ContainsFunc(known, func(k report) bool { return k.answeredAt == r.answeredAt }) ||
		r.recording != 0 && !slices.ContainsFunc(known, func(k report) bool { return k.recording == r.recording }) ||
		r.extra != 0 && !slices.ContainsFunc(known, func(k report) bool { return k.extra == r.extra })
}

// digest is stable across processes, and never zero.
func digest(parts ...string) uint64 {
	h := fnv.New64a()
	for _, p := range parts {
		h.Write([]byte(p))
		h.Write([]byte{0xff}) // in no UTF-8 text: parts can't run into each other
	}
	return max(h.Sum64(), 1)
}

func digestExtra(extra map[string]json.RawMessage) uint64 {
	if len(extra) == 0 {
		return 0
	}
	parts := make([]string, 0, 2*len(extra))
	for _, name := range slices.Sorted(maps.Keys(extra)) {
		parts = append(parts, name, plain(extra[name]))
	}
	return digest(parts...)
}

// plain spells a JSON value in one way: a record read back from the log may have
// lost its white space and gained escapes.
func plain(raw json.RawMessage) string {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var v any
	if dec.Decode(&v) != nil {
		return string(raw)
	}
	out, err := json.Marshal(v)
	if err != nil {
		return string(raw)
	}
	return string(out)
}

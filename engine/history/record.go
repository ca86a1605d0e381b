package history

import (
	"encoding/json"
	"fmt"

	"switchboard/engine"
	"switchboard/engine/history/fold"
	"switchboard/engine/history/pieces"
)

// format is the number of the log's encoding. A file with a greater one is
// refused.
const format = 1

// recordKind says what a record of the log is about.
type recordKind string

const (
	kindDecision         recordKind = "decision"
	kindCompletion       recordKind = "completion"
	kindRevision         recordKind = "revision"
	kindQuarantine       recordKind = "quarantine"
	kindQuarantineAgain  recordKind = "quarantine_again"
	kindQuarantineDelete recordKind = "quarantine_delete"
	kindRetention        recordKind = "retention"
	kindSession          recordKind = "session"
	kindFactChange       recordKind = "fact"
	kindNote             recordKind = "note"
	kindErasure          recordKind = "erasure" // records were rewritten in this one's transaction
	kindErased           recordKind = "erased"  // nothing remained of what it was
)

// record is one value of the log: an envelope of which one part is set, by
// kind.
type record struct {
	Kind       recordKind             `json:"kind"`
	At         int64                  `json:"at"`              // our arrival time, Unix nanoseconds; retention goes by it
	Files      []pieces.Name          `json:"files,omitempty"` // with revision: what its files are made of; early programs had them in it
	Decision   *engine.DecisionRecord `json:"decision,omitempty"`
	Completion *engine.Completion     `json:"completion,omitempty"`
	Revision   *engine.Revision       `json:"revision,omitempty"`
	Quarantine *quarantined           `json:"quarantine,omitempty"`
	Session    *sessionChange         `json:"session,omitempty"`
	Fact       *factChange            `json:"fact,omitempty"`
	ID         string                 `json:"id,omitempty"`      // of the item in quarantine
	Count      int                    `json:"count,omitempty"`   // with quarantine_again: how often by now
	Through    uint64                 `json:"through,omitempty"` // with retention: records up to this one are deleted
	Was        string                 `json:"was,omitempty"`     // with revision: the one that went live before it
	Note       *note                  `json:"note,omitempty"`
	Erasure    *erasure               `json:"erasure,omitempty"`
}

// quarantined is an item in quarantine as the log keeps it.
type quarantined struct {
	ID    string         `json:"id"`
	At    int64          `json:"at"`
	Kind  string         `json:"kind"`
	Cause string         `json:"cause"`
	Raw   engine.Payload `json:"raw"`
	Out   []string       `json:"out,omitempty"` // items that left a full quarantine for it
}

func (r *record) encode() ([]byte, error) {
	b, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("history: a %s can't be written down: %w", r.Kind, err)
	}
	return b, nil
}

func decodeRecord(b []byte) (*record, error) {
	var r record
	if err := json.Unmarshal(b, &r); err != nil {
		return nil, fmt.Errorf("history: a record can't be read: %w", err)
	}
	part := false
	switch r.Kind {
	case kindDecision:
		part = r.Decision != nil
	case kindCompletion:
		part = r.Completion != nil
	case kindRevision:
		part = r.Revision != nil
	case kindQuarantine:
		part = r.Quarantine != nil
	case kindQuarantineAgain, kindQuarantineDelete:
		part = r.ID != ""
	case kindRetention:
		part = r.Through > 0
	case kindErasure:
		part = r.Erasure != nil
	case kindErased:
		part = true
	case kindSession:
		part = r.Session.whole()
	case kindFactChange:
		part = r.Fact.whole()
	case kindNote:
		part = r.Note != nil
	default:
		return nil, fmt.Errorf("history: a record is of the unknown kind %q", r.Kind)
	}
	if !part {
		return nil, fmt.Errorf("history: a record of kind %s lacks its %s", r.Kind, r.Kind)
	}
	return &r, nil
}

// entry is what the fold sees of a record, and the call_id it belongs to; ok is
// false where the record concerns no call.
func (r *record) entry() (id string, e fold.Entry, ok bool) {
	switch r.Kind {
	case kindDecision:
		return r.Decision.CallID, fold.Entry{Decision: r.Decision}, true
	case kindCompletion:
		return r.Completion.CallID, fold.Entry{Completion: r.Completion}, true
	}
	return "", fold.Entry{}, false
}

package engine

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
)

// Bounds of live data.
const (
	MaxSessionRef  = 256      // bytes
	MaxSessionData = 8 << 10  // bytes of JSON
	MaxFactName    = 128      // bytes of a collection's or a key's name
	MaxFactValue   = 64 << 10 // bytes of JSON
	MaxBatch       = 1000     // sessions put at once
)

// Session is a masked pair: two people who reach each other over one DID until
// it expires. Values are immutable once shared.
type Session struct {
	Ref     string          `json:"ref"`            // the backend's own name for it
	DID     string          `json:"did"`            // canonical
	Parties [2]string       `json:"parties"`        // canonical
	Created int64           `json:"created"`        // Unix nanoseconds
	Expires int64           `json:"expires"`        // Unix nanoseconds; zero for never
	Data    json.RawMessage `json:"data,omitempty"` // an object of the backend's, for the policies

	// LastEnded is when an earlier session of one of the parties on this DID
	// ended, in Unix nanoseconds; zero for never. A policy's cool-off goes by it.
	LastEnded int64 `json:"last_ended,omitempty"`
}

// Live reports whether the session counts at a moment in Unix nanoseconds.
func (s *Session) Live(now int64) bool { return s.Expires == 0 || s.Expires > now }

// Other is the counterpart of a party, empty where number is none of them.
func (s *Session) Other(number string) string {
	if i := slices.Index(s.Parties[:], number); i >= 0 {
		return s.Parties[1-i]
	}
	return ""
}

// MarshalJSON writes a session as policies and the API see it: times in whole
// Unix seconds or null.
func (s *Session) MarshalJSON() ([]byte, error) {
	data := s.Data
	if len(data) == 0 {
		data = json.RawMessage("{}")
	}
	return json.Marshal(struct {
		Ref       string          `json:"ref"`
		DID       string          `json:"did"`
		Parties   [2]string       `json:"parties"`
		Created   *int64          `json:"created"`
		Expires   *int64          `json:"expires"`
		LastEnded *int64          `json:"last_ended"`
		Data      json.RawMessage `json:"data"`
	}{s.Ref, s.DID, s.Parties, Seconds(s.Created), Seconds(s.Expires), Seconds(s.LastEnded), data})
}

// Fact is an expiring document for the policies.
type Fact struct {
	Collection string          `json:"collection"`
	Key        string          `json:"key"`
	Value      json.RawMessage `json:"value"`
	Set        int64           `json:"set"`     // Unix nanoseconds
	Expires    int64           `json:"expires"` // Unix nanoseconds; zero for never
	By         string          `json:"by"`      // name of the token that set it
}

// Live reports whether the fact counts at a moment in Unix nanoseconds.
func (f *Fact) Live(now int64) bool { return f.Expires == 0 || f.Expires > now }

// SessionFilter selects sessions; a zero field selects all. Numbers are
// canonical.
type SessionFilter struct {
	DID, Party string
	Ended      bool // those that ended too, as long as they are kept
	Limit      int
	Cursor     string
}

// SessionPage is a page of sessions, newest first. Next is empty on the last.
type SessionPage struct {
	Sessions []*Session `json:"sessions"`
	Next     string     `json:"next"`
}

// FactFilter selects facts.
type FactFilter struct {
	Collection string // empty for all
	Limit      int
	Cursor     string
}

// FactPage is a page of facts in the order of collection and key. Next is empty
// on the last.
type FactPage struct {
	Facts []*Fact
	Next  string
}

// AuditEntry is something that a person or a program did: a change of live data,
// a policy set that went live, a reload that was asked for.
type AuditEntry struct {
	At     int64           `json:"at"` // Unix nanoseconds
	By     string          `json:"by"` // name of the token; "anonymous" without one; else what brought it about, such as "SIGHUP"
	Action string          `json:"action"`
	Target string          `json:"target"`
	Before json.RawMessage `json:"before"` // null where there was nothing
	After  json.RawMessage `json:"after"`
}

// AuditFilter selects a page of the audit trail; zero values select all.
type AuditFilter struct {
	Limit  int    // 0 is DefaultPage
	Cursor string // the Next of the page before
}

// AuditPage is a page of the audit trail, newest first. Next is empty on the last.
type AuditPage struct {
	Entries []AuditEntry
	Next    string
}

// Errors of live data.
var (
	// ErrPoolExhausted: on every DID of the pool one of the two has a session.
	ErrPoolExhausted = errors.New("every DID of the pool has a session of one of the two; end one, or give the pool more DIDs")
	// ErrTooMany: a bound on counts or sizes is reached.
	ErrTooMany = errors.New("a bound is reached")
)

// BadInputError says, in a sentence for who sent it, what is wrong with a
// session or a fact.
type BadInputError struct{ Why string }

func (e *BadInputError) Error() string { return e.Why }

// LiveData is what backends keep up to date and policies read. Its errors are
// *BadInputError, ErrPoolExhausted, ErrTooMany, ErrUnavailable (wrapped) or the
// context's.
type LiveData interface {
	// PutSession creates a session or replaces the one with its ref, and returns
	// once it is on disk. Without a DID it takes one of pool on which neither
	// party has a session, or fails with ErrPoolExhausted; a ref that has one
	// keeps it.
	PutSession(ctx context.Context, s Session, pool []string, by string) (*Session, error)
	// EndSession ends a session now; nil where there is none.
	EndSession(ctx context.Context, ref, by string) (*Session, error)
	// Session returns nil for a ref that is not kept.
	Session(ctx context.Context, ref string) (*Session, error)
	Sessions(ctx context.Context, f SessionFilter) (SessionPage, error)

	// PutFact sets a fact and returns it once it is on disk.
	PutFact(ctx context.Context, f Fact) (*Fact, error)
	// DeleteFact reports whether there was one.
	DeleteFact(ctx context.Context, collection, key, by string) (bool, error)
	Fact(ctx context.Context, collection, key string) (*Fact, error)
	// Facts lists the live facts by collection and key.
	Facts(ctx context.Context, f FactFilter) (FactPage, error)

	// Note adds to the audit trail what was done and is no change of live data.
	Note(ctx context.Context, e AuditEntry) error
	// Audit lists what was done, newest first; ErrBadCursor where the cursor is
	// none that a page handed out.
	Audit(ctx context.Context, f AuditFilter) (AuditPage, error)
}

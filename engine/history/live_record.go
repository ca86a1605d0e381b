package history

import (
	"encoding/json"

	"switchboard/engine"
)

// sessionChange is a session put or ended, as the log keeps it.
type sessionChange struct {
	By     string         `json:"by,omitempty"` // name of the token
	End    bool           `json:"end,omitempty"`
	Kept   bool           `json:"kept,omitempty"`   // nothing changed: written again for retention took the older record
	Before *storedSession `json:"before,omitempty"` // the version it replaces, also where that had ended
	After  *storedSession `json:"after"`            // expires at the change where it ends
}

func (c *sessionChange) whole() bool {
	return c != nil && c.After.whole() && (c.Before == nil || c.Before.whole() && c.Before.Ref == c.After.Ref)
}

// storedSession is an engine.Session with times as they are.
type storedSession struct {
	Ref       string          `json:"ref"`
	DID       string          `json:"did"`
	Parties   [2]string       `json:"parties"`
	Created   int64           `json:"created"`
	Expires   int64           `json:"expires,omitempty"`
	LastEnded int64           `json:"last_ended,omitempty"`
	Data      json.RawMessage `json:"data,omitempty"`
}

func (s *storedSession) whole() bool {
	if s == nil || s.Ref == "" || s.Created <= 0 {
		return false
	}
	keys := len(pairKeys(s.session()))
	for _, party := range s.Parties {
		if party == engine.Erased {
			keys++
		}
	}
	return keys == 2
}

func (s *storedSession) session() *engine.Session {
	if s == nil {
		return nil
	}
	return &engine.Session{Ref: s.Ref, DID: s.DID, Parties: s.Parties, Created: s.Created,
		Expires: s.Expires, LastEnded: s.LastEnded, Data: s.Data}
}

func storeSession(s *engine.Session) *storedSession {
	if s == nil {
		return nil
	}
	return &storedSession{s.Ref, s.DID, s.Parties, s.Created, s.Expires, s.LastEnded, s.Data}
}

// factChange is a fact set or deleted, as the log keeps it.
type factChange struct {
	Collection string      `json:"collection"`
	Key        string      `json:"key"`
	By         string      `json:"by,omitempty"`
	Kept       bool        `json:"kept,omitempty"`
	Before     *storedFact `json:"before,omitempty"`
	After      *storedFact `json:"after,omitempty"` // nil where it is deleted
}

func (c *factChange) whole() bool {
	if c == nil || c.After != nil && len(c.After.Value) == 0 {
		return false
	}
	_, ok := factKey(c.Collection, c.Key)
	return ok
}

type storedFact struct {
	Value   json.RawMessage `json:"value"`
	Set     int64           `json:"set"`
	Expires int64           `json:"expires,omitempty"`
	By      string          `json:"by,omitempty"`
}

func storeFact(f *engine.Fact) *storedFact {
	if f == nil {
		return nil
	}
	return &storedFact{f.Value, f.Set, f.Expires, f.By}
}

// kept is the state that the change leaves.
func (c *factChange) kept(seq uint64, at int64) *keptFact {
	f := &engine.Fact{Collection: c.Collection, Key: c.Key, By: c.By, Set: at, Expires: at}
	if a := c.After; a != nil {
		f.Value, f.Set, f.Expires, f.By = a.Value, a.Set, a.Expires, a.By
	}
	return &keptFact{seq, f}
}

// live reports whether the record is of live data.
func (r *record) live() bool { return r.Kind == kindSession || r.Kind == kindFactChange }

package server

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"switchboard/engine"
)

const (
	// maxSessionBody bounds the body that puts one session, in bytes: its data
	// and a pool of the greatest length, with room for blanks.
	maxSessionBody = 64 << 10
	// maxPool bounds how many DIDs a request may offer.
	maxPool = 1000
)

var sessionFields = []string{"did", "parties", "expires", "data", "pool"}

// sessionRequest is the body of PUT /sessions/{ref}.
type sessionRequest struct {
	DID     *literal        `json:"did"` // left out or null: one of the pool
	Parties []literal       `json:"parties"`
	Expires json.RawMessage `json:"expires"`
	Data    json.RawMessage `json:"data"`
	Pool    []literal       `json:"pool"`
}

// readSession checks what was sent. Where it names no DID, pool are those to
// take one of.
func (s *Server) readSession(ref string, req *sessionRequest, now time.Time) (_ *engine.Session, pool []string, err error) {
	parties, err := s.readParties(req.Parties)
	if err != nil {
		return nil, nil, err
	}
	session := &engine.Session{Ref: ref, Parties: [2]string{parties[0].Canonical, parties[1].Canonical}}
	// A session that nobody ends would mask a pair for ever, so never is only
	// what says so.
	if len(req.Expires) == 0 {
		return nil, nil, fail(http.StatusBadRequest,
			"expires: it is missing. Write a duration from now on such as 45m, a moment, or null for a session that lasts until it is deleted.")
	}
	if session.Expires, err = s.expiry(req.Expires, now); err != nil {
		return nil, nil, err
	}
	if !isNull(req.Data) {
		if req.Data[0] != '{' {
			return nil, nil, fail(http.StatusBadRequest, "data: it must be an object, such as {\"order\": \"A-17\"}; leave it out for none.")
		}
		if session.Data, err = document("data", req.Data, engine.MaxSessionData); err != nil {
			return nil, nil, err
		}
	}
	session.DID, pool, err = s.readDID(req, parties)
	return session, pool, err
}

// readParties reads the two, in any spelling.
func (s *Server) readParties(given []literal) (parties [2]engine.Number, err error) {
	if len(given) != len(parties) {
		return parties, fail(http.StatusBadRequest, "parties: there are %d. Name two, such as [\"9876543210\", \"9988912345\"].", len(given))
	}
	for i, raw := range given {
		field := fmt.Sprintf("parties[%d]", i)
		if parties[i], err = possible(field, string(raw), s.o.Numbers.Person, "9876543210, or +14155552671 from abroad"); err != nil {
			return parties, err
		}
		if s.o.Policies.IsDID(s.o.Numbers.DID(string(raw)).Canonical) {
			return parties, fail(http.StatusBadRequest, "%s: %s is a DID of the policies' directory, so a call to it would come back here. Name the person's own number.",
				field, engine.Mask(parties[i].Canonical))
		}
	}
	if s.o.Numbers.SameLine(parties[0], parties[1]) {
		return parties, fail(http.StatusBadRequest, "parties: both are %s. Name the two who are to reach each other.", engine.Mask(parties[0].Canonical))
	}
	return parties, nil
}

// readDID reads the DID, or the pool to take one of: the one that is sent, else
// the directory's.
func (s *Server) readDID(req *sessionRequest, parties [2]engine.Number) (did string, pool []string, err error) {
	if req.DID != nil {
		if req.Pool != nil {
			return "", nil, fail(http.StatusBadRequest, "pool: it is for sessions without did. Leave one of the two out.")
		}
		did, err = s.maskingDID("did", string(*req.DID), parties)
		return did, nil, err
	}
	if req.Pool == nil {
		return "", s.o.Policies.Pool(), nil
	}
	if n := len(req.Pool); n == 0 || n > maxPool {
		return "", nil, fail(http.StatusBadRequest, "pool: it lists %d DIDs. List 1 to %d, or leave it out for those of the policies' directory.", n, maxPool)
	}
	for i, raw := range req.Pool {
		if did, err = s.maskingDID(fmt.Sprintf("pool[%d]", i), string(raw), parties); err != nil {
			return "", nil, err
		}
		if !slices.Contains(pool, did) {
			pool = append(pool, did)
		}
	}
	return "", pool, nil
}

// maskingDID reads a DID that is to stand between two people.
func (s *Server) maskingDID(field, raw string, parties [2]engine.Number) (string, error) {
	did, err := possible(field, raw, s.o.Numbers.DID, "918645658689")
	if err != nil {
		return "", err
	}
	for _, p := range parties {
		if s.o.Numbers.SameLine(did, p) {
			return "", fail(http.StatusBadRequest, "%s: %s is one of the parties too. Name the number that they dial.", field, engine.Mask(did.Canonical))
		}
	}
	return did.Canonical, nil
}

// possible reads a number that can be called.
func possible(field, raw string, read func(string) engine.Number, such string) (engine.Number, error) {
	if strings.TrimSpace(raw) == "" {
		return engine.Number{}, fail(http.StatusBadRequest, "%s: it is empty. Write a number such as %s.", field, such)
	}
	if len(raw) <= engine.MaxCaller {
		if n := read(raw); n.Valid {
			return n, nil
		}
	}
	return engine.Number{}, fail(http.StatusBadRequest, "%s: %q is no number that can be called. Write it like %s.", field, engine.Mask(shorten(raw)), such)
}

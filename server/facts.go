package server

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"switchboard/engine"
)

// maxFactBody bounds the body that sets a fact, in bytes: its value, with room
// for blanks.
const maxFactBody = 2*engine.MaxFactValue + 1<<10

var factFields = []string{"value", "expires"}

// factRequest is the body of PUT /facts/{collection}/{key}.
type factRequest struct {
	Value   json.RawMessage `json:"value"`
	Expires json.RawMessage `json:"expires"` // left out or null: never
}

// factView is a fact, times in Unix seconds or null.
type factView struct {
	Collection string          `json:"collection"`
	Key        string          `json:"key"`
	Value      json.RawMessage `json:"value"`
	Set        *int64          `json:"set"`
	Expires    *int64          `json:"expires"`
	By         string          `json:"by"`
}

func viewFact(f *engine.Fact) factView {
	return factView{f.Collection, f.Key, f.Value, engine.Seconds(f.Set), engine.Seconds(f.Expires), f.By}
}

// facts answers a page of those of one collection, or of all.
func (s *Server) facts(c *gin.Context) (err error) {
	if err := onlyParameters(c, "limit", "cursor"); err != nil {
		return err
	}
	f := engine.FactFilter{Cursor: c.Query("cursor")}
	if c.Param("collection") != "" {
		if f.Collection, err = pathName(c, "collection", engine.MaxFactName); err != nil {
			return err
		}
	}
	if f.Limit, err = pageLimit(c); err != nil {
		return err
	}
	page, err := s.o.Live.Facts(c.Request.Context(), f)
	if err != nil {
		return err
	}
	views := make([]factView, 0, len(page.Facts))
	for _, f := range page.Facts {
		views = append(views, viewFact(f))
	}
	return writeJSON(c, http.StatusOK, struct {
		Facts []factView `json:"facts"`
		Next  string     `json:"next"`
	}{views, page.Next})
}

// fact answers one.
func (s *Server) fact(c *gin.Context) error {
	collection, key, err := factName(c)
	if err != nil {
		return err
	}
	found, err := s.liveFact(c, collection, key)
	switch {
	case err != nil:
		return err
	case found == nil:
		return fail(http.StatusNotFound, "There is no fact %q in %q. GET /api/v1/facts/%s lists what there is.",
			engine.Mask(key), engine.Mask(collection), c.Param("collection"))
	}
	return writeJSON(c, http.StatusOK, viewFact(found))
}

// liveFact is a fact that counts now.
func (s *Server) liveFact(c *gin.Context, collection, key string) (*engine.Fact, error) {
	found, err := s.o.Live.Fact(c.Request.Context(), collection, key)
	if err != nil || found == nil || !found.Live(s.o.Now().UnixNano()) {
		return nil, err
	}
	return found, nil
}

// putFact sets a fact: 201 or, where there was one, 200.
func (s *Server) putFact(c *gin.Context) error {
	collection, key, err := factName(c)
	if err != nil {
		return err
	}
	if err := s.comparable(key); err != nil {
		return err
	}
	var req factRequest
	if err := decode(http.MaxBytesReader(c.Writer, c.Request.Body, maxFactBody), &req, factFields); err != nil {
		return err
	}
	if len(req.Value) == 0 {
		return fail(http.StatusBadRequest, "value: it is missing. Send any JSON, such as true; to take the fact back, DELETE it.")
	}
	fact := engine.Fact{Collection: collection, Key: key, Set: s.o.Now().UnixNano(), By: by(c.Request.Context())}
	if fact.Value, err = document("value", req.Value, engine.MaxFactValue); err != nil {
		return err
	}
	if fact.Expires, err = s.expiry(req.Expires, s.o.Now()); err != nil {
		return err
	}
	before, err := s.liveFact(c, collection, key)
	if err != nil {
		return err
	}
	ctx, cancel := s.committing(c)
	defer cancel()
	after, err := s.o.Live.PutFact(ctx, fact)
	if err != nil {
		return err
	}
	same := before != nil && before.Expires == after.Expires && bytes.Equal(before.Value, after.Value)
	status, action := changeOf(before != nil, same)
	s.changed(ctx, "fact", action, collection+"/"+key)
	return writeJSON(c, status, viewFact(after))
}

// comparable refuses a number in a spelling that no policy would find. Only a
// plus tells a number for sure from an order's or a customer's.
func (s *Server) comparable(key string) error {
	if !strings.HasPrefix(key, "+") {
		return nil
	}
	if person := s.o.Numbers.Person(key); !person.Valid || key == person.Canonical {
		return nil
	}
	return fail(http.StatusBadRequest, "key: policies know this number by another spelling, and would not find it. "+
		"Write a person of this country like 9876543210, one from abroad like +14155552671, a DID like 918645658689.")
}

// deleteFact takes a fact back: 200, or 204 where there is none, so that it may
// be sent twice.
func (s *Server) deleteFact(c *gin.Context) error {
	collection, key, err := factName(c)
	if err != nil {
		return err
	}
	ctx, cancel := s.committing(c)
	defer cancel()
	found, err := s.o.Live.DeleteFact(ctx, collection, key, by(ctx))
	switch {
	case err != nil:
		return err
	case !found:
		c.Status(http.StatusNoContent)
		return nil
	}
	s.changed(ctx, "fact", "deleted", collection+"/"+key)
	return writeJSON(c, http.StatusOK, struct {
		Status string `json:"status"`
	}{"deleted"})
}

func factName(c *gin.Context) (collection, key string, err error) {
	if err = onlyParameters(c); err != nil {
		return "", "", err
	}
	if collection, err = pathName(c, "collection", engine.MaxFactName); err != nil {
		return "", "", err
	}
	key, err = pathName(c, "key", engine.MaxFactName)
	return collection, key, err
}

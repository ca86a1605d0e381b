package server

import (
	"bytes"
	"context"
	"net/http"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"switchboard/engine"
)

// sessions answers a page of masked pairs, newest first.
func (s *Server) sessions(c *gin.Context) error {
	if err := onlyParameters(c, "did", "party", "ended", "limit", "cursor"); err != nil {
		return err
	}
	f := engine.SessionFilter{Cursor: c.Query("cursor")}
	var err error
	if f.Limit, err = pageLimit(c); err != nil {
		return err
	}
	if v, given := c.GetQuery("ended"); given {
		if f.Ended, err = strconv.ParseBool(v); err != nil {
			return fail(http.StatusBadRequest, "ended: %q is neither true nor false.", engine.Mask(shorten(v)))
		}
	}
	if raw := c.Query("did"); raw != "" {
		f.DID = s.o.Numbers.DID(plus(raw)).Canonical
	}
	if raw := c.Query("party"); raw != "" {
		f.Party = s.o.Numbers.Person(plus(raw)).Canonical
	}
	page, err := s.o.Live.Sessions(c.Request.Context(), f)
	if err != nil {
		return err
	}
	page.Sessions = list(page.Sessions)
	return writeJSON(c, http.StatusOK, page)
}

// plus mends a number: "+91…" written into an address by hand arrives as
// " 91…".
func plus(raw string) string {
	if strings.HasPrefix(raw, " ") {
		return "+" + raw[1:]
	}
	return raw
}

// session answers one, also one that has ended and is kept.
func (s *Server) session(c *gin.Context) error {
	ref, err := sessionRef(c)
	if err != nil {
		return err
	}
	found, err := s.o.Live.Session(c.Request.Context(), ref)
	switch {
	case err != nil:
		return err
	case found == nil:
		return fail(http.StatusNotFound, "There is no session %q. GET /api/v1/sessions lists what there is.", engine.Mask(ref))
	}
	return writeJSON(c, http.StatusOK, found)
}

// putSession creates a session or changes the one of that name: 201 or 200.
func (s *Server) putSession(c *gin.Context) error {
	ref, err := sessionRef(c)
	if err != nil {
		return err
	}
	var req sessionRequest
	if err := decode(http.MaxBytesReader(c.Writer, c.Request.Body, maxSessionBody), &req, sessionFields); err != nil {
		return err
	}
	ctx, cancel := s.committing(c)
	defer cancel()
	status, session, err := s.keepSession(ctx, ref, &req)
	if err != nil {
		return err
	}
	return writeJSON(c, status, session)
}

// keepSession checks a session and has it stored.
func (s *Server) keepSession(ctx context.Context, ref string, req *sessionRequest) (status int, _ *engine.Session, err error) {
	if err := liveName("ref", ref, engine.MaxSessionRef); err != nil {
		return 0, nil, err
	}
	now := s.o.Now()
	wanted, pool, err := s.readSession(ref, req, now)
	if err != nil {
		return 0, nil, err
	}
	before, err := s.o.Live.Session(ctx, ref)
	if err != nil {
		return 0, nil, err
	}
	if before != nil && !before.Live(now.UnixNano()) {
		before = nil
	}
	if wanted.DID == "" && len(pool) == 0 {
		if before == nil {
			return 0, nil, fail(http.StatusBadRequest,
				"did: it is missing, and the policies' directory lists no DID that could be taken. Name the DID, or several in pool.")
		}
		pool = []string{before.DID} // to be extended, one needs no other
	}
	after, err := s.o.Live.PutSession(ctx, *wanted, pool, by(ctx))
	if err != nil {
		return 0, nil, err
	}
	status, action := changeOf(before != nil, before != nil && sameSession(before, after))
	s.changed(ctx, "session", action, ref)
	return status, after, nil
}

func sameSession(a, b *engine.Session) bool {
	return a.DID == b.DID && a.Parties == b.Parties && a.Expires == b.Expires && bytes.Equal(a.Data, b.Data)
}

// endSession ends a session: 200 and how it was, or 204 where there is none, so
// that it may be sent twice.
func (s *Server) endSession(c *gin.Context) error {
	ref, err := sessionRef(c)
	if err != nil {
		return err
	}
	ctx, cancel := s.committing(c)
	defer cancel()
	ended, err := s.o.Live.EndSession(ctx, ref, by(ctx))
	switch {
	case err != nil:
		return err
	case ended == nil:
		c.Status(http.StatusNoContent)
		return nil
	}
	s.changed(ctx, "session", "ended", ref)
	return writeJSON(c, http.StatusOK, ended)
}

func sessionRef(c *gin.Context) (string, error) {
	if err := onlyParameters(c); err != nil {
		return "", err
	}
	return pathName(c, "ref", engine.MaxSessionRef)
}

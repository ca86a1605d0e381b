package server

import (
	"net/http"
	"slices"

	"github.com/gin-gonic/gin"

	"switchboard/engine"
)

// callParameters are the filters of calls, as they are spelled in the query.
var callParameters = []string{"caller", "did", "receiver", "status", "reason", "source", "from", "to", "limit", "cursor"}

var (
	callStatuses = []string{string(engine.StatusInFlight), string(engine.StatusAnswered), string(engine.StatusNotAnswered),
		string(engine.StatusOther), string(engine.StatusExpired), string(engine.StatusRejected)}
	callSources = []string{string(engine.SourcePolicy), string(engine.SourceDIDFallback), string(engine.SourceFallback),
		string(engine.SourceShed), string(engine.SourceRejected), string(engine.SourceNone)}
)

// calls answers a page of calls, newest first.
func (s *Server) calls(c *gin.Context) error {
	filter, err := s.callFilter(c, callParameters...)
	if err != nil {
		return err
	}
	page, err := s.o.History.Calls(c.Request.Context(), filter)
	if err != nil {
		return err
	}
	page.Calls = list(page.Calls)
	return writeJSON(c, http.StatusOK, page)
}

// callFilter reads the query, which may have the parameters that are known;
// numbers may be spelled in any way.
func (s *Server) callFilter(c *gin.Context, known ...string) (engine.CallFilter, error) {
	var f engine.CallFilter
	if err := onlyParameters(c, known...); err != nil {
		return f, err
	}
	for _, p := range []struct {
		name string
		read func(string) engine.Number
		to   *string
	}{{"caller", s.o.Numbers.Person, &f.Caller}, {"did", s.o.Numbers.DID, &f.DID}, {"receiver", s.o.Numbers.Person, &f.Receiver}} {
		if raw := c.Query(p.name); raw != "" {
			*p.to = p.read(plus(raw)).Canonical
		}
	}
	var err error
	for _, p := range []struct {
		name  string
		known []string
		take  func(string)
	}{
		{"status", callStatuses, func(v string) { f.Status = engine.Status(v) }},
		{"source", callSources, func(v string) { f.Source = engine.Source(v) }},
	} {
		v := c.Query(p.name)
		if v != "" && !slices.Contains(p.known, v) {
			return f, fail(http.StatusBadRequest, "%s: %s", p.name, unknownName(p.name, v, p.known))
		}
		p.take(v)
	}
	if v := c.Query("from"); v != "" {
		if f.From, err = s.parseTime("from", v); err != nil {
			return f, err
		}
	}
	if v := c.Query("to"); v != "" {
		if f.To, err = s.parseTime("to", v); err != nil {
			return f, err
		}
	}
	if f.Limit, err = pageLimit(c); err != nil {
		return f, err
	}
	f.Reason, f.Cursor = c.Query("reason"), c.Query("cursor")
	return f, nil
}

// call answers everything kept of one call.
func (s *Server) call(c *gin.Context) error {
	if err := onlyParameters(c); err != nil {
		return err
	}
	id, err := pathValue(c, "call_id")
	if err != nil {
		return err
	}
	detail, err := s.o.History.Call(c.Request.Context(), id)
	if err != nil {
		return err
	}
	if detail == nil {
		return fail(http.StatusNotFound, "There is no call %q. It may have been deleted by age; GET /api/v1/calls lists what there is.", engine.Mask(id))
	}
	return writeJSON(c, http.StatusOK, viewCall(detail))
}

package server

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"switchboard/engine"
)

// explain answers how a recorded decision came about, from a repeat of it.
func (s *Server) explain(c *gin.Context) error {
	if err := onlyParameters(c, "did"); err != nil {
		return err
	}
	id, err := pathValue(c, "call_id")
	if err != nil {
		return err
	}
	if s.o.Explainer == nil {
		return fail(http.StatusNotImplemented, "Explanations are not available on this server.")
	}
	did := ""
	if raw := c.Query("did"); raw != "" {
		did = s.o.Numbers.DID(plus(raw)).Canonical
	}
	e, err := s.o.Explainer.Explain(c.Request.Context(), id, did)
	if err != nil {
		return err
	}
	if e == nil {
		return fail(http.StatusNotFound, "There is no decision of call %q. It may have been deleted by age, or only its report came; GET /api/v1/calls/{call_id} shows what there is.", engine.Mask(id))
	}
	e.Steps, e.Read, e.Fired, e.Trace = list(e.Steps), list(e.Read), list(e.Fired), list(e.Trace)
	return writeJSON(c, http.StatusOK, e)
}

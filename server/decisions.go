package server

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/gin-gonic/gin"

	"switchboard/engine"
	"switchboard/server/decisionlog"
)

// decisionLog streams the decisions of all calls that the filter selects, newest
// call first, as lines of OPA's decision log.
func (s *Server) decisionLog(c *gin.Context) error {
	mask := false
	switch c.Query("mask") {
	case "", "false":
	case "true":
		mask = true
	default:
		return fail(http.StatusBadRequest, "mask: say true or false.")
	}
	f, err := s.callFilter(c, append(slices.Clone(exportParameters), "mask")...)
	if err != nil {
		return err
	}
	f.Limit = engine.MaxPage
	rc := http.NewResponseController(c.Writer)
	enc := json.NewEncoder(&patient{c.Writer, rc, s.o.PrivateTimeout})
	enc.SetEscapeHTML(false)
	labels := map[string]string{"app": "switchboard", "version": s.o.Version}
	for began := false; ; {
		page, err := s.o.History.Calls(c.Request.Context(), f)
		if err != nil {
			return err
		}
		if !began {
			began = true
			s.audited(c.Request.Context(), "decisions.export", "opa-decision-log", queryDetail(c))
			c.Header("Content-Type", "application/x-ndjson")
			c.Header("Content-Disposition", fmt.Sprintf(`attachment; filename="decisions-%s.ndjson"`, s.o.Now().UTC().Format("20060102T150405Z")))
			c.Status(http.StatusOK)
			c.Writer.WriteHeaderNow()
		}
		for _, call := range page.Calls {
			if err := s.writeDecisions(c, enc, call, labels, mask); err != nil {
				return err
			}
		}
		if err := flush(rc); err != nil || page.Next == "" {
			return err
		}
		f.Cursor = page.Next
	}
}

// writeDecisions writes what was decided for one call; an orphan has nothing.
func (s *Server) writeDecisions(c *gin.Context, enc *json.Encoder, call *engine.Call, labels map[string]string, mask bool) error {
	detail, err := s.o.History.Call(c.Request.Context(), call.CallID)
	if err != nil || detail == nil {
		return err
	}
	var errs []error
	for _, rec := range detail.Decisions {
		if rec.DID.Canonical != call.DID {
			continue // a call_id that came with several DIDs is listed once for each
		}
		e, err := decisionlog.Of(rec, labels)
		if err != nil {
			errs = append(errs, fmt.Errorf("the decision of call %q: %w", rec.CallID, err))
			continue
		}
		if mask {
			e.Mask()
		}
		if err := enc.Encode(e); err != nil {
			return err
		}
	}
	return errors.Join(errs...)
}

package server

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/gin-gonic/gin"

	"switchboard/engine"
	"switchboard/server/decisionlog"
)

// decisionLog streams the decisions of all calls that the filter selects, newest
// call first, as lines of OPA's decision log.
func (s *Server) decisionLog(c *gin.Context) error {
	mask, err := flag(c, "mask")
	if err != nil {
		return err
	}
	f, err := s.callFilter(c, append(slices.Clone(exportParameters), "mask")...)
	if err != nil {
		return err
	}
	labels := map[string]string{"app": "switchboard", "version": s.o.Version}
	return s.download(c, f, func(w io.Writer) download {
		enc := json.NewEncoder(w)
		enc.SetEscapeHTML(false)
		return download{
			what: "decisions", format: "opa-decision-log", contentType: "application/x-ndjson", ending: "ndjson",
			begin: func() error { return nil },
			call:  func(call *engine.Call) error { return s.writeDecisions(c, enc, call, labels, mask) },
			flush: func() error { return nil },
		}
	})
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

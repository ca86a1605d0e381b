package server

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"switchboard/engine"
	"switchboard/server/hangup"
)

// Hangup ends running calls; *hangup.Client is one.
type Hangup interface {
	// Hangup fails with *hangup.Error, or with ctx's error.
	Hangup(ctx context.Context, callID string) error
}

// hangupStatus is how a failure to hang up is answered.
var hangupStatus = map[hangup.Kind]int{
	hangup.NoKey: http.StatusNotImplemented, hangup.NoCall: http.StatusConflict, hangup.Late: http.StatusGatewayTimeout,
}

// hangUp ends a call that is running, through the provider. Its report comes as
// that of any other call.
func (s *Server) hangUp(c *gin.Context) error {
	if err := onlyParameters(c); err != nil {
		return err
	}
	id, err := pathValue(c, "call_id")
	if err != nil {
		return err
	}
	switch {
	case len(id) > engine.MaxCallID:
		return fail(http.StatusBadRequest, "call_id: it is longer than %d bytes.", engine.MaxCallID)
	case strings.HasPrefix(id, "~"):
		return fail(http.StatusConflict, "The provider gave this call no id, so it cannot be asked to end it.")
	case s.o.Hangup == nil:
		return hangupFailure(&hangup.Error{Kind: hangup.NoKey})
	}
	ctx := c.Request.Context()
	if err := s.o.Hangup.Hangup(ctx, id); err != nil {
		// Also where whoever asked went away before the provider had answered.
		if e := (*hangup.Error)(nil); !errors.As(err, &e) || !e.Certain() {
			s.audited(ctx, "calls.hangup", "calls/"+id, map[string]any{"outcome": "unknown"})
		}
		return hangupFailure(err)
	}
	s.audited(ctx, "calls.hangup", "calls/"+id, nil)
	return writeJSON(c, http.StatusOK, struct {
		CallID string `json:"call_id"`
		Status string `json:"status"`
	}{id, "hung_up"})
}

func hangupFailure(err error) error {
	var e *hangup.Error
	if !errors.As(err, &e) {
		return err
	}
	status, ok := hangupStatus[e.Kind]
	if !ok {
		status = http.StatusBadGateway
	}
	return &failure{status: status, detail: e.Error(), cause: e.Unwrap()}
}

package server

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"switchboard/engine"
)

// replayFields are the body of POST /replay.
var replayFields = []string{"from", "to", "limit", "policies", "revision"}

type replayRequest struct {
	From     literal           `json:"from"`
	To       literal           `json:"to"`
	Limit    int               `json:"limit"`
	Policies map[string]string `json:"policies"`
	Revision string            `json:"revision"`
}

// ndjson is what a client accepts that wants to see a replay's progress.
const ndjson = "application/x-ndjson"

// replayLine is a line of such an answer: progress now and then, and at the end
// the result or the problem.
type replayLine struct {
	Progress *engine.ReplayProgress `json:"progress,omitempty"`
	Result   *engine.Difference     `json:"result,omitempty"`
	Problem  json.RawMessage        `json:"problem,omitempty"`
}

// replay puts recorded calls to other policies. It ends when the client hangs
// up.
func (s *Server) replay(c *gin.Context) error {
	if err := onlyParameters(c); err != nil {
		return err
	}
	var body replayRequest
	if err := decode(c.Request.Body, &body, replayFields); err != nil {
		return err
	}
	if s.o.Replayer == nil {
		return fail(http.StatusNotImplemented, "Replays are not available on this server.")
	}
	ctx := c.Request.Context()
	req, err := s.replayRequest(ctx, &body)
	if err != nil {
		return err
	}
	// The listener's timeouts are for answers that a person waits for; a read
	// that times out would end the request's context.
	rc := http.NewResponseController(c.Writer)
	if err := errors.Join(rc.SetWriteDeadline(time.Time{}), rc.SetReadDeadline(time.Time{})); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	if strings.Contains(c.GetHeader("Accept"), ndjson) {
		return s.replayStream(c, rc, req)
	}
	d, err := s.o.Replayer.Replay(ctx, req, nil)
	if err != nil {
		return replayFailure(err, body.Revision)
	}
	return writeJSON(c, http.StatusOK, d)
}

func (s *Server) replayRequest(ctx context.Context, body *replayRequest) (req engine.ReplayRequest, err error) {
	if body.From != "" {
		if req.From, err = s.parseTime("from", string(body.From)); err != nil {
			return req, err
		}
	}
	if body.To != "" {
		if req.To, err = s.parseTime("to", string(body.To)); err != nil {
			return req, err
		}
	}
	if body.Limit < 0 || body.Limit > engine.MaxReplay {
		return req, fail(http.StatusBadRequest, "limit: give a number of calls from 1 to %d, or leave it out for %d.", engine.MaxReplay, engine.DefaultReplay)
	}
	if err = checkPaths(body.Policies); err != nil {
		return req, err
	}
	req.Limit, req.Policies = body.Limit, body.Policies
	if body.Revision != "" {
		req.Revision, err = s.resolve(ctx, body.Revision, s.o.Policies.Status())
	}
	return req, err
}

// replayStream answers line by line. What fails before the first line has a
// status of its own.
func (s *Server) replayStream(c *gin.Context, rc *http.ResponseController, req engine.ReplayRequest) error {
	enc := json.NewEncoder(&patient{c.Writer, rc, s.o.PrivateTimeout})
	enc.SetEscapeHTML(false)
	began := false
	line := func(l replayLine) error {
		if !began {
			began = true
			c.Header("Content-Type", ndjson)
			c.Header("X-Accel-Buffering", "no")
			c.Status(http.StatusOK)
			c.Writer.WriteHeaderNow()
		}
		return errors.Join(enc.Encode(l), flush(rc))
	}
	ctx, cancel := context.WithCancelCause(c.Request.Context())
	defer cancel(nil)
	d, err := s.o.Replayer.Replay(ctx, req, func(p engine.ReplayProgress) {
		if err := line(replayLine{Progress: &p}); err != nil {
			cancel(err) // nobody reads on
		}
	})
	switch {
	case err == nil:
		return line(replayLine{Result: d})
	case !began:
		return replayFailure(err, req.Revision)
	}
	f := asFailure(replayFailure(err, req.Revision))
	if f.status >= http.StatusInternalServerError && ctx.Err() == nil {
		s.o.Log.Error("replay failed", "err", s.clean(err.Error()))
	}
	return line(replayLine{Problem: f.body()})
}

// replayFailure says why there is no result.
func replayFailure(err error, revision string) error {
	var broken *engine.PoliciesError
	switch {
	case errors.As(err, &broken):
		return &failure{status: http.StatusUnprocessableEntity, detail: broken.Error(), errors: list(broken.Report.Errors)}
	case errors.Is(err, engine.ErrNoRevision):
		return noRevision(revision)
	case errors.Is(err, engine.ErrReplaying):
		return &failure{status: http.StatusConflict, detail: "A" + strings.TrimPrefix(engine.ErrReplaying.Error(), "a") + "."}
	case errors.Is(err, engine.ErrNoPolicy):
		return fail(http.StatusConflict, "No policy set is in force. Give policies, or the revision of an archived set.")
	}
	return err
}

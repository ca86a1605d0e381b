package server

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"

	"github.com/gin-gonic/gin"
	"golang.org/x/sync/errgroup"

	"switchboard/engine"
)

// batchWriters is how many sessions of a request are stored at once: they share
// the disk's round trips, and one request leaves the others their turn.
const batchWriters = 64

// batchRequest is the body of POST /sessions. The sessions are read one by one,
// so that one that is wrong does not cost the others.
type batchRequest struct {
	Sessions []json.RawMessage `json:"sessions"`
}

type batchItem struct {
	Ref string `json:"ref"`
	sessionRequest
}

// batchAnswer is what became of a session: the status that PUT would have
// answered, and the session or why not.
type batchAnswer struct {
	Ref     string          `json:"ref"`
	Status  int             `json:"status"`
	Session *engine.Session `json:"session,omitempty"`
	Error   string          `json:"error,omitempty"`
}

// putSessions puts many sessions, each by itself. The answers stand in the order
// of the request.
func (s *Server) putSessions(c *gin.Context) error {
	if err := onlyParameters(c); err != nil {
		return err
	}
	var req batchRequest
	if err := decode(c.Request.Body, &req, []string{"sessions"}); err != nil {
		return err
	}
	if n := len(req.Sessions); n == 0 || n > engine.MaxBatch {
		return fail(http.StatusBadRequest, "sessions: there are %d. Send 1 to %d at once.", n, engine.MaxBatch)
	}
	items, answers, err := readBatch(req.Sessions)
	if err != nil {
		return err
	}
	ctx, cancel := s.committing(c)
	defer cancel()
	var g errgroup.Group
	g.SetLimit(batchWriters)
	for i, item := range items {
		if item == nil {
			continue
		}
		g.Go(func() error {
			answers[i] = s.putItem(ctx, item)
			return nil
		})
	}
	_ = g.Wait() // every answer carries its own error
	return writeJSON(c, http.StatusOK, struct {
		Sessions []batchAnswer `json:"sessions"`
	}{answers})
}

// readBatch reads the items; one that cannot be read is nil and has its answer
// already. It refuses a ref that comes twice: nobody could tell which of the two
// is meant to last.
func readBatch(raw []json.RawMessage) ([]*batchItem, []batchAnswer, error) {
	items, answers := make([]*batchItem, len(raw)), make([]batchAnswer, len(raw))
	seen := make(map[string]int, len(raw))
	known := append([]string{"ref"}, sessionFields...)
	for i, text := range raw {
		var item batchItem
		err := decode(bytes.NewReader(text), &item, known)
		answers[i].Ref = item.Ref
		if err != nil {
			f := asFailure(err)
			answers[i].Status, answers[i].Error = f.status, f.detail
			continue
		}
		if first, twice := seen[item.Ref]; twice && item.Ref != "" {
			return nil, nil, fail(http.StatusBadRequest, "sessions[%d] and sessions[%d] have the same ref %q. Send each once; nothing was changed.",
				first, i, engine.Mask(shorten(item.Ref)))
		}
		seen[item.Ref] = i
		items[i] = &item
	}
	return items, answers, nil
}

// putItem puts one session of many. Its panic must not end the program, as it
// would beside the goroutine that the recoverer watches.
func (s *Server) putItem(ctx context.Context, item *batchItem) (a batchAnswer) {
	a.Ref = item.Ref
	defer func() {
		if v := recover(); v != nil {
			s.panicked("/api/v1/sessions", v)
			a.Status, a.Error = http.StatusInternalServerError, insideSentence
		}
	}()
	var err error
	if a.Status, a.Session, err = s.keepSession(ctx, item.Ref, &item.sessionRequest); err == nil {
		return a
	}
	f := asFailure(err)
	a.Status, a.Error = f.status, f.detail
	if f.status >= http.StatusInternalServerError {
		s.o.Log.Error("request failed", "route", "/api/v1/sessions", "err", s.clean(err.Error()))
	}
	return a
}

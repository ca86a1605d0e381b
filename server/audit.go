package server

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/gin-gonic/gin"

	"switchboard/engine"
)

// noteTime bounds how long an answer waits for its audit entry.
const noteTime = 2 * time.Second

// audited notes in the audit trail that somebody did something: a change that no
// other record tells, or a look at many people's numbers at once. Call it after
// a change, and before numbers are sent. The names of actions are
// "subject.verb", such as "quarantine.delete"; target is what it was done to,
// detail what else is worth knowing. Neither may show a person's number, which
// would outlive the person in the trail: mask it (engine.Mask).
//
// A disk that takes no entry stops nobody, least of all who makes a backup of
// it: the log has the entry either way, and a metric counts.
func (s *Server) audited(ctx context.Context, action, target string, detail map[string]any) {
	e := engine.AuditEntry{By: by(ctx), Action: action, Target: target}
	args := []any{"by", e.By, "action", action, "target", target}
	for _, name := range slices.Sorted(maps.Keys(detail)) {
		args = append(args, name, detail[name])
	}
	s.o.Log.Info("audit", args...)
	var err error
	if len(detail) > 0 {
		e.After, err = json.Marshal(detail)
	}
	if err == nil {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), noteTime)
		defer cancel()
		err = s.o.Live.Note(ctx, e)
	}
	if err != nil {
		s.o.Metrics.unaudited.Inc()
		s.o.Log.Error("the audit trail misses an entry", "action", action, "by", e.By, "err", s.clean(err.Error()))
	}
}

// auditView is an entry of the audit trail.
type auditView struct {
	At     *string         `json:"at"` // RFC 3339
	By     string          `json:"by"`
	Action string          `json:"action"`
	Target string          `json:"target"`
	Before json.RawMessage `json:"before"` // null where there was nothing
	After  json.RawMessage `json:"after"`
}

// audit answers a page of who did what, newest first.
func (s *Server) audit(c *gin.Context) error {
	if err := onlyParameters(c, "limit", "cursor"); err != nil {
		return err
	}
	limit, err := pageLimit(c)
	if err != nil {
		return err
	}
	page, err := s.o.Live.Audit(c.Request.Context(), engine.AuditFilter{Limit: limit, Cursor: c.Query("cursor")})
	if err != nil {
		return err
	}
	views := make([]auditView, 0, len(page.Entries))
	for _, e := range page.Entries {
		views = append(views, auditView{rfc3339(e.At), e.By, e.Action, e.Target, e.Before, e.After})
	}
	return writeJSON(c, http.StatusOK, struct {
		Entries []auditView `json:"entries"`
		Next    string      `json:"next"`
	}{views, page.Next})
}

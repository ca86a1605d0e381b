package server

import (
	"encoding/json"
	"net/http"

	"github.com/gin-gonic/gin"
)

// auditView is a change of live data.
type auditView struct {
	At     *string         `json:"at"` // RFC 3339
	By     string          `json:"by"`
	Action string          `json:"action"`
	Target string          `json:"target"`
	Before json.RawMessage `json:"before"` // null where there was nothing
	After  json.RawMessage `json:"after"`
}

// audit answers who changed what, newest first.
func (s *Server) audit(c *gin.Context) error {
	if err := onlyParameters(c, "limit"); err != nil {
		return err
	}
	limit, err := pageLimit(c)
	if err != nil {
		return err
	}
	entries, err := s.o.Live.Audit(c.Request.Context(), limit)
	if err != nil {
		return err
	}
	views := make([]auditView, 0, len(entries))
	for _, e := range entries {
		views = append(views, auditView{rfc3339(e.At), e.By, e.Action, e.Target, e.Before, e.After})
	}
	return writeJSON(c, http.StatusOK, struct {
		Entries []auditView `json:"entries"`
	}{views})
}

package server

import (
	"net/http"
	"time"

	"github.com/gin-gonic/gin"
)

// confirmClock has old records deleted by a clock that the store does not
// believe.
func (s *Server) confirmClock(c *gin.Context) error {
	if err := onlyParameters(c); err != nil {
		return err
	}
	at, err := s.o.Clock.ConfirmClock()
	if err != nil {
		return err
	}
	said := at.In(s.o.Zone).Format(time.RFC3339)
	s.audited(c.Request.Context(), "clock.confirm", said, nil)
	return writeJSON(c, http.StatusOK, struct {
		Clock string `json:"clock"`
	}{said})
}

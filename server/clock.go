package server

import (
	"context"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"
)

// believeClock confirms the clock and returns what it says.
func (s *Server) believeClock(ctx context.Context) (said string, err error) {
	at, err := s.o.Clock.ConfirmClock()
	if err != nil {
		return "", err
	}
	said = at.In(s.o.Zone).Format(time.RFC3339)
	s.audited(ctx, "clock.confirm", said, nil)
	return said, nil
}

// confirmClock has old records deleted by a clock that the store does not
// believe.
func (s *Server) confirmClock(c *gin.Context) error {
	if err := onlyParameters(c); err != nil {
		return err
	}
	said, err := s.believeClock(c.Request.Context())
	if err != nil {
		return err
	}
	return writeJSON(c, http.StatusOK, struct {
		Clock string `json:"clock"`
	}{said})
}

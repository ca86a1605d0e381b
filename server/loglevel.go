package server

import (
	"log/slog"
	"net/http"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"
)

// logLevels are the levels, as --log-level spells them.
var logLevels = []string{"debug", "info", "warn", "error"}

// levelView is GET and PUT /log-level.
type levelView struct {
	Level string `json:"level"`
}

// logLevel answers how much is logged.
func (s *Server) logLevel(c *gin.Context) error {
	level, err := s.levelVar(c)
	if err != nil {
		return err
	}
	return writeJSON(c, http.StatusOK, levelView{strings.ToLower(level.Level().String())})
}

// putLogLevel changes it, until a restart or another change.
func (s *Server) putLogLevel(c *gin.Context) error {
	level, err := s.levelVar(c)
	if err != nil {
		return err
	}
	var req levelView
	if err := decode(c.Request.Body, &req, []string{"level"}); err != nil {
		return err
	}
	if !slices.Contains(logLevels, req.Level) {
		return fail(http.StatusBadRequest, "level: %s", unknownName("level", shorten(req.Level), logLevels))
	}
	var l slog.Level
	if err := l.UnmarshalText([]byte(req.Level)); err != nil {
		return err
	}
	before := strings.ToLower(level.Level().String())
	level.Set(l)
	s.audited(c.Request.Context(), "log_level.put", req.Level, map[string]any{"before": before})
	return writeJSON(c, http.StatusOK, req)
}

func (s *Server) levelVar(c *gin.Context) (*slog.LevelVar, error) {
	if err := onlyParameters(c); err != nil {
		return nil, err
	}
	if s.o.LogLevel == nil {
		return nil, fail(http.StatusNotFound, "This server's log has no level that could be changed.")
	}
	return s.o.LogLevel, nil
}

package server

import (
	"net/http"
	"strconv"

	"github.com/gin-gonic/gin"

	"switchboard/engine"
)

// stats answers sums of calls, by DID, receiver, reason, hour and day.
func (s *Server) stats(c *gin.Context) error {
	if err := onlyParameters(c, "from", "to", "did", "receiver", "top"); err != nil {
		return err
	}
	var f engine.StatsFilter
	var err error
	if v := c.Query("from"); v != "" {
		if f.From, err = s.parseTime("from", v); err != nil {
			return err
		}
	}
	if v := c.Query("to"); v != "" {
		if f.To, err = s.parseTime("to", v); err != nil {
			return err
		}
	}
	if v := c.Query("did"); v != "" {
		f.DID = s.o.Numbers.DID(plus(v)).Canonical
	}
	if v := c.Query("receiver"); v != "" {
		f.Receiver = s.o.Numbers.Person(plus(v)).Canonical
	}
	if v := c.Query("top"); v != "" {
		if f.Top, err = strconv.Atoi(v); err != nil || f.Top < 1 || f.Top > engine.MaxPage {
			return fail(http.StatusBadRequest, "top: %q is not a number from 1 to %d.", engine.Mask(shorten(v)), engine.MaxPage)
		}
	}
	got, err := s.o.History.Stats(c.Request.Context(), f)
	if err != nil {
		return err
	}
	got.DIDs, got.Receivers, got.Reasons = list(got.DIDs), list(got.Receivers), list(got.Reasons)
	got.Hours, got.Days = list(got.Hours), list(got.Days)
	return writeJSON(c, http.StatusOK, got)
}

package server

import (
	"net/http"
	"sync/atomic"
	"time"

	"github.com/gin-gonic/gin"
)

// sightings are odd things that requests showed, for the warnings in status.
type sightings struct {
	forwarded        sighting // through a proxy, at a public listener without a key
	forwardedPrivate sighting // through a proxy, at a private listener without a token
	refusedKey       sighting
	refusedToken     sighting
	lostQuarantine   sighting
}

// sighting counts something and remembers when it was seen last.
type sighting struct {
	count atomic.Int64
	last  atomic.Int64 // Unix nanoseconds
}

func (s *sighting) note(at time.Time) {
	s.count.Add(1)
	s.last.Store(at.UnixNano())
}

// since reports how often it was seen, if that was after t.
func (s *sighting) since(t time.Time) (count int64, ok bool) {
	return s.count.Load(), s.last.Load() > t.UnixNano()
}

// forwardingHeaders are what a reverse proxy adds to the requests that it
// passes on.
var forwardingHeaders = []string{"X-Forwarded-For", "Forwarded", "X-Real-Ip", "Via"}

// forwardedWatch notes requests that a proxy passed on to a listener that is
// open because only this machine can reach it: through the proxy, everybody
// can.
func (s *Server) forwardedWatch(name string, open func() bool, seen *sighting) gin.HandlerFunc {
	return func(c *gin.Context) {
		if isForwarded(c.Request) && open() {
			seen.note(s.o.Now())
			s.o.Metrics.forwarded.WithLabelValues(name).Inc()
		}
	}
}

func isForwarded(r *http.Request) bool {
	for _, h := range forwardingHeaders {
		if r.Header.Get(h) != "" {
			return true
		}
	}
	return false
}

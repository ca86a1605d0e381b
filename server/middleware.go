package server

import (
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"switchboard/engine"
	"switchboard/engine/giveway"
)

// readInitiation is where a request keeps the initiation that was read from it.
const readInitiation = "initiation"

// measure counts requests and their durations by route. A path that is no route
// is one label, whatever it says.
func (s *Server) measure(listener string) gin.HandlerFunc {
	m := s.o.Metrics
	return func(c *gin.Context) {
		started := time.Now()
		m.inFlight.WithLabelValues(listener).Inc()
		defer m.inFlight.WithLabelValues(listener).Dec()
		c.Next()
		route := c.FullPath()
		if route == "" {
			route = "none"
		}
		m.requests.WithLabelValues(listener, route, strconv.Itoa(c.Writer.Status())).Inc()
		m.requestSeconds.WithLabelValues(listener, route).Observe(time.Since(started).Seconds())
	}
}

// recoverer turns a panic into an answer.
func (s *Server) recoverer(answer func(*gin.Context)) gin.HandlerFunc {
	return func(c *gin.Context) {
		defer func() {
			v := recover()
			if v == nil {
				return
			}
			if err, ok := v.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				panic(http.ErrAbortHandler) // itself: net/http knows no error that wraps it
			}
			s.panicked(c.FullPath(), v)
			if c.Writer.Written() {
				// Half an answer is out. A cut connection shows that it is half.
				panic(http.ErrAbortHandler)
			}
			answer(c)
		}()
		c.Next()
	}
}

func answerPanic(c *gin.Context) {
	writeProblem(c, fail(http.StatusInternalServerError, "%s", insideSentence))
}

// fallBackOnPanic answers the caller on the line all the same. The fallback runs
// on the code that has just panicked; should it panic too, the recoverer
// around this one answers.
func (s *Server) fallBackOnPanic(c *gin.Context) {
	var in engine.Initiation
	if read, ok := c.Get(readInitiation); ok {
		in = *read.(*engine.Initiation)
	}
	s.answerUnreadable(c, &in, http.StatusInternalServerError, insideSentence)
}

// panicked logs a panic with its stack, and counts it.
func (s *Server) panicked(where string, v any) {
	s.o.Metrics.panics.Inc()
	stack := debug.Stack()
	if p, ok := v.(*giveway.Panic); ok { // it happened on another goroutine
		v, stack = p.Value, p.Stack
	}
	s.o.Log.Error("panic", "where", where, "panic", s.clean(fmt.Sprint(v)), "stack", s.doors.Load().scrub.Replace(string(stack)))
}

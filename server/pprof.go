package server

import (
	"net/http"
	"net/http/pprof"

	"github.com/gin-gonic/gin"

	"switchboard/server/access"
)

// profileRoutes serve Go's profiles of the running program, under the paths that
// "go tool pprof" knows.
func (s *Server) profileRoutes(e *gin.Engine) {
	g := e.Group("/debug/pprof", adminOnly)
	g.GET("/", gin.WrapF(pprof.Index))
	for _, name := range []string{"allocs", "block", "goroutine", "heap", "mutex", "threadcreate"} {
		g.GET("/"+name, gin.WrapH(pprof.Handler(name)))
	}
	for name, h := range map[string]http.HandlerFunc{
		"cmdline": pprof.Cmdline, "profile": pprof.Profile, "symbol": pprof.Symbol, "trace": pprof.Trace,
	} {
		g.GET("/"+name, gin.WrapF(h))
	}
}

// adminOnly keeps readers out: what a profile shows of memory and of the command
// line may hold secrets.
func adminOnly(c *gin.Context) {
	if t, ok := c.Request.Context().Value(holder{}).(access.Token); ok && t.ReadOnly {
		refuse(c, fail(http.StatusForbidden, "The token of %s may not look into the program. Use an admin token.", t.Name))
	}
}

package server

import (
	"net/http"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"

	"switchboard/server/console"
)

// consoleSections are the first elements of the console's paths.
var consoleSections = console.Sections()

// consoleRoutes gives the console its paths. It guards them itself: a browser
// has a cookie where a program has a bearer token.
func (s *Server) consoleRoutes(e *gin.Engine) {
	h := gin.WrapH(s.console)
	e.GET("/", h)
	e.HEAD("/", h)
	for _, section := range consoleSections {
		for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost} {
			e.Handle(method, "/"+section, h)
			e.Handle(method, "/"+section+"/*rest", h)
		}
	}
}

// exceptConsole leaves the console's paths to the console's own guard.
func exceptConsole(guard gin.HandlerFunc) gin.HandlerFunc {
	return func(c *gin.Context) {
		// The route that matched, not what the path says: who writes the path
		// must not choose the guard.
		route := c.FullPath()
		section, _, _ := strings.Cut(strings.TrimPrefix(route, "/"), "/")
		if route == "/" || slices.Contains(consoleSections, section) {
			return
		}
		guard(c)
	}
}

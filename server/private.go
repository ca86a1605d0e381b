package server

import (
	"net/http"
	"net/url"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"switchboard/engine"
	"switchboard/engine/giveway"
	"switchboard/server/openapi"
)

// maxAPIBody bounds a request to the API, in bytes. A what-if may carry a whole
// policy set and a history.
const maxAPIBody = 16 << 20

// Where the API is, and those of its routes that only ask although they are
// posted to.
const (
	apiPath    = "/api/v1"
	routePath  = "/route"
	replayPath = "/replay"
)

// privateHandler is all that the private listener answers.
func (s *Server) privateHandler() http.Handler {
	e := newEngine()
	open := func() bool { return s.doors.Load().tokens.Len() == 0 }
	e.Use(s.measure("private"), s.recoverer(answerPanic), s.forwardedWatch("private", open, &s.seen.forwardedPrivate),
		privateHeaders, exceptConsole(s.tokenGuard), s.originGuard())
	s.consoleRoutes(e)
	e.GET("/metrics", gin.WrapH(promhttp.HandlerFor(s.o.Metrics.registry, promhttp.HandlerOpts{
		ErrorLog: promLog{s}, ErrorHandling: promhttp.ContinueOnError})))

	e.GET("/api/openapi.yaml", s.api(describe))

	api := e.Group(apiPath)
	api.GET("/status", s.api(s.status))
	api.GET("/calls", s.api(aside(s.calls)))
	api.GET("/calls.csv", s.api(heavy(s.exportCSV)))
	api.GET("/calls.ndjson", s.api(heavy(s.exportNDJSON)))
	api.GET("/calls/:call_id", s.api(s.call))
	api.POST("/calls/:call_id/hangup", s.api(s.hangUp))
	api.GET("/calls/:call_id/explain", s.api(aside(s.explain)))
	api.GET("/decisions.ndjson", s.api(heavy(s.decisionLog)))
	api.GET("/stats", s.api(heavy(s.stats)))
	api.GET("/profiles/:kind/:number", s.api(s.profile))
	api.POST(routePath, s.api(aside(s.whatIf)))
	api.POST(replayPath, s.api(heavy(s.replay)))
	api.GET("/policies", s.api(s.policies))
	api.GET("/policies/:revision", s.api(aside(s.policySet)))
	api.GET("/policies/:revision/diff", s.api(aside(s.diff)))
	api.POST("/policies/reload", s.api(aside(s.reload)))
	api.POST("/policies/:revision/rollback", s.api(aside(s.rollback)))
	api.GET("/quarantine", s.api(s.quarantine))
	api.POST("/quarantine/:id/retry", s.api(s.retry))
	api.DELETE("/quarantine/:id", s.api(s.discard))
	api.GET("/backup", s.api(aside(s.backup)))
	api.POST("/import", s.api(s.importCompletions))
	api.POST("/forget", s.api(heavy(s.forget)))
	api.POST("/retention/confirm", s.api(s.confirmClock))
	api.GET("/events", s.api(s.events))
	api.GET("/log-level", s.api(s.logLevel))
	api.PUT("/log-level", s.api(s.putLogLevel))
	if s.o.Pprof {
		s.profileRoutes(e)
	}
	s.liveRoutes(api)
	s.relayRoutes(api)
	return e
}

// describe answers the description of this API.
func describe(c *gin.Context) error {
	if err := onlyParameters(c); err != nil {
		return err
	}
	document, err := openapi.Document()
	if err != nil {
		return err
	}
	c.Data(http.StatusOK, "application/yaml", document)
	return nil
}

// privateHeaders keep personal data out of caches and frames.
func privateHeaders(c *gin.Context) {
	c.Header("Cache-Control", "no-store")
	c.Header("X-Content-Type-Options", "nosniff")
	c.Header("X-Frame-Options", "DENY")
}

// api adapts a handler that returns its error: one place turns errors into
// responses, and logs those that are ours.
func (s *Server) api(h func(*gin.Context) error) gin.HandlerFunc {
	return func(c *gin.Context) {
		c.Request.Body = http.MaxBytesReader(c.Writer, c.Request.Body, maxAPIBody)
		err := h(c)
		if err == nil {
			return
		}
		f := asFailure(err)
		// A client that hung up is no failure of ours.
		if f.status >= http.StatusInternalServerError && c.Request.Context().Err() == nil {
			cause := error(f)
			if f.cause != nil {
				cause = f.cause
			}
			s.o.Log.Error("request failed", "route", c.FullPath(), "err", s.clean(cause.Error()))
		}
		if c.Writer.Written() {
			panic(http.ErrAbortHandler) // half an answer is out; show that it is half
		}
		writeProblem(c, f)
	}
}

// aside has a handler that computes for long step back for calls; heavy is that of
// one that leaves much garbage behind.
func aside(h func(*gin.Context) error) func(*gin.Context) error { return giving(giveway.Aside, h) }
func heavy(h func(*gin.Context) error) func(*gin.Context) error { return giving(giveway.Heavy, h) }

func giving(way func(func()), h func(*gin.Context) error) func(*gin.Context) error {
	return func(c *gin.Context) (err error) {
		way(func() { err = h(c) })
		return err
	}
}

// pathValue is a part of the path, unescaped.
func pathValue(c *gin.Context, name string) (string, error) {
	value, err := url.PathUnescape(c.Param(name))
	if err != nil || value == "" {
		return "", fail(http.StatusBadRequest, "The path's %s is not readable. Escape it as a URL wants it: %%2F for a slash.", name)
	}
	return value, nil
}

// rfc3339 writes Unix nanoseconds; nil for zero, which is unknown.
func rfc3339(ns int64) *string {
	if ns == 0 {
		return nil
	}
	text := time.Unix(0, ns).UTC().Format(time.RFC3339Nano)
	return &text
}

// list is v, but never null in JSON.
func list[T any](v []T) []T {
	if v == nil {
		return []T{}
	}
	return v
}

// profile answers what policies see of one number.
func (s *Server) profile(c *gin.Context) error {
	if err := onlyParameters(c); err != nil {
		return err
	}
	raw, err := pathValue(c, "number")
	if err != nil {
		return err
	}
	kind := engine.ProfileKind(c.Param("kind"))
	var number engine.Number
	switch kind {
	case engine.Callers, engine.Receivers:
		number = s.o.Numbers.Person(raw)
	case engine.DIDs:
		number = s.o.Numbers.DID(raw)
	default:
		return fail(http.StatusNotFound, "There are no such profiles. Ask for callers, receivers or dids.")
	}
	p, err := s.o.History.Profile(c.Request.Context(), kind, number.Canonical)
	switch {
	case err != nil:
		return err
	case p != nil:
		return writeJSON(c, http.StatusOK, p)
	case !number.Valid:
		return fail(http.StatusNotFound, "%q is no phone number, and only numbers have profiles. Look at GET /api/v1/calls.", engine.Mask(raw))
	}
	return fail(http.StatusNotFound, "%s was never seen among %s.", engine.Mask(number.Canonical), kind)
}

// promLog writes what promhttp has to say.
type promLog struct{ s *Server }

// Println logs an error of the collection of metrics.
func (l promLog) Println(v ...any) {
	l.s.o.Log.Error("metrics", "err", v)
}

package server

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"

	"github.com/gin-gonic/gin"

	"switchboard/engine"
	"switchboard/engine/failpoint"
	"switchboard/server/alohaa"
)

// The webhooks' paths, as they are entered at the provider.
const (
	initiationPath = "/alohaa/get-receiver-details"
	completionPath = "/alohaa/send-call-details"
)

// publicHandler is all that the public listener answers.
func (s *Server) publicHandler() http.Handler {
	e := newEngine()
	keyless := func() bool { return s.doors.Load().keys.Len() == 0 }
	e.Use(s.measure("public"), s.recoverer(answerPanic))
	for _, path := range []string{"/healthz", "/readyz"} {
		h := s.healthz
		if path == "/readyz" {
			h = s.readyz
		}
		e.GET(path, h)
		e.HEAD(path, h)
	}
	hooks := e.Group("", s.forwardedWatch("public", keyless, &s.seen.forwarded), s.keyGuard)
	fallBack := s.recoverer(s.fallBackOnPanic)
	hooks.POST(initiationPath, fallBack, s.initiation)
	hooks.GET(initiationPath, fallBack, s.initiation)
	hooks.POST(completionPath, s.completion)
	return e
}

func (s *Server) healthz(c *gin.Context) { c.String(http.StatusOK, "alive\n") }

// readyz tells a load balancer whether calls may be sent here. A server that
// would answer with the fallback is ready; one that is stopping is not.
func (s *Server) readyz(c *gin.Context) {
	switch {
	case s.draining.Load():
		writeProblem(c, fail(http.StatusServiceUnavailable, "The server is stopping. Send calls elsewhere."))
	case !s.o.Router.Ready():
		writeProblem(c, fail(http.StatusServiceUnavailable,
			"A call would get no answer: no policy set is active and no fallback is configured. Set --fallback or repair the policies."))
	default:
		c.String(http.StatusOK, "ready\n")
	}
}

// initiation answers the question "whom shall I ring?".
func (s *Server) initiation(c *gin.Context) {
	arrived := s.o.Now().UnixNano()
	r, f := s.read(c)
	if f != nil {
		writeProblem(c, f)
		return
	}
	in, err := s.parser.Initiation(r, arrived)
	if err != nil {
		cause, sentence := unreadable(err)
		s.keepInitiation(c.Request.Context(), engine.QuarantineItem{
			At: arrived, Kind: "initiation", Cause: cause, Raw: r.Payload()})
		var of engine.Initiation
		if u := (*alohaa.UnreadableError)(nil); errors.As(err, &u) {
			of.Caller, of.DID = u.Caller, u.DID
		}
		s.answerUnreadable(c, &of, http.StatusBadRequest, sentence)
		return
	}
	c.Set(readInitiation, in)
	reply := s.o.Router.Route(c.Request.Context(), in)
	failpoint.Pass(failpoint.ReplyToInitiation)
	writeReply(c, reply)
}

// answerUnreadable gives the call its DID's fallback where in has one, else the
// global one, and a problem where there is none.
func (s *Server) answerUnreadable(c *gin.Context, in *engine.Initiation, status int, sentence string) {
	if reply, ok := s.o.Router.Unreadable(in.Caller, in.DID); ok {
		writeReply(c, reply)
		return
	}
	s.o.Metrics.decisions.WithLabelValues(string(engine.SourceNone), string(engine.CauseUnreadable)).Inc()
	writeProblem(c, fail(status, "%s", sentence))
}

func writeReply(c *gin.Context, reply engine.Reply) {
	if reply.Status == http.StatusServiceUnavailable {
		c.Header("Retry-After", "1")
	}
	// The same address asks about another call the next time.
	c.Header("Cache-Control", "no-store")
	c.Abort()
	c.Data(reply.Status, reply.Type, reply.Body)
}

// completion takes the report on a finished call. 2xx means that it is on disk.
func (s *Server) completion(c *gin.Context) {
	arrived := s.o.Now().UnixNano()
	// The provider hanging up early must not undo what it told us.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.Request.Context()), s.o.CompletionTimeout)
	defer cancel()
	r, f := s.read(c)
	if f != nil {
		if f.status == http.StatusRequestEntityTooLarge {
			f = s.keepCompletion(ctx, r, arrived, "too_large", f)
		}
		writeProblem(c, f)
		return
	}
	report, err := s.parser.Completion(r, arrived)
	if err != nil {
		cause, sentence := unreadable(err)
		writeProblem(c, s.keepCompletion(ctx, r, arrived, cause, fail(http.StatusBadRequest, "%s", sentence)))
		return
	}
	result, err := s.o.Completer.Complete(ctx, report)
	if err != nil {
		s.o.Metrics.completions.WithLabelValues("unavailable", string(report.Status)).Inc()
		s.o.Log.Error("completion not stored", "call_id", report.CallID, "err", s.clean(err.Error()))
		writeProblem(c, notStored(err))
		return
	}
	s.completed(report, result)
	failpoint.Pass(failpoint.ReplyToCompletion)
	writeResult(c, result)
}

// completed counts a completion that is on disk, and tells those who watch.
func (s *Server) completed(report *engine.Completion, result engine.CompletionResult) {
	s.o.Metrics.completions.WithLabelValues(string(result), string(report.Status)).Inc()
	s.o.Feed.completed(report, result)
}

func writeResult(c *gin.Context, result engine.CompletionResult) {
	c.Data(http.StatusOK, "application/json", []byte(`{"status":"`+string(result)+`"}`))
}

// notStored asks the provider to come again, whatever the reason.
func notStored(cause error) *failure {
	return &failure{status: http.StatusServiceUnavailable, cause: cause,
		detail: "The report on this call could not be stored. Send it again."}
}

// read takes a webhook's body, at most engine.MaxBody bytes of it. What it
// returns with 413 holds the first MaxBody bytes.
func (s *Server) read(c *gin.Context) (alohaa.Request, *failure) {
	r := alohaa.Request{
		Method: c.Request.Method, ContentType: c.Request.Header.Get("Content-Type"), RawQuery: c.Request.URL.RawQuery}
	if r.Method == http.MethodGet {
		return r, nil
	}
	body, err := io.ReadAll(http.MaxBytesReader(c.Writer, c.Request.Body, engine.MaxBody))
	r.Body = body
	var tooLarge *http.MaxBytesError
	switch {
	case err == nil:
		return r, nil
	case errors.As(err, &tooLarge):
		return r, fail(http.StatusRequestEntityTooLarge, "The body is larger than %d bytes. Send the call's own fields only.", engine.MaxBody)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return r, fail(http.StatusRequestTimeout, "The body did not arrive within %v. Send it again.", s.o.ReadTimeout)
	}
	return r, fail(http.StatusBadRequest, "The body broke off. Send it again, whole.")
}

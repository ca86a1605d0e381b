package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/gin-gonic/gin"

	"switchboard/engine"
	"switchboard/server/alohaa"
)

const insideSentence = "Something failed inside the server. Its log says what."

// failure is an error with its response: a status, and a sentence for the
// sender that says what to do. Its cause is for the log alone.
type failure struct {
	status int
	detail string
	errors []engine.Problem // more to say than one sentence
	cause  error
}

func (f *failure) Error() string { return f.detail }
func (f *failure) Unwrap() error { return f.cause }

// Status is the response's status.
func (f *failure) Status() int { return f.status }

func fail(status int, format string, args ...any) *failure {
	return &failure{status: status, detail: fmt.Sprintf(format, args...)}
}

// asFailure finds the response to an error.
func asFailure(err error) *failure {
	var (
		f   *failure
		bad *engine.BadInputError
	)
	switch {
	case errors.As(err, &f):
		return f
	case errors.As(err, &bad):
		return &failure{status: http.StatusBadRequest, detail: engine.Mask(bad.Why) + "."}
	case errors.Is(err, engine.ErrBadCursor):
		return &failure{status: http.StatusBadRequest, detail: "cursor: " + engine.ErrBadCursor.Error() + "."}
	case errors.Is(err, engine.ErrPoolExhausted):
		return &failure{status: http.StatusConflict, detail: "did: " + engine.ErrPoolExhausted.Error() + "."}
	case errors.Is(err, engine.ErrTooMany):
		return &failure{status: http.StatusConflict, detail: engine.Mask(err.Error()) + "."}
	case errors.Is(err, engine.ErrUnavailable), errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return &failure{status: http.StatusServiceUnavailable, cause: err,
			detail: "The store cannot do this now. Try again; GET /api/v1/status on the private listener says what is wrong with it."}
	}
	return &failure{status: http.StatusInternalServerError, cause: err,
		detail: insideSentence}
}

// writeProblem answers with an RFC 9457 problem and ends the request.
func writeProblem(c *gin.Context, f *failure) {
	if f.status == http.StatusServiceUnavailable {
		c.Header("Retry-After", "1")
	}
	c.Abort()
	c.Data(f.status, alohaa.ProblemType, f.body())
}

// body is the problem in JSON.
func (f *failure) body() []byte {
	if len(f.errors) > 0 {
		return f.withErrors()
	}
	return alohaa.ProblemJSON(f.status, f.detail)
}

// refuse answers with a problem before the body is read. The connection closes
// where a body is on its way: HTTP would have it read to its end before the
// answer goes out, however slowly it comes.
func refuse(c *gin.Context, f *failure) {
	if c.Request.ContentLength != 0 {
		c.Header("Connection", "close")
	}
	writeProblem(c, f)
}

// withErrors is the problem with the member "errors".
func (f *failure) withErrors() []byte {
	// Nothing in it can fail to encode.
	body, _ := json.Marshal(struct {
		alohaa.Problem
		Errors []engine.Problem `json:"errors"`
	}{alohaa.Problem{Type: "about:blank", Title: http.StatusText(f.status), Status: f.status, Detail: f.detail}, f.errors})
	return body
}

// writeJSON answers with v, wholly encoded before the status goes out.
func writeJSON(c *gin.Context, status int, v any) error {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("encoding the answer: %w", err)
	}
	c.Data(status, "application/json", buf.Bytes())
	return nil
}

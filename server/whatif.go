package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"

	"switchboard/engine"
)

var whatIfFields = []string{"caller_number", "did", "call_id", "at", "history", "policies", "explain"}

// whatIfRequest is the body of POST /route.
type whatIfRequest struct {
	Caller   literal           `json:"caller_number"`
	DID      literal           `json:"did"`
	CallID   string            `json:"call_id"`
	At       literal           `json:"at"`
	History  json.RawMessage   `json:"history"`
	Policies map[string]string `json:"policies"`
	Explain  bool              `json:"explain"`
}

// literal is a JSON string, or a number taken letter for letter: numbers and
// times are often written without quotes.
type literal string

// UnmarshalJSON refuses everything but a string, a number and null.
func (l *literal) UnmarshalJSON(b []byte) error {
	if b[0] == '"' {
		return json.Unmarshal(b, (*string)(l))
	}
	var n json.Number
	if err := json.Unmarshal(b, &n); err != nil {
		return errors.New("it must be a string")
	}
	*l = literal(n)
	return nil
}

// whatIf tells how a call would be routed, without routing it.
func (s *Server) whatIf(c *gin.Context) error {
	if err := onlyParameters(c); err != nil {
		return err
	}
	var req whatIfRequest
	if err := decode(c.Request.Body, &req, whatIfFields); err != nil {
		return err
	}
	question, err := s.question(&req)
	if err != nil {
		return err
	}
	result, err := s.o.Router.WhatIf(c.Request.Context(), engine.WhatIf{
		Question: question, History: req.History, Policies: req.Policies, Explain: req.Explain})
	var broken *engine.PoliciesError
	switch {
	case err == nil:
		result.Fired, result.Read = list(result.Fired), list(result.Read)
		return writeJSON(c, http.StatusOK, result)
	case errors.As(err, &broken):
		return &failure{status: http.StatusUnprocessableEntity, detail: broken.Error(), errors: list(broken.Report.Errors)}
	}
	// What is wrong with the question is said in a sentence; the rest is ours.
	if f := asFailure(err); f.status == http.StatusServiceUnavailable {
		return f
	}
	return fail(http.StatusBadRequest, "%v", err)
}

// question checks what was asked.
func (s *Server) question(req *whatIfRequest) (q engine.Question, err error) {
	if strings.TrimSpace(string(req.DID)) == "" {
		return q, fail(http.StatusBadRequest, "did: it is missing. Name the number that is dialled.")
	}
	if len(strings.TrimSpace(string(req.Caller))) > engine.MaxCaller {
		return q, fail(http.StatusBadRequest, "caller_number: it is longer than %d bytes.", engine.MaxCaller)
	}
	if len(req.CallID) > engine.MaxCallID {
		return q, fail(http.StatusBadRequest, "call_id: it is longer than %d bytes.", engine.MaxCallID)
	}
	if req.At != "" {
		if q.At, err = s.parseTime("at", string(req.At)); err != nil {
			return q, err
		}
	}
	switch history := bytes.TrimSpace(req.History); {
	case len(history) == 0, string(history) == "null":
		req.History = nil
	case history[0] != '{':
		return q, fail(http.StatusBadRequest, "history: it must be an object, such as {\"callers\": {…}}; leave it out for the live history.")
	}
	if err = checkPaths(req.Policies); err != nil {
		return q, err
	}
	q.CallID = req.CallID
	q.Caller, q.DID = s.o.Numbers.Person(string(req.Caller)), s.o.Numbers.DID(string(req.DID))
	return q, nil
}

// checkPaths refuses edits under names that are no file of a policies folder:
// they would be left out in silence, and the answer be that of the set as it is.
func checkPaths(policies map[string]string) error {
	for _, name := range slices.Sorted(maps.Keys(policies)) {
		if !fs.ValidPath(name) || name == "." {
			return fail(http.StatusBadRequest, "policies: %q is no file's path. Write it from the policies folder on, such as routing/routing.rego.", name)
		}
	}
	return nil
}

// decode reads a JSON object and nothing behind it. An unknown field is
// refused: a misspelt one would be left out in silence.
func decode(r io.Reader, v any, known []string) error {
	dec := json.NewDecoder(r)
	dec.DisallowUnknownFields()
	err := dec.Decode(v)
	if err == nil {
		if _, err = dec.Token(); errors.Is(err, io.EOF) {
			return nil
		}
		return fail(http.StatusBadRequest, "The body goes on after its JSON object. Send one object.")
	}
	var (
		tooLarge *http.MaxBytesError
		wrong    *json.UnmarshalTypeError
	)
	switch {
	case errors.As(err, &tooLarge):
		return fail(http.StatusRequestEntityTooLarge, "The body is larger than %d bytes.", tooLarge.Limit)
	case errors.As(err, &wrong) && wrong.Field != "":
		return fail(http.StatusBadRequest, "%s: a JSON %s does not belong here.", wrong.Field, wrong.Value)
	}
	if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		return fail(http.StatusBadRequest, "%s", unknownName("field", strings.Trim(name, `"`), known))
	}
	fields := "Its fields are " + strings.Join(known, ", ") + "."
	switch {
	case errors.Is(err, io.EOF):
		return fail(http.StatusBadRequest, "The body is empty. Send a JSON object. %s", fields)
	case errors.As(err, &wrong):
		return fail(http.StatusBadRequest, "The body is a JSON %s. Send a JSON object. %s", wrong.Value, fields)
	}
	return fail(http.StatusBadRequest, "The body is not the JSON object that is wanted: %v. %s", err, fields)
}

package server

import (
	"context"
	"errors"
	"net/http"

	"github.com/gin-gonic/gin"

	"switchboard/engine"
)

// activeName means the set that serves, in the place of a revision.
const activeName = "active"

// revision finds a policy set by its revision, the beginning of one, or
// "active".
func (s *Server) revision(ctx context.Context, name string, now engine.PolicyStatus) (*engine.Revision, error) {
	id, err := s.resolve(ctx, name, now)
	if err != nil {
		return nil, err
	}
	r, err := s.o.History.Revision(ctx, id)
	switch {
	case r != nil || err != nil:
		return r, err
	case id != now.Revision:
		return nil, noRevision(name) // retention took it this moment
	}
	// A set that serves need not be archived: the built-in one, or any while the
	// disk fails.
	r = &engine.Revision{ID: id, At: now.Since.UnixNano(), Origin: now.Origin, Files: now.Files}
	if now.Reload.Revision == id {
		r.Tests = now.Reload.Tests
	}
	return r, nil
}

func (s *Server) resolve(ctx context.Context, name string, now engine.PolicyStatus) (string, error) {
	if name == activeName && now.Revision != "" {
		return now.Revision, nil
	}
	archived, err := s.o.History.Revisions(ctx)
	if err != nil {
		return "", err
	}
	known := []string{now.Revision}
	for _, r := range archived {
		if r.ID != now.Revision {
			known = append(known, r.ID)
		}
	}
	id, err := engine.ResolveRevision(name, known)
	var ambiguous *engine.AmbiguousError
	switch {
	case errors.As(err, &ambiguous):
		return "", fail(http.StatusConflict, "revision: %s.", ambiguous)
	case err != nil:
		return "", noRevision(name)
	}
	return id, nil
}

func noRevision(name string) error {
	return fail(http.StatusNotFound, "There is no policy set %q. GET /api/v1/policies lists what there is; "+
		"the first four or more digits of a revision name it too.", name)
}

// diffView is what tells one set from another.
type diffView struct {
	Revision string              `json:"revision"`
	Against  string              `json:"against"` // what it is compared with
	Files    []engine.FileChange `json:"files"`   // what makes the set of the other one; empty where both are the same
}

// diff answers how a set differs from the one that serves, or from another.
func (s *Server) diff(c *gin.Context) error {
	if err := onlyParameters(c, "against"); err != nil {
		return err
	}
	name, err := pathValue(c, "revision")
	if err != nil {
		return err
	}
	ctx, now := c.Request.Context(), s.o.Policies.Status()
	r, err := s.revision(ctx, name, now)
	if err != nil {
		return err
	}
	other, err := s.revision(ctx, c.DefaultQuery("against", activeName), now)
	if err != nil {
		return err
	}
	return writeJSON(c, http.StatusOK, diffView{r.ID, other.ID, engine.DiffFiles(other.Files, r.Files)})
}

// rollbackView is the report of a rollback, and what came of it.
type rollbackView struct {
	reportView
	Rollback *engine.Rollback `json:"rollback"` // in force now; null where none is
}

// rollback serves an archived set again. The answer is the report either way.
func (s *Server) rollback(c *gin.Context) error {
	if err := onlyParameters(c); err != nil {
		return err
	}
	name, err := pathValue(c, "revision")
	if err != nil {
		return err
	}
	ctx := c.Request.Context()
	id, err := s.resolve(ctx, name, s.o.Policies.Status())
	if err != nil {
		return err
	}
	report, err := s.o.Policies.Rollback(ctx, id, by(ctx))
	if errors.Is(err, engine.ErrNoRevision) {
		return noRevision(name)
	}
	if err != nil {
		return err
	}
	if !report.OK { // else the activation itself stands in the audit trail
		s.noteReport(ctx, "policies.rollback_refused", "policies/"+id, report)
	}
	return writeJSON(c, reportStatus(report), rollbackView{viewReport(report), s.o.Policies.Status().Rollback})
}

func reportStatus(report engine.Report) int {
	if report.OK {
		return http.StatusOK
	}
	return http.StatusUnprocessableEntity
}

// noteReport puts into the audit trail who asked for what, and how it went.
func (s *Server) noteReport(ctx context.Context, action, target string, r engine.Report) {
	s.audited(ctx, action, target, map[string]any{
		"ok": r.OK, "changed": r.Changed, "revision": r.Revision, "active": r.Active, "errors": len(r.Errors)})
}

package server

import (
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"switchboard/engine"
)

// policiesView is GET /policies.
type policiesView struct {
	Active    string           `json:"active"` // revision; empty where none serves
	Folder    string           `json:"folder"` // empty for the built-in set
	Origin    string           `json:"origin"`
	Since     *time.Time       `json:"since"`
	Rollback  *engine.Rollback `json:"rollback"` // in force; null where none is
	Reload    reportView       `json:"reload"`
	Revisions []revisionView   `json:"revisions"` // the archive, newest first
}

// revisionView is a policy set, without its files in a list.
type revisionView struct {
	Revision string             `json:"revision"`
	At       *string            `json:"at"` // when it went live last
	Origin   string             `json:"origin"`
	Rollback *engine.Rollback   `json:"rollback"` // where it went live last by one; null else
	Active   bool               `json:"active"`
	Tests    engine.TestSummary `json:"tests"`
	Files    map[string]string  `json:"files,omitempty"`
	Base64   []string           `json:"base64,omitempty"` // files that are no text, given in base64
}

// reportView is a report whose lists are never null.
type reportView struct {
	engine.Report
	At *time.Time `json:"at"` // null before the first attempt
}

func viewReport(r engine.Report) reportView {
	r.Errors, r.Warnings = list(r.Errors), list(r.Warnings)
	return reportView{Report: r, At: moment(r.At)}
}

func (s *Server) policies(c *gin.Context) error {
	if err := onlyParameters(c); err != nil {
		return err
	}
	archived, err := s.o.History.Revisions(c.Request.Context())
	if err != nil {
		return err
	}
	now := s.o.Policies.Status()
	v := policiesView{Active: now.Revision, Folder: now.Folder, Origin: now.Origin, Since: moment(now.Since), Rollback: now.Rollback,
		Reload: viewReport(now.Reload), Revisions: []revisionView{}}
	for _, r := range archived {
		r.Files = nil
		v.Revisions = append(v.Revisions, viewRevision(&r, now.Revision))
	}
	return writeJSON(c, http.StatusOK, v)
}

// policySet answers one set with its files: an archived one by its revision, or
// the one that serves as "active".
func (s *Server) policySet(c *gin.Context) error {
	if err := onlyParameters(c); err != nil {
		return err
	}
	now := s.o.Policies.Status()
	name, err := pathValue(c, "revision")
	if err != nil {
		return err
	}
	r, err := s.revision(c.Request.Context(), name, now)
	if err != nil {
		return err
	}
	return writeJSON(c, http.StatusOK, viewRevision(r, now.Revision))
}

func viewRevision(r *engine.Revision, active string) revisionView {
	v := revisionView{Revision: r.ID, At: rfc3339(r.At), Origin: r.Origin, Active: r.ID == active, Tests: r.Tests, Rollback: r.Rollback}
	if r.Files == nil {
		return v
	}
	v.Files = make(map[string]string, len(r.Files))
	for path, content := range r.Files {
		body, isBase64 := text(content)
		v.Files[path] = body
		if isBase64 {
			v.Base64 = append(v.Base64, path)
		}
	}
	return v
}

// reload loads the folder now, unless a rollback holds against its content. The answer is the report either way; the status
// tells whether the set was taken.
func (s *Server) reload(c *gin.Context) error {
	if err := onlyParameters(c); err != nil {
		return err
	}
	report := s.o.Policies.Reload(c.Request.Context(), "api")
	s.noteReport(c.Request.Context(), "policies.reload", "policies", report)
	return writeJSON(c, reportStatus(report), viewReport(report))
}

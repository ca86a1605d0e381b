package server

import (
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"switchboard/engine"
)

// policiesView is GET /policies.
type policiesView struct {
	Active    string         `json:"active"` // revision; empty where none serves
	Folder    string         `json:"folder"` // empty for the built-in set
	Origin    string         `json:"origin"`
	Since     *time.Time     `json:"since"`
	Reload    reportView     `json:"reload"`
	Revisions []revisionView `json:"revisions"` // the archive, newest first
}

// revisionView is a policy set, without its files in a list.
type revisionView struct {
	Revision string             `json:"revision"`
	At       *string            `json:"at"` // when it went live
	Origin   string             `json:"origin"`
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
	v := policiesView{Active: now.Revision, Folder: now.Folder, Origin: now.Origin, Since: moment(now.Since),
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
	id, err := pathValue(c, "revision")
	if err != nil {
		return err
	}
	now := s.o.Policies.Status()
	if id == "active" && now.Revision != "" {
		id = now.Revision
	}
	r, err := s.o.History.Revision(c.Request.Context(), id)
	if err != nil {
		return err
	}
	if r == nil && id == now.Revision && id != "" {
		// A set that serves need not be archived: the built-in one, or any while
		// the disk fails.
		r = &engine.Revision{ID: id, At: now.Since.UnixNano(), Origin: now.Origin, Files: now.Files}
		if now.Reload.Revision == id {
			r.Tests = now.Reload.Tests
		}
	}
	if r == nil {
		return fail(http.StatusNotFound, "There is no policy set %q. GET /api/v1/policies lists what there is.", id)
	}
	return writeJSON(c, http.StatusOK, viewRevision(r, now.Revision))
}

func viewRevision(r *engine.Revision, active string) revisionView {
	v := revisionView{Revision: r.ID, At: rfc3339(r.At), Origin: r.Origin, Active: r.ID == active, Tests: r.Tests}
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

// reload loads the folder now. The answer is the report either way; the status
// tells whether the set was taken.
func (s *Server) reload(c *gin.Context) error {
	if err := onlyParameters(c); err != nil {
		return err
	}
	report := s.o.Policies.Reload(c.Request.Context(), "api")
	status := http.StatusOK
	if !report.OK {
		status = http.StatusUnprocessableEntity
	}
	return writeJSON(c, status, viewReport(report))
}

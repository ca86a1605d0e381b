package console

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"switchboard/engine"
)

// policiesView is the page of the revisions; Chosen is the one that is looked
// at.
type policiesView struct {
	Serving   string
	Origin    string
	Folder    string
	Since     int64
	Rollback  *engine.Rollback // in force
	Report    reportView
	Revisions []revisionRow
	Chosen    *chosenView
	Replay    bool // a revision can be tried on past calls
	Changes   bool
	Done      string
}

type reportView struct {
	engine.Report
	At    int64
	Tests string
	Fresh bool // it ran
}

type revisionRow struct {
	ID     string
	At     int64
	Origin string
	Tests  string
	Active bool
	Chosen bool
}

type chosenView struct {
	ID     string
	Active bool
	Files  []fileView
	Diff   []fileDiff
}

type fileView struct {
	Path, Text string
	Lines      int
}

// fileDiff is how a file of the chosen revision differs from the one in force.
type fileDiff struct {
	Path, State    string
	Added, Removed int
	Omitted        string // why there are no lines
	Lines          []diffLine
}

type diffLine struct {
	Kind string // add, del, place, or empty
	Text string
}

func (c *Console) policiesPage(a *asked) error {
	ctx, cancel := a.reading()
	defer cancel()
	now := c.o.Policies.Status()
	v := policiesView{Serving: now.Revision, Origin: now.Origin, Folder: now.Folder, Since: ns(now.Since), Rollback: now.Rollback,
		Report: a.report(now.Reload), Replay: c.o.Replay != nil, Changes: a.visitor.Changes, Done: doneTexts[a.FormValue("done")]}
	archived, err := c.o.History.Revisions(ctx)
	if err != nil {
		return err
	}
	chosen := a.FormValue("revision")
	for _, r := range archived {
		v.Revisions = append(v.Revisions, revisionRow{ID: r.ID, At: r.At, Origin: r.Origin, Tests: testsText(r.Tests),
			Active: r.ID == now.Revision, Chosen: r.ID == chosen})
	}
	if chosen != "" {
		if v.Chosen, err = a.choose(ctx, chosen, now); err != nil {
			return err
		}
	}
	return a.render(http.StatusOK, "policies", "policies", "Policies", v)
}

func (a *asked) report(r engine.Report) reportView {
	v := reportView{Report: r, At: ns(r.At), Tests: testsText(r.Tests), Fresh: !r.At.IsZero()}
	v.Errors, v.Warnings = a.eyes.problems(r.Errors), a.eyes.problems(r.Warnings)
	return v
}

func testsText(t engine.TestSummary) string {
	if t.Passed+t.Failed+t.Skipped == 0 {
		return "no tests ran"
	}
	text := plural(t.Passed, "test") + " passed"
	if t.Failed > 0 {
		text += ", " + plural(t.Failed, "test") + " failed"
	}
	if t.Took > 0 {
		text += " in " + t.Took.Round(time.Millisecond).String()
	}
	return text
}

// choose shows a revision's files, and how they differ from those in force.
func (a *asked) choose(ctx context.Context, id string, now engine.PolicyStatus) (*chosenView, error) {
	files := now.Files
	if id != now.Revision {
		r, err := a.c.o.History.Revision(ctx, id)
		if err != nil {
			return nil, err
		}
		if r == nil {
			return nil, refuse(http.StatusNotFound, "There is no such revision in the archive. The list shows those there are.")
		}
		files = r.Files
	}
	v := &chosenView{ID: id, Active: id == now.Revision}
	for _, path := range sortedNames(files) {
		text := a.eyes.text(string(files[path]))
		v.Files = append(v.Files, fileView{Path: path, Text: text, Lines: countLines(text)})
	}
	if !v.Active {
		for _, d := range engine.DiffFiles(now.Files, files) {
			v.Diff = append(v.Diff, fileDiff{Path: d.Path, State: d.Change, Added: d.Added, Removed: d.Removed,
				Omitted: d.Omitted, Lines: diffLines(a.eyes.text(d.Diff))})
		}
	}
	return v, nil
}

// testsView are the test results of a revision.
type testsView struct {
	engine.TestReport
	Counts string
	Failed []engine.TestOutcome
	Gaps   []gapView
}

// gapView is a file with the lines that no test covers.
type gapView struct {
	engine.FileCoverage
	Lines string
}

// runTests runs a revision's tests, one such run at a time: they take a
// processor from the calls.
func (c *Console) runTests(a *asked) error {
	if !c.testing.TryLock() {
		return refuse(http.StatusConflict, "Tests are running already. Wait until they are done.")
	}
	defer c.testing.Unlock()
	ctx, cancel := context.WithTimeout(a.Context(), testPatience)
	defer cancel()
	now := c.o.Policies.Status()
	files := now.Files
	if id := a.FormValue("revision"); id != now.Revision {
		r, err := c.o.History.Revision(ctx, id)
		if err != nil {
			return err
		}
		if r == nil {
			return refuse(http.StatusNotFound, "There is no such revision in the archive. The list shows those there are.")
		}
		files = r.Files
	}
	v := testsView{TestReport: c.o.Policies.RunTests(ctx, files)}
	v.Errors, v.Counts = a.eyes.problems(v.Errors), testsText(v.Summary)
	for _, t := range v.Tests {
		if t.Outcome == engine.TestFailed || t.Outcome == engine.TestError {
			t.Detail = a.eyes.text(t.Detail)
			v.Failed = append(v.Failed, t)
		}
	}
	for _, f := range v.Files {
		v.Gaps = append(v.Gaps, gapView{f, linesText(f.Gaps)})
	}
	return a.part(http.StatusOK, "tests", v)
}

const testPatience = 90 * time.Second

func linesText(gaps []engine.LineRange) string {
	var out []string
	for _, g := range gaps {
		if g.First == g.Last {
			out = append(out, strconv.Itoa(g.First))
		} else {
			out = append(out, strconv.Itoa(g.First)+"–"+strconv.Itoa(g.Last))
		}
	}
	return strings.Join(out, ", ")
}

func (c *Console) reload(a *asked) error {
	if report := c.o.Desk.Reload(a.Context(), a.visitor); !report.OK {
		a.redirect("/policies") // which shows the report
		return nil
	}
	return a.did("reloaded", "/policies", nil)
}

func (c *Console) rollback(a *asked) error {
	report, err := c.o.Desk.Rollback(a.Context(), a.visitor, a.PostFormValue("revision"))
	if err == nil && !report.OK {
		v := a.report(report)
		return a.render(http.StatusOK, "rollback", "policies", "Rollback", v)
	}
	return a.did("rolledback", "/policies", err)
}

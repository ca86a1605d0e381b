package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"switchboard/engine"
)

type policiesDiffCmd struct {
	sourceFlags
	place
	Revision string `arg:"" help:"The set: its revision, the first four or more digits of it, or active."`
	Against  string `default:"active" env:"-" placeholder:"REVISION" help:"What to compare it with. Default: the set that serves."`
	JSON     bool   `name:"json" env:"-" help:"Print the API's answer."`
}

// Run prints what would change if the set served in place of the other one.
func (c *policiesDiffCmd) Run(ctx context.Context, io stdio) error {
	text, err := c.fetch(ctx, c.place, "/api/v1/policies/"+url.PathEscape(c.Revision)+"/diff", url.Values{"against": {c.Against}})
	if err != nil || c.JSON {
		return errors.Join(err, printText(io, text))
	}
	var d struct {
		Revision, Against string
		Files             []engine.FileChange
	}
	if err := json.Unmarshal(text, &d); err != nil {
		return err
	}
	for _, f := range d.Files {
		if f.Diff != "" {
			fmt.Fprint(io.out, f.Diff)
		} else {
			fmt.Fprintf(io.out, "%s %s: %s\n", f.Change, f.Path, f.Omitted)
		}
	}
	fmt.Fprintf(io.err, "%d files differ between %s (-) and %s (+)\n", len(d.Files), d.Against, d.Revision)
	return nil
}

type policiesRollbackCmd struct {
	serverFlags
	Revision string `arg:"" help:"The set: its revision, or the first four or more digits of it."`
	JSON     bool   `name:"json" env:"-" help:"Print the report."`
}

// Run has the server serve an archived set. What does not load (any more) is
// refused with the report, and the exit code of check.
func (c *policiesRollbackCmd) Run(ctx context.Context, io stdio) error {
	text, _, err := c.ask(ctx, http.MethodPost, "/api/v1/policies/"+url.PathEscape(c.Revision)+"/rollback", nil, nil)
	var refused *statusError
	if errors.As(err, &refused) && refused.status == http.StatusUnprocessableEntity {
		text, err = refused.text, nil
	}
	if err != nil {
		return err
	}
	var report struct {
		engine.Report
		Rollback *engine.Rollback `json:"rollback"`
	}
	if err := json.Unmarshal(text, &report); err != nil {
		return err
	}
	switch {
	case c.JSON:
		err = printText(io, text)
	case report.OK:
		tellRollback(io, report.Report, report.Rollback != nil)
	default:
		for _, p := range report.Errors {
			printProblem(io.err, "error", p)
		}
		fmt.Fprintf(io.err, "refused: %s does not load, and %s keeps serving\n", report.Revision, report.Active)
	}
	return errors.Join(err, verdict(report.Report))
}

// tellRollback says what serves now, and for how long.
func tellRollback(io stdio, report engine.Report, holds bool) {
	for _, p := range report.Warnings {
		printProblem(io.err, "warning", p)
	}
	changed, until := "serves now", "it is what the folder holds, so no rollback is in force"
	if !report.Changed {
		changed = "served already"
	}
	if holds {
		until = "it holds until the folder's content changes"
	}
	fmt.Fprintf(io.out, "revision %s %s; %s\n", report.Active, changed, until)
}

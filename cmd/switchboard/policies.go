package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"switchboard/engine"
)

type policiesCmd struct {
	List     policiesListCmd     `cmd:"" help:"List the set that serves and the archived ones, newest first."`
	Show     policiesShowCmd     `cmd:"" help:"Show a set: its files, one of them, or write all of them to a folder."`
	Diff     policiesDiffCmd     `cmd:"" help:"Show how a set differs from the one that serves, or from another."`
	Rollback policiesRollbackCmd `cmd:"" help:"Serve an archived set again, until the folder's content changes."`
	Init     policiesInitCmd     `cmd:"" help:"Write the starter policy set out for editing."`
}

// listedRevision is a policy set as the API writes it.
type listedRevision struct {
	Revision string             `json:"revision"`
	At       *time.Time         `json:"at"`
	Origin   string             `json:"origin"`
	Active   bool               `json:"active"`
	Tests    engine.TestSummary `json:"tests"`
	Rollback *engine.Rollback   `json:"rollback"`
	Files    map[string]string  `json:"files"`
	Base64   []string           `json:"base64"`
}

type policiesListCmd struct {
	sourceFlags
	place
	JSON bool `name:"json" env:"-" help:"Print the API's answer."`
}

// Run prints a table, or the API's JSON.
func (c *policiesListCmd) Run(ctx context.Context, io stdio) (err error) {
	text, err := c.fetch(ctx, c.place, "/api/v1/policies", nil)
	if err != nil || c.JSON {
		return errors.Join(err, printText(io, text))
	}
	zone, err := c.zone()
	if err != nil {
		return err
	}
	var list struct {
		Active, Origin string
		Since          *time.Time
		Rollback       *engine.Rollback
		Revisions      []listedRevision
	}
	if err := json.Unmarshal(text, &list); err != nil {
		return err
	}
	known := slices.ContainsFunc(list.Revisions, func(r listedRevision) bool { return r.Active })
	if list.Active != "" && !known { // the built-in set, or a disk that fails
		list.Revisions = slices.Insert(list.Revisions, 0, listedRevision{Revision: list.Active, At: list.Since, Origin: list.Origin, Active: true})
	}
	w := tabwriter.NewWriter(io.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "REVISION\tLIVE AT\tFROM\tTESTS\t")
	for _, r := range list.Revisions {
		fmt.Fprintf(w, "%s\t%s\t%s\t%d passed\t%s\n", r.Revision, moment(r.At, zone), r.Origin, r.Tests.Passed, remark(r, list.Rollback))
	}
	return w.Flush()
}

// remark tells what is special about a set in a list.
func remark(r listedRevision, now *engine.Rollback) string {
	switch {
	case r.Active && now != nil:
		return fmt.Sprintf("serves, by a rollback (%s); holds until the folder's content changes", now.By)
	case r.Active:
		return "serves"
	case r.Rollback != nil:
		return fmt.Sprintf("was rolled back to (%s)", r.Rollback.By)
	}
	return ""
}

func moment(at *time.Time, zone *time.Location) string {
	if at == nil {
		return "-"
	}
	return at.In(zone).Format(time.DateTime)
}

// fetch asks the server, or the database file, for JSON.
func (f sourceFlags) fetch(ctx context.Context, p place, path string, query url.Values) (text json.RawMessage, err error) {
	a, err := f.open(ctx, p)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, a.close()) }()
	err = a.call(ctx, http.MethodGet, path, query, nil, &text)
	return text, err
}

type policiesShowCmd struct {
	sourceFlags
	place
	Revision string `arg:"" help:"The set: its revision, the first four or more digits of it, or active."`
	File     string `arg:"" optional:"" help:"Print this file of it alone."`
	Write    string `env:"-" placeholder:"DIR" help:"Write all files to this folder; it must be empty or not exist."`
	JSON     bool   `name:"json" env:"-" help:"Print the API's answer."`
}

// Run prints what the set is made of.
func (c *policiesShowCmd) Run(ctx context.Context, io stdio) error {
	text, err := c.fetch(ctx, c.place, "/api/v1/policies/"+url.PathEscape(c.Revision), nil)
	if err != nil || c.JSON {
		return errors.Join(err, printText(io, text))
	}
	var r listedRevision
	if err := json.Unmarshal(text, &r); err != nil {
		return err
	}
	files, err := r.contents()
	switch {
	case err != nil:
		return err
	case c.File != "":
		content, ok := files[c.File]
		if !ok {
			return fmt.Errorf("revision %s has no file %s; it has %s", r.Revision, c.File, strings.Join(slices.Sorted(maps.Keys(files)), ", "))
		}
		_, err := io.out.Write(content)
		return err
	case c.Write != "":
		if err := writeFolder(c.Write, files); err != nil {
			return err
		}
		fmt.Fprintf(io.out, "%d files of revision %s written to %s\n", len(files), r.Revision, c.Write)
		return nil
	}
	zone, err := c.zone()
	if err != nil {
		return err
	}
	fmt.Fprintf(io.out, "revision %s, live at %s, from %s, %d tests passed\n", r.Revision, moment(r.At, zone), r.Origin, r.Tests.Passed)
	for _, path := range slices.Sorted(maps.Keys(files)) {
		fmt.Fprintf(io.out, "%8d  %s\n", len(files[path]), path)
	}
	return nil
}

// contents are the set's files as bytes.
func (r listedRevision) contents() (map[string][]byte, error) {
	out := make(map[string][]byte, len(r.Files))
	for path, text := range r.Files {
		out[path] = []byte(text)
		if !slices.Contains(r.Base64, path) {
			continue
		}
		content, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		out[path] = content
	}
	return out, nil
}

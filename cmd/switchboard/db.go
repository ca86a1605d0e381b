package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"switchboard/engine/history"
)

type dbCmd struct {
	Verify  dbVerifyCmd  `cmd:"" help:"Check a database file that no server is using; changes nothing."`
	Backup  dbBackupCmd  `cmd:"" help:"Copy a database consistently, from a running server or a file."`
	Restore dbRestoreCmd `cmd:"" help:"Put a backup in the place of a database that no server is using."`
	Compact dbCompactCmd `cmd:"" help:"Write a database that no server is using anew, without the room of what was deleted."`
	Rebuild dbRebuildCmd `cmd:"" help:"Throw a database's index away and make it anew from the log."`

	ConfirmClock dbConfirmClockCmd `cmd:"" help:"Tell a running server that its clock is right, so that it deletes by age again (see status)."`
}

type dbVerifyCmd struct {
	File string `arg:"" optional:"" placeholder:"FILE" help:"The database file. Default: that of --db."`
	DB   string `name:"db" default:"switchboard.db" placeholder:"FILE" help:"The same."`
	JSON bool   `name:"json" env:"-" help:"Print the report as JSON."`
}

// Run prints what the file holds and what is wrong with it.
func (c *dbVerifyCmd) Run(ctx context.Context, io stdio) error {
	file := cmp.Or(c.File, c.DB)
	p := showProgress(io, "verify", "records")
	report, err := history.VerifyShowing(ctx, file, p.at)
	p.stop()
	if err != nil {
		return err
	}
	if c.JSON {
		err = printJSON(io, report)
	} else {
		err = printVerified(io, report)
	}
	if err != nil {
		return err
	}
	if !report.OK() {
		return &exitError{exitBroken, file + " is damaged; keep it, restore a backup, and see what is listed above"}
	}
	return nil
}

// indexStates say how an index stands to its log.
var indexStates = map[string]string{
	history.IndexEqual:      "equal to what the records give",
	history.IndexAbsent:     "absent; the next start makes it",
	history.IndexUnfinished: "unfinished; the next start makes it anew",
	history.IndexForeign:    "of another database or version; the next start makes it anew",
	history.IndexDifferent:  "different from what the records give; switchboard db rebuild makes it anew",
}

func printVerified(io stdio, r history.VerifyReport) error {
	state := "good"
	if !r.OK() {
		state = "damaged"
	}
	var kinds []string
	for _, kind := range slices.Sorted(maps.Keys(r.Kinds)) {
		kinds = append(kinds, fmt.Sprintf("%d %s", r.Kinds[kind], kind))
	}
	w := tabwriter.NewWriter(io.out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "%s: %s\n", r.Path, state)
	fmt.Fprintf(w, "  size\t%d bytes\n", r.Bytes)
	fmt.Fprintf(w, "  records\t%d\t%s\n", r.Records, strings.Join(kinds, ", "))
	fmt.Fprintf(w, "  policy sets\t%d\n  quarantined\t%d\n", r.Revisions, r.Quarantined)
	fmt.Fprintf(w, "  index\t%s\n", indexStates[r.Index])
	for _, p := range r.Problems {
		fmt.Fprintf(w, "  problem: %s\n", p)
	}
	return w.Flush()
}

type dbBackupCmd struct {
	sourceFlags
	place
	To   string `arg:"" help:"The file to write; it must not exist."`
	JSON bool   `name:"json" env:"-" help:"Print the file and its size as JSON."`
}

// Run copies from the running server, or with --db from a file.
func (c *dbBackupCmd) Run(ctx context.Context, io stdio) error {
	if _, err := os.Lstat(c.To); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s exists; name a new file, so that no backup is overwritten", c.To)
	}
	if c.DB != "" {
		if err := history.BackupFile(ctx, c.DB, c.To); err != nil {
			return err
		}
	} else if err := c.fetch(ctx, io); err != nil {
		return err
	}
	info, err := os.Stat(c.To)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(io, map[string]any{"backup": c.To, "bytes": info.Size()})
	}
	_, err = fmt.Fprintf(io.out, "%s: %d bytes (switchboard db verify %s checks it)\n", c.To, info.Size(), c.To)
	return err
}

// fetch downloads a backup.
func (c *dbBackupCmd) fetch(ctx context.Context, std stdio) error {
	a, err := c.open(ctx, c.place)
	if err != nil {
		return err
	}
	return writeNew(std, "backup", c.To, func(w io.Writer) error { return a.download(ctx, "/api/v1/backup", nil, w) })
}

// writeNew writes a file that gets its name once it is whole and on disk.
func writeNew(std stdio, what, path string, write func(io.Writer) error) (err error) {
	p := showProgress(std, what, "bytes")
	defer p.stop()
	part := path + ".part"
	f, err := os.OpenFile(part, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(part))
		}
	}()
	if err = errors.Join(write(counting{f, p}), f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(part, path)
}

// download copies the body of a GET to w. It has no time limit but ctx's: a
// large database takes long.
func (a *api) download(ctx context.Context, path string, query url.Values, w io.Writer) error {
	resp, err := a.send(ctx, http.MethodGet, path, query, nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	n, err := io.Copy(w, resp.Body)
	if err == nil && resp.ContentLength >= 0 && n != resp.ContentLength {
		err = io.ErrUnexpectedEOF
	}
	return err
}

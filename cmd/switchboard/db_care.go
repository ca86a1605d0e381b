package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"switchboard/engine/history"
)

// dbFile names the database that a command is about.
type dbFile struct {
	DB   string `name:"db" default:"switchboard.db" placeholder:"FILE" help:"The database file; no server may be using it."`
	JSON bool   `name:"json" env:"-" help:"Print the report as JSON."`
}

type dbRestoreCmd struct {
	dbFile
	Copy string `arg:"" help:"The backup; it is checked first, and stays where it is."`
}

// Run puts the copy in place.
func (c *dbRestoreCmd) Run(ctx context.Context, std stdio) error {
	p := showProgress(std, "check", "records")
	aside, err := history.Restore(ctx, c.Copy, c.DB, time.Now(), p.at)
	p.stop()
	if damaged := (*history.DamagedError)(nil); errors.As(err, &damaged) {
		return &exitError{exitBroken, fmt.Sprintf("%v (switchboard db verify %s lists all)", err, c.Copy)}
	}
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(std, map[string]any{"restored": c.DB, "from": c.Copy, "bytes": bytesOf(c.DB), "aside": aside})
	}
	fmt.Fprintf(std.out, "%s: restored from %s, %d bytes; the index follows when the server starts\n", c.DB, c.Copy, bytesOf(c.DB))
	if aside != "" {
		fmt.Fprintf(std.out, "what was there before lies at %s; delete it when you are sure\n", aside)
	}
	return nil
}

type dbCompactCmd struct {
	dbFile
	File string `arg:"" optional:"" placeholder:"FILE" help:"The same as --db."`
}

// compacted is the report of a compaction: sizes with the index's.
type compacted struct {
	File   string `json:"file"`
	Before int64  `json:"bytes_before"`
	After  int64  `json:"bytes_after"`
}

// Run compacts the database and its index.
func (c *dbCompactCmd) Run(ctx context.Context, std stdio) error {
	file := cmp.Or(c.File, c.DB)
	r := compacted{File: file, Before: bytesOf(file) + bytesOf(history.IndexPath(file))}
	p := showProgress(std, "compact", "bytes")
	err := history.Compact(ctx, file, p.at)
	p.stop()
	if err != nil {
		return err
	}
	r.After = bytesOf(file) + bytesOf(history.IndexPath(file))
	if c.JSON {
		return printJSON(std, r)
	}
	_, err = fmt.Fprintf(std.out, "%s: %d bytes before, %d after, the index included\n", file, r.Before, r.After)
	return err
}

// bytesOf is a file's size, zero where there is none.
func bytesOf(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}

type dbRebuildCmd struct {
	dbFile
	place
	CallTTL time.Duration `name:"call-ttl" default:"30m" help:"As the server has it: an index made otherwise is made anew when it starts."`
	Check   bool          `env:"-" help:"Compare the index with the log first, and what was made afterwards, bucket by bucket."`
	File    string        `arg:"" optional:"" placeholder:"FILE" help:"The same as --db."`
}

// rebuiltReport tells what the index was and is.
type rebuiltReport struct {
	File     string   `json:"file"`
	Before   string   `json:"index_before,omitempty"` // as history.VerifyReport has it
	After    string   `json:"index_after,omitempty"`
	Problems []string `json:"problems"`
}

// Run makes the index anew.
func (c *dbRebuildCmd) Run(ctx context.Context, std stdio) error {
	zone, err := c.zone()
	if err != nil {
		return err
	}
	r := rebuiltReport{File: cmp.Or(c.File, c.DB), Problems: []string{}}
	if err := history.Readable(r.File); err != nil { // a damaged log is not to be set aside here
		return err
	}
	if c.Check {
		before, err := c.verify(ctx, std, r.File)
		if err != nil {
			return err
		}
		r.Before = before.Index
		r.Problems = append(r.Problems, before.Problems...)
	}
	p := showProgress(std, "rebuild", "records")
	err = history.Rebuild(ctx, history.Options{Path: r.File, CallTTL: c.CallTTL, Zone: zone}, p.at)
	p.stop()
	if err != nil {
		return err
	}
	good := true
	if c.Check {
		after, err := c.verify(ctx, std, r.File)
		if err != nil {
			return err
		}
		r.After, good = after.Index, after.OK() && after.Index == history.IndexEqual
		if !good {
			r.Problems = append(r.Problems, after.Problems...)
		}
	}
	if err := r.print(std, c.JSON); err != nil {
		return err
	}
	if !good {
		return &exitError{exitBroken, r.File + ": the index that was made is not what the log gives; keep the file, and report this"}
	}
	return nil
}

func (c *dbRebuildCmd) verify(ctx context.Context, std stdio, file string) (history.VerifyReport, error) {
	p := showProgress(std, "compare", "records")
	defer p.stop()
	return history.VerifyShowing(ctx, file, p.at)
}

func (r rebuiltReport) print(std stdio, asJSON bool) error {
	if asJSON {
		return printJSON(std, r)
	}
	fmt.Fprintf(std.out, "%s: the index was made anew\n", r.File)
	if r.Before != "" {
		fmt.Fprintf(std.out, "  before\t%s\n  now\t%s\n", indexStates[r.Before], indexStates[r.After])
	}
	for _, p := range r.Problems {
		fmt.Fprintf(std.out, "  problem: %s\n", p)
	}
	return nil
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
)

type callsExportCmd struct {
	sourceFlags
	place
	callFilters
	Format string `enum:"csv,ndjson,opa-decision-log" default:"csv" help:"csv for spreadsheets, ndjson for programs, opa-decision-log for what reads OPA's decision logs (${enum})."`
	Mask   bool   `help:"With opa-decision-log: numbers cut to their last digits."`
	Output string `short:"o" placeholder:"FILE" help:"Write this file, which must not exist, instead of the standard output."`
}

// Run streams calls; a file gets its name once it is whole.
func (c *callsExportCmd) Run(ctx context.Context, std stdio) (err error) {
	if c.Output != "" {
		if _, err := os.Lstat(c.Output); !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%s exists; name a new file", c.Output)
		}
	}
	a, err := c.open(ctx, c.place)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.close()) }()
	path, query := "/api/v1/calls."+c.Format, c.query()
	if c.Format == "opa-decision-log" {
		path = "/api/v1/decisions.ndjson"
		query.Set("mask", strconv.FormatBool(c.Mask))
	} else if c.Mask {
		return errors.New("--mask goes with --format opa-decision-log; the other formats carry numbers in full")
	}
	fetch := func(w io.Writer) error { return a.download(ctx, path, query, w) }
	if c.Output == "" {
		return fetch(std.out)
	}
	return writeNew(std, "export", c.Output, fetch)
}

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"switchboard/server/alohaa"
	"switchboard/server/backfill"
)

// The most that one request carries.
const (
	importRows  = 500
	importBytes = 4 << 20
)

type callsImportCmd struct {
	serverFlags
	place
	DB       string `name:"db" env:"-" placeholder:"FILE" help:"Import into this database file instead; no server may be using it."`
	Format   string `enum:"auto,csv,ndjson" default:"auto" env:"-" help:"csv or ndjson; auto goes by the file's name (${enum})."`
	Rejected string `env:"-" placeholder:"FILE" help:"Write lines that can't be read here, to be mended and imported again."`
	Relay    bool   `env:"-" help:"Let the relay pass the reports on to its targets; without it they are only counted."`
	JSON     bool   `name:"json" env:"-" help:"Print the report as JSON."`
	File     string `arg:"" help:"The provider's reports, in its own field names; - is the standard input."`
}

// taking takes a batch of reports.
type taking func(ctx context.Context, reports [][]byte) (backfill.Result, error)

// Run imports a file, and fails where some lines can't be read.
func (c *callsImportCmd) Run(ctx context.Context, std stdio) (err error) {
	in, size, err := c.source(std)
	if err != nil {
		return err
	}
	defer in.Close()
	p := showProgress(std, "import", "bytes")
	defer p.stop()
	rows, err := c.rows(io.TeeReader(in, counting{io.Discard, p}))
	if err != nil {
		return err
	}
	p.total.Store(size)
	take, end, err := c.taking(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, end()) }()
	back, err := c.back(std, rows.Head())
	if err != nil {
		return err
	}
	total, err := importAll(ctx, rows, take, back.reject)
	p.stop()
	if err := errors.Join(err, back.close()); err != nil {
		return fmt.Errorf("%w (%d reports were taken; import the file again, what was taken counts once)", err, total.Stored+total.Updated+total.Duplicate)
	}
	return c.report(std, total)
}

func (c *callsImportCmd) report(std stdio, total backfill.Result) error {
	if c.JSON {
		if err := printJSON(std, total); err != nil {
			return err
		}
	} else {
		fmt.Fprintf(std.out, "%s: %d stored, %d updated, %d duplicate, %d rejected\n", c.File, total.Stored, total.Updated, total.Duplicate, len(total.Rejected))
	}
	if n := len(total.Rejected); n > 0 {
		return &exitError{exitUsage, fmt.Sprintf("%d lines of %s could not be read; mend them and import them again", n, c.File)}
	}
	return nil
}

func (c *callsImportCmd) source(std stdio) (io.ReadCloser, int64, error) {
	if c.File == "-" {
		return io.NopCloser(std.in), 0, nil
	}
	f, err := os.Open(c.File)
	if err != nil {
		return nil, 0, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, 0, errors.Join(err, f.Close())
	}
	return f, info.Size(), nil
}

func (c *callsImportCmd) rows(in io.Reader) (backfill.Rows, error) {
	format := c.Format
	if format == "auto" {
		switch strings.ToLower(filepath.Ext(c.File)) {
		case ".csv":
			format = "csv"
		case ".ndjson", ".jsonl", ".json":
			format = "ndjson"
		default:
			return nil, fmt.Errorf("%s does not tell its format by its name; say --format csv or --format ndjson", c.File)
		}
	}
	if format == "ndjson" {
		return backfill.JSON(in), nil
	}
	rows, err := backfill.CSV(in)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.File, err)
	}
	return rows, nil
}

// taking is the way to the server, or into a file.
func (c *callsImportCmd) taking(ctx context.Context) (taking, func() error, error) {
	if c.DB == "" {
		a, err := c.connect()
		if err != nil {
			return nil, nil, err
		}
		return func(ctx context.Context, reports [][]byte) (backfill.Result, error) {
			return a.importing(ctx, reports, c.Relay)
		}, a.close, nil
	}
	numbers, err := c.numbers()
	if err != nil {
		return nil, nil, err
	}
	store, err := c.openStore(ctx, c.DB)
	if err != nil {
		return nil, nil, err
	}
	return backfill.Taker{Parser: alohaa.Parser{Numbers: numbers}, Complete: store.Complete, Now: time.Now, Relay: c.Relay}.Batch, store.Close, nil
}

// importing sends a batch to the server. A server that can't take it now is asked
// again, for a minute.
func (a *api) importing(ctx context.Context, reports [][]byte, relay bool) (out backfill.Result, err error) {
	path := "/api/v1/import"
	if relay {
		path += "?relay=true"
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for pause := time.Second; ; pause *= 2 {
		var resp *http.Response
		resp, err = a.post(ctx, path, "application/x-ndjson", bytes.NewReader(bytes.Join(reports, []byte("\n"))))
		if err == nil {
			defer resp.Body.Close()
			return out, json.NewDecoder(resp.Body).Decode(&out)
		}
		if busy := (*statusError)(nil); !errors.As(err, &busy) || busy.status != http.StatusServiceUnavailable {
			return out, err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return out, err
		}
	}
}

// importAll takes all rows, batch by batch, and tells of those that are rejected,
// in the order of the file.
func importAll(ctx context.Context, rows backfill.Rows, take taking, reject func(backfill.Row, string) error) (backfill.Result, error) {
	total := backfill.Result{Rejected: []backfill.Rejected{}}
	var batch []backfill.Row
	size := 0
	for {
		row, err := rows.Next()
		ended := errors.Is(err, io.EOF)
		if err != nil && !ended {
			return total, err
		}
		if !ended {
			batch = append(batch, row)
			size += len(row.Raw)
		}
		if ended || len(batch) == importRows || size >= importBytes {
			if err := importBatch(ctx, batch, take, reject, &total); err != nil || ended {
				return total, err
			}
			batch, size = batch[:0], 0
		}
	}
}

func importBatch(ctx context.Context, batch []backfill.Row, take taking, reject func(backfill.Row, string) error, total *backfill.Result) error {
	var reports [][]byte
	var places []int // in batch, of the reports
	why := make([]string, len(batch))
	for i, row := range batch {
		if row.Err != nil {
			why[i] = row.Err.Error()
			continue
		}
		reports, places = append(reports, row.Report), append(places, i)
	}
	if len(reports) > 0 {
		got, err := take(ctx, reports)
		if err != nil {
			return err
		}
		for _, r := range got.Rejected {
			why[places[r.Line-1]] = r.Why
		}
		got.Rejected = nil
		total.Add(got, nil)
	}
	for i, w := range why {
		if w == "" {
			continue
		}
		total.Rejected = append(total.Rejected, backfill.Rejected{Line: batch[i].Line, Why: w})
		if err := reject(batch[i], w); err != nil {
			return err
		}
	}
	return nil
}

// rejects is where lines go that can't be read.
type rejects struct {
	said io.Writer
	raw  io.Writer // nil where the source still has them
	head []byte
	file *os.File
}

// back prepares for rejected lines: they are told with their number, and kept in
// a file, or where the source is no file told in full.
func (c *callsImportCmd) back(std stdio, head []byte) (*rejects, error) {
	r := &rejects{said: std.err, head: head}
	switch {
	case c.Rejected != "":
		f, err := os.OpenFile(c.Rejected, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if err != nil {
			return nil, err
		}
		r.raw, r.file = f, f
	case c.File == "-":
		r.raw = std.err
	}
	return r, nil
}

func (r *rejects) reject(row backfill.Row, why string) error {
	fmt.Fprintf(r.said, "line %d: %s\n", row.Line, why)
	if r.raw == nil {
		return nil
	}
	if r.head != nil {
		if _, err := fmt.Fprintf(r.raw, "%s\n", r.head); err != nil {
			return err
		}
		r.head = nil
	}
	_, err := fmt.Fprintf(r.raw, "%s\n", row.Raw)
	return err
}

// close leaves no file where nothing was rejected.
func (r *rejects) close() error {
	if r.file == nil {
		return nil
	}
	info, err := r.file.Stat()
	err = errors.Join(err, r.file.Sync(), r.file.Close())
	if err == nil && info.Size() == 0 {
		err = os.Remove(r.file.Name())
	}
	return err
}

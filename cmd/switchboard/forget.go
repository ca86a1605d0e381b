package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"switchboard/engine"
	"switchboard/engine/history"
)

type callsForgetCmd struct {
	serverFlags
	place
	DB     string `name:"db" env:"-" placeholder:"FILE" help:"Erase from this database file instead; no server may be using it."`
	JSON   bool   `name:"json" env:"-" help:"Print the report as JSON."`
	Number string `arg:"" help:"The person's number, in any spelling."`
}

// forgotten is the API's report.
type forgotten struct {
	engine.Erasure
	Policies []string `json:"policies"`
	Next     []string `json:"next"`
}

// Run erases by the running server, or in a file that no server uses.
func (c *callsForgetCmd) Run(ctx context.Context, std stdio) error {
	var got forgotten
	var err error
	if c.DB != "" {
		err = c.offline(ctx, &got)
	} else {
		err = c.online(ctx, &got)
	}
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(std, got)
	}
	return printForgotten(std.out, got)
}

// online asks the server. A long history takes long, so there is no time limit.
func (c *callsForgetCmd) online(ctx context.Context, got *forgotten) error {
	a, err := c.connect()
	if err != nil {
		return err
	}
	resp, err := a.send(ctx, http.MethodPost, "/api/v1/forget", nil, map[string]string{"number": c.Number})
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	return json.NewDecoder(resp.Body).Decode(got)
}

func (c *callsForgetCmd) offline(ctx context.Context, got *forgotten) (err error) {
	numbers, err := c.numbers()
	if err != nil {
		return err
	}
	store, err := c.openStore(ctx, c.DB)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	n, did := numbers.Person(c.Number), numbers.DID(c.Number)
	if p, err := store.Profile(ctx, engine.DIDs, did.Canonical); err != nil || p != nil {
		return cmp.Or(err, fmt.Errorf("%s is one of your own DIDs, not a person; give the person's number", engine.Mask(c.Number)))
	}
	e, err := store.Forget(ctx, n, "the command line")
	if err != nil {
		return err
	}
	got.Erasure, got.Policies, got.Next = *e, []string{}, []string{}
	if !e.Empty() {
		got.Next = append(got.Next, fmt.Sprintf("Freed parts of the file hold the number until it is written anew: run \"switchboard db compact %s\".", c.DB),
			"The policies folder was not looked at, nor copies that were made before.")
	}
	return nil
}

// openStore opens a database that no server uses, to change it.
func (p place) openStore(ctx context.Context, path string) (*history.Store, error) {
	zone, err := p.zone()
	if err != nil {
		return nil, err
	}
	if err := history.Readable(path); err != nil { // Open would set a damaged one aside
		return nil, err
	}
	store, err := history.Open(history.Options{Path: path, CallTTL: 30 * time.Minute, Zone: zone})
	if err != nil {
		return nil, err
	}
	if why := store.Status().Error; why != "" { // a server would go on from memory
		return nil, errors.Join(errors.New(why), store.Close())
	}
	if err := rebuilt(ctx, store); err != nil {
		return nil, errors.Join(err, store.Close())
	}
	return store, nil
}

func printForgotten(w io.Writer, got forgotten) error {
	var b strings.Builder
	if got.Empty() {
		b.WriteString("nothing was kept of this number\n")
	} else {
		fmt.Fprintf(&b, "erased: %d calls, %d records, %d sessions, %d facts, %d payloads in quarantine, %d archived policy sets\n",
			got.Calls, got.Records, got.Sessions, got.Facts, got.Quarantined, len(got.Revisions))
	}
	for _, place := range got.Policies {
		fmt.Fprintf(&b, "  still in %s\n", place)
	}
	for _, next := range got.Next {
		fmt.Fprintf(&b, "%s\n", next)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

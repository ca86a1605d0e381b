package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"switchboard/engine"
)

type callsShowCmd struct {
	sourceFlags
	place
	CallID  string `arg:"" name:"call-id" help:"The provider's call_id."`
	Explain bool   `help:"Repeat the decision, with the policies and the history of then, and say how it came about."`
	DID     string `name:"did" env:"-" placeholder:"N" help:"With --explain: the decision on this DID, where the call_id came with several."`
	Trace   bool   `env:"-" help:"With --explain: every rule that was tried, too."`
	JSON    bool   `name:"json" env:"-" help:"With --explain: print the API's answer. Without it the record is JSON anyway."`
}

// Run prints the call's whole record as JSON, or its explanation.
func (c *callsShowCmd) Run(ctx context.Context, io stdio) (err error) {
	if !c.Explain && (c.DID != "" || c.Trace) {
		return errors.New("--did and --trace go with --explain")
	}
	a, err := c.open(ctx, c.place)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.close()) }()
	path, query := "/api/v1/calls/"+url.PathEscape(c.CallID), url.Values{}
	if c.Explain {
		path += "/explain"
	}
	if c.DID != "" {
		query.Set("did", c.DID)
	}
	var text json.RawMessage
	if err := a.call(ctx, http.MethodGet, path, query, nil, &text); err != nil {
		return err
	}
	if !c.Explain || c.JSON {
		return printJSON(io, text)
	}
	var e engine.Explanation
	if err := json.Unmarshal(text, &e); err != nil {
		return err
	}
	return c.print(io, &e)
}

func (c *callsShowCmd) print(io stdio, e *engine.Explanation) error {
	zone, err := c.zone()
	if err != nil {
		return err
	}
	when := e.At
	if at, err := time.Parse(time.RFC3339Nano, e.At); err == nil {
		when = at.In(zone).Format(time.DateTime)
	}
	fmt.Fprintf(io.out, "call %s to %s at %s, policies %s\n", e.CallID, e.DID, when, dash(e.Revision))
	printDecision(io.out, e.Decision)
	switch {
	case e.Same:
		fmt.Fprintln(io.out, "repeated: the same policies say the same once more")
	case e.Repeated != nil:
		fmt.Fprint(io.out, "repeated: ")
		printDecision(io.out, *e.Repeated)
	}
	if e.Why != "" {
		fmt.Fprintln(io.out, e.Why)
	}
	for _, s := range e.Steps {
		fmt.Fprintln(io.out, s.Text)
	}
	if c.Trace {
		for _, line := range e.Trace {
			fmt.Fprintln(io.out, line)
		}
	}
	fmt.Fprintln(io.out, e.History)
	return nil
}

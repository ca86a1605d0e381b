package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"

	"github.com/alecthomas/kong"

	"switchboard/engine"
)

type routeCmd struct {
	Caller   string `required:"" placeholder:"N" help:"The caller's number, in any spelling."`
	DID      string `name:"did" required:"" placeholder:"N" help:"The DID that is called."`
	CallID   string `placeholder:"ID" help:"Decides input.bucket; default none."`
	At       string `placeholder:"TIME" help:"When the call comes (RFC 3339, a date, or Unix seconds). Default: now."`
	Policies string `placeholder:"DIR" help:"Policies folder. Default: ./policies, else the built-in set."`
	History  string `placeholder:"FILE" help:"A JSON document for data.history."`
	DB       string `name:"db" env:"-" placeholder:"FILE" help:"Take the history from this database; no server may be using it."`
	Server   string `env:"-" placeholder:"URL" help:"Ask a running server (its private listener), with its policies and its history."`
	Token    string `env:"SWITCHBOARD_PRIVATE_TOKEN" placeholder:"TOKEN" help:"The server's bearer token."`
	Explain  bool   `help:"Print the steps that did not answer and why, and the one that did."`
	Trace    bool   `env:"-" help:"Print every rule that was tried, too."`
	Want     string `placeholder:"N" help:"Exit 5 unless the call goes to this number (or 'reject')."`
	JSON     bool   `name:"json" help:"Print the API's answer."`
	place
	trial
}

// whatIf is the API's answer to a what-if.
type whatIf struct {
	Decision engine.Decision `json:"decision"`
	Revision string          `json:"revision"`
	Fired    []engine.Fired  `json:"fired"`
	Read     []string        `json:"read"`
	Steps    []engine.Step   `json:"steps"`
	Trace    []string        `json:"trace"`
}

// Run asks the same code that routes live calls.
func (c *routeCmd) Run(ctx context.Context, io stdio, parsed *kong.Context) (err error) {
	if c.Server != "" && (given(parsed, "policies") || c.DB != "") {
		return errors.New("--server asks a running server with its own policies and history; leave out --policies and --db")
	}
	if err := c.trial.check(); err != nil {
		return err
	}
	if c.History != "" && c.DB != "" {
		return errors.New("--history and --db both give the history; leave one out")
	}
	if c.Want != "" || given(parsed, "want") {
		if c.Want, err = c.wanted(); err != nil {
			return err
		}
	}
	question := map[string]any{"caller_number": c.Caller, "did": c.DID, "explain": c.Explain || c.Trace}
	if c.CallID != "" {
		question["call_id"] = c.CallID
	}
	if c.At != "" {
		question["at"] = c.At
	}
	if c.History != "" {
		text, err := os.ReadFile(c.History)
		if err != nil {
			return fmt.Errorf("--history: %w", err)
		}
		if !json.Valid(text) {
			return fmt.Errorf("--history: %s is not JSON; it holds what data.history would, such as {\"callers\": {\"9988912345\": {...}}}", c.History)
		}
		question["history"] = json.RawMessage(text)
	}
	a, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.close()) }()
	var answer json.RawMessage
	if err := a.call(ctx, http.MethodPost, "/api/v1/route", nil, question, &answer); err != nil {
		return err
	}
	return c.print(io, answer)
}

func (c *routeCmd) open(ctx context.Context) (*api, error) {
	if c.Server != "" {
		return serverFlags{Server: c.Server, Token: c.Token}.connect()
	}
	return openOffline(ctx, offline{place: c.place, policies: c.Policies, db: c.DB, trial: c.trial})
}

func (c *routeCmd) print(io stdio, text json.RawMessage) error {
	var answer whatIf
	if err := json.Unmarshal(text, &answer); err != nil {
		return err
	}
	if c.JSON {
		if err := printJSON(io, text); err != nil {
			return err
		}
	} else {
		printAnswer(io, answer, c.Trace)
	}
	return c.verify(answer.Decision)
}

func printAnswer(io stdio, a whatIf, trace bool) {
	printDecision(io.out, a.Decision)
	for _, f := range a.Fired {
		fmt.Fprintf(io.out, "fired %s (%s:%d)\n", f.Rule, f.File, f.Line)
	}
	for _, path := range a.Read {
		fmt.Fprintf(io.out, "read %s\n", path)
	}
	for _, s := range a.Steps {
		fmt.Fprintln(io.out, s.Text)
	}
	if !trace {
		return
	}
	for _, line := range a.Trace {
		fmt.Fprintln(io.out, line)
	}
}

func printDecision(w io.Writer, d engine.Decision) {
	switch {
	case d.Reject:
		fmt.Fprintf(w, "reject, reason %s\n", dash(d.Reason))
	case d.Number == "":
		fmt.Fprintf(w, "no answer: %s (%s), and there is no fallback\n", d.Cause, d.Detail)
	default:
		fmt.Fprintf(w, "%s, timeout %d, reason %s, source %s\n", d.Number, d.Timeout, dash(d.Reason), d.Source)
	}
	if d.Cause != "" && d.Number != "" {
		fmt.Fprintf(w, "the policies were not followed: %s (%s)\n", d.Cause, d.Detail)
	}
	for _, s := range d.Skipped {
		fmt.Fprintf(w, "skipped %s: %s\n", s.Number, s.Why)
	}
}

// wanted is --want as an answer would have it. What no answer can be is a slip,
// an empty one above all: a script's variable without a value.
func (c *routeCmd) wanted() (string, error) {
	if c.Want == "reject" {
		return c.Want, nil
	}
	numbers, err := c.numbers()
	if err != nil {
		return "", err
	}
	n := numbers.Person(c.Want)
	if !n.Valid {
		return "", fmt.Errorf("--want %q is neither a number that can be rung nor \"reject\"", c.Want)
	}
	return n.Canonical, nil
}

// verify holds the answer against --want.
func (c *routeCmd) verify(d engine.Decision) error {
	got := d.Number
	if d.Reject {
		got = "reject"
	}
	if c.Want != "" && got != c.Want {
		return &exitError{exitUnwanted, fmt.Sprintf("wanted %s, got %s", c.Want, dash(got))}
	}
	return nil
}

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"text/tabwriter"
	"time"
)

type callsCmd struct {
	List   callsListCmd   `cmd:"" help:"List calls, newest first."`
	Show   callsShowCmd   `cmd:"" help:"Show everything kept of one call."`
	Export callsExportCmd `cmd:"" help:"Write all calls that the filters select, newest first, as CSV or JSON lines."`
	Import callsImportCmd `cmd:"" help:"Back-fill the provider's reports from a file, CSV or JSON lines."`
	Hangup callsHangupCmd `cmd:"" help:"End a running call, through the provider."`
	Forget callsForgetCmd `cmd:"" help:"Erase a person from everything that is kept; there is no way back."`
}

// callFilters select calls.
type callFilters struct {
	Caller   string `help:"Calls of this caller, in any spelling."`
	DID      string `name:"did" help:"Calls to this DID."`
	Receiver string `help:"Calls to this receiver."`
	Status   string `help:"in_flight, answered, notanswered, other, expired or rejected."`
	Reason   string `help:"Calls decided for this reason."`
	Source   string `help:"policy, did_fallback, fallback, shed, rejected or none."`
	From     string `help:"From this time on (RFC 3339, a date, or Unix seconds)."`
	To       string `help:"Before this time."`
}

// query is the filters as the API takes them.
func (f callFilters) query() url.Values {
	query := url.Values{}
	for name, value := range map[string]string{
		"caller": f.Caller, "did": f.DID, "receiver": f.Receiver, "status": f.Status, "reason": f.Reason,
		"source": f.Source, "from": f.From, "to": f.To,
	} {
		if value != "" {
			query.Set(name, value)
		}
	}
	return query
}

type callsListCmd struct {
	sourceFlags
	place
	callFilters
	Limit  int    `default:"50" help:"How many at most."`
	Cursor string `help:"Go on after an earlier page: its next."`
	JSON   bool   `name:"json" help:"Print the API's answer."`
}

// listedCall is a call as the API lists it.
type listedCall struct {
	CallID   string `json:"call_id"`
	Caller   string `json:"caller_number"`
	DID      string `json:"did"`
	Receiver string `json:"receiver_number"`
	Status   string `json:"status"`
	RoutedAt *int64 `json:"routed_at"`
	Received *int64 `json:"received_at"`
	EndedAt  *int64 `json:"ended_at"`
	Duration *int64 `json:"duration_seconds"`
	Reason   string `json:"reason"`
	Source   string `json:"source"`
}

// Run prints a table, or the API's JSON.
func (c *callsListCmd) Run(ctx context.Context, io stdio) (err error) {
	a, err := c.open(ctx, c.place)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.close()) }()
	query := c.query()
	query.Set("limit", strconv.Itoa(c.Limit))
	if c.Cursor != "" {
		query.Set("cursor", c.Cursor)
	}
	var page json.RawMessage
	if err := a.call(ctx, http.MethodGet, "/api/v1/calls", query, nil, &page); err != nil {
		return err
	}
	if c.JSON {
		return printJSON(io, page)
	}
	zone, err := c.zone()
	if err != nil {
		return err
	}
	return printCalls(io, page, zone)
}

func printCalls(io stdio, text json.RawMessage, zone *time.Location) error {
	var page struct {
		Calls []listedCall `json:"calls"`
		Next  string       `json:"next"`
	}
	if err := json.Unmarshal(text, &page); err != nil {
		return err
	}
	w := tabwriter.NewWriter(io.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "TIME\tCALL\tCALLER\tDID\tRECEIVER\tSTATUS\tSECONDS\tREASON\tSOURCE")
	for _, c := range page.Calls {
		at, seconds := "-", "-"
		for _, t := range []*int64{c.RoutedAt, c.Received, c.EndedAt} {
			if t != nil {
				at = time.Unix(*t, 0).In(zone).Format(time.DateTime)
				break
			}
		}
		if c.Duration != nil {
			seconds = strconv.FormatInt(*c.Duration, 10)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", at, c.CallID, dash(c.Caller), dash(c.DID), dash(c.Receiver), c.Status, seconds, dash(c.Reason), dash(c.Source))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if page.Next != "" {
		fmt.Fprintf(io.err, "more: --cursor %s\n", page.Next)
	}
	return nil
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func printJSON(io stdio, v any) error {
	enc := json.NewEncoder(io.out)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

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
)

type factsCmd struct {
	List   factsListCmd   `cmd:"" help:"List facts."`
	Put    factsPutCmd    `cmd:"" help:"Tell the policies something."`
	Delete factsDeleteCmd `cmd:"" help:"Take a fact back."`
}

type factsListCmd struct {
	serverFlags
	zoneFlag
	Collection string `arg:"" optional:"" help:"Those of this collection. Default: all."`
	Limit      int    `default:"50" env:"-" help:"How many at most."`
	Cursor     string `env:"-" help:"Go on after an earlier page: its next."`
	JSON       bool   `name:"json" env:"-" help:"Print the API's answer."`
}

// listedFact is a fact as the API writes it.
type listedFact struct {
	Collection string          `json:"collection"`
	Key        string          `json:"key"`
	Value      json.RawMessage `json:"value"`
	Set        *int64          `json:"set"`
	Expires    *int64          `json:"expires"`
	By         string          `json:"by"`
}

// Run prints a table, or the API's JSON.
func (c *factsListCmd) Run(ctx context.Context, io stdio) error {
	zone, err := c.zone()
	if err != nil {
		return err
	}
	path := "/api/v1/facts"
	if c.Collection != "" {
		path += "/" + url.PathEscape(c.Collection)
	}
	query := url.Values{"limit": {strconv.Itoa(c.Limit)}}
	if c.Cursor != "" {
		query.Set("cursor", c.Cursor)
	}
	text, _, err := c.ask(ctx, http.MethodGet, path, query, nil)
	if err != nil || c.JSON {
		return errors.Join(err, printText(io, text))
	}
	var page struct {
		Facts []listedFact `json:"facts"`
		Next  string       `json:"next"`
	}
	if err := json.Unmarshal(text, &page); err != nil {
		return err
	}
	w := tabwriter.NewWriter(io.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "COLLECTION\tKEY\tSET\tEXPIRES\tBY\tVALUE")
	for _, f := range page.Facts {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", f.Collection, f.Key, clock(f.Set, zone, "-"), clock(f.Expires, zone, "never"), dash(f.By), f.Value)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if page.Next != "" {
		fmt.Fprintf(io.err, "more: --cursor %s\n", page.Next)
	}
	return nil
}

type factsPutCmd struct {
	serverFlags
	zoneFlag
	Collection string `arg:"" help:"The collection, such as paused."`
	Key        string `arg:"" help:"The key, such as an agent's number as policies see it."`
	Value      string `arg:"" help:"JSON: true, '\"a text\"', '{\"why\": \"lunch\"}'."`
	Expires    string `default:"never" env:"-" placeholder:"WHEN" help:"45m, 2d, an RFC 3339 time, Unix seconds, or never (the default)."`
	JSON       bool   `name:"json" env:"-" help:"Print the API's answer."`
}

// Run puts the fact and says what came of it.
func (c *factsPutCmd) Run(ctx context.Context, io stdio) error {
	zone, err := c.zone()
	if err != nil {
		return err
	}
	value, err := jsonFlag("VALUE", c.Value, `true, '"a text"' or '{"why": "lunch"}'`)
	if err != nil {
		return err
	}
	text, status, err := c.ask(ctx, http.MethodPut, factPath(c.Collection, c.Key), nil, map[string]any{"value": value, "expires": expires(c.Expires)})
	if err != nil || c.JSON {
		return errors.Join(err, printText(io, text))
	}
	var f listedFact
	if err := json.Unmarshal(text, &f); err != nil {
		return err
	}
	fmt.Fprintf(io.out, "%s %s %s: %s, until %s\n", outcome(status), f.Collection, f.Key, f.Value, clock(f.Expires, zone, "it is deleted"))
	return nil
}

type factsDeleteCmd struct {
	serverFlags
	Collection string `arg:"" help:"The collection."`
	Key        string `arg:"" help:"The key."`
	JSON       bool   `name:"json" env:"-" help:"Print the API's answer; nothing where there was no such fact."`
}

// Run takes the fact back. One that is not there is no failure, but worth a word:
// the name may be misspelt.
func (c *factsDeleteCmd) Run(ctx context.Context, io stdio) error {
	text, status, err := c.ask(ctx, http.MethodDelete, factPath(c.Collection, c.Key), nil, nil)
	switch {
	case err != nil:
		return err
	case status == http.StatusNoContent:
		fmt.Fprintf(io.err, "there is no fact %s %s; nothing was changed\n", c.Collection, c.Key)
	case c.JSON:
		return printText(io, text)
	default:
		fmt.Fprintf(io.out, "deleted %s %s\n", c.Collection, c.Key)
	}
	return nil
}

func factPath(collection, key string) string {
	return "/api/v1/facts/" + url.PathEscape(collection) + "/" + url.PathEscape(key)
}

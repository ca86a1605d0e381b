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

type sessionsCmd struct {
	List   sessionsListCmd   `cmd:"" help:"List masked pairs, newest first."`
	Put    sessionsPutCmd    `cmd:"" help:"Let two people reach each other over a DID."`
	Delete sessionsDeleteCmd `cmd:"" help:"End a masked pair now."`
}

// zoneFlag is the zone that times are printed in.
type zoneFlag struct {
	Timezone string `default:"Asia/Kolkata" help:"Zone of the times printed (IANA name)."`
}

func (f zoneFlag) zone() (*time.Location, error) { return place{Timezone: f.Timezone}.zone() }

type sessionsListCmd struct {
	serverFlags
	zoneFlag
	DID    string `name:"did" env:"-" placeholder:"NUMBER" help:"Those on this DID, in any spelling."`
	Party  string `env:"-" placeholder:"NUMBER" help:"Those of this person."`
	Ended  bool   `env:"-" help:"Also those that have ended and are still kept."`
	Limit  int    `default:"50" env:"-" help:"How many at most."`
	Cursor string `env:"-" help:"Go on after an earlier page: its next."`
	JSON   bool   `name:"json" env:"-" help:"Print the API's answer."`
}

// listedSession is a session as the API writes it.
type listedSession struct {
	Ref     string          `json:"ref"`
	DID     string          `json:"did"`
	Parties [2]string       `json:"parties"`
	Created *int64          `json:"created"`
	Expires *int64          `json:"expires"`
	Data    json.RawMessage `json:"data"`
}

// Run prints a table, or the API's JSON.
func (c *sessionsListCmd) Run(ctx context.Context, io stdio) error {
	zone, err := c.zone()
	if err != nil {
		return err
	}
	query := url.Values{"limit": {strconv.Itoa(c.Limit)}}
	for name, value := range map[string]string{"did": c.DID, "party": c.Party, "cursor": c.Cursor} {
		if value != "" {
			query.Set(name, value)
		}
	}
	if c.Ended {
		query.Set("ended", "true")
	}
	text, _, err := c.ask(ctx, http.MethodGet, "/api/v1/sessions", query, nil)
	if err != nil || c.JSON {
		return errors.Join(err, printText(io, text))
	}
	var page struct {
		Sessions []listedSession `json:"sessions"`
		Next     string          `json:"next"`
	}
	if err := json.Unmarshal(text, &page); err != nil {
		return err
	}
	w := tabwriter.NewWriter(io.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "REF\tDID\tPARTY\tPARTY\tCREATED\tEXPIRES\tDATA")
	for _, s := range page.Sessions {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", s.Ref, s.DID, s.Parties[0], s.Parties[1], clock(s.Created, zone, "-"), clock(s.Expires, zone, "never"), s.Data)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if page.Next != "" {
		fmt.Fprintf(io.err, "more: --cursor %s\n", page.Next)
	}
	return nil
}

// clock writes Unix seconds as a local time.
func clock(seconds *int64, zone *time.Location, none string) string {
	if seconds == nil {
		return none
	}
	return time.Unix(*seconds, 0).In(zone).Format(time.DateTime)
}

type sessionsPutCmd struct {
	serverFlags
	zoneFlag
	Ref     string   `arg:"" help:"Your own name for the pair, such as the order's number. Put again, it changes the pair."`
	DID     string   `name:"did" env:"-" placeholder:"NUMBER" help:"The number both dial. Default: a free one of the pool."`
	Party   []string `required:"" sep:"none" env:"-" placeholder:"NUMBER" help:"One of the two; say it twice."`
	Expires string   `required:"" env:"-" placeholder:"WHEN" help:"45m, 2d, an RFC 3339 time, Unix seconds, or never."`
	Data    string   `env:"-" placeholder:"JSON" help:"An object for the policies."`
	Pool    []string `env:"-" placeholder:"NUMBER,..." help:"DIDs to choose from. Default: those of the policies' directory."`
	JSON    bool     `name:"json" env:"-" help:"Print the API's answer."`
}

// Run puts the session and says what came of it.
func (c *sessionsPutCmd) Run(ctx context.Context, io stdio) error {
	zone, err := c.zone()
	if err != nil {
		return err
	}
	body := map[string]any{"parties": c.Party, "expires": expires(c.Expires)}
	if c.DID != "" {
		body["did"] = c.DID
	}
	if c.Pool != nil {
		body["pool"] = c.Pool
	}
	if c.Data != "" {
		if body["data"], err = jsonFlag("--data", c.Data, `an object such as '{"order": "A-17"}'`); err != nil {
			return err
		}
	}
	text, status, err := c.ask(ctx, http.MethodPut, "/api/v1/sessions/"+url.PathEscape(c.Ref), nil, body)
	if err != nil || c.JSON {
		return errors.Join(err, printText(io, text))
	}
	var s listedSession
	if err := json.Unmarshal(text, &s); err != nil {
		return err
	}
	fmt.Fprintf(io.out, "%s %s: %s and %s reach each other over %s, until %s\n",
		outcome(status), s.Ref, s.Parties[0], s.Parties[1], s.DID, clock(s.Expires, zone, "it is deleted"))
	return nil
}

type sessionsDeleteCmd struct {
	serverFlags
	Ref  string `arg:"" help:"The pair's name."`
	JSON bool   `name:"json" env:"-" help:"Print the session as it ended."`
}

// Run ends the session. One that is not there is no failure: what was asked for
// holds.
func (c *sessionsDeleteCmd) Run(ctx context.Context, io stdio) error {
	text, status, err := c.ask(ctx, http.MethodDelete, "/api/v1/sessions/"+url.PathEscape(c.Ref), nil, nil)
	switch {
	case err != nil:
		return err
	case status == http.StatusNoContent:
		fmt.Fprintf(io.err, "there is no session %s; nothing was changed\n", c.Ref)
	case c.JSON:
		return printText(io, text)
	default:
		fmt.Fprintf(io.out, "ended %s\n", c.Ref)
	}
	return nil
}

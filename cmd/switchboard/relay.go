package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"text/tabwriter"
	"time"
)

type relayCmd struct {
	Status relayStatusCmd `cmd:"" help:"Tell how the relay's targets stand."`
	List   relayListCmd   `cmd:"" help:"List dead letters: messages that were given up."`
	Retry  relayRetryCmd  `cmd:"" help:"Send dead letters again."`
	Delete relayDeleteCmd `cmd:"" help:"Delete dead letters."`
	Secret relaySecretCmd `cmd:"" help:"Print a new secret for --relay-secret-file."`
}

type relayStatusCmd struct {
	serverFlags
	JSON bool `name:"json" env:"-" help:"Print the API's answer."`
}

// Run prints a table, or the API's JSON.
func (c *relayStatusCmd) Run(ctx context.Context, io stdio) error {
	text, _, err := c.ask(ctx, http.MethodGet, "/api/v1/relay", nil, nil)
	if err != nil || c.JSON {
		return errors.Join(err, printText(io, text))
	}
	var page struct {
		Targets []struct {
			ID, Kind, URL, State string
			Waiting              int
			Unread               uint64 `json:"unread_records"`
			Age                  int64  `json:"oldest_age_seconds"`
			Dead                 int    `json:"dead_letters"`
			Delivered, Failed    uint64
			LastError            string `json:"last_error"`
		}
	}
	if err := json.Unmarshal(text, &page); err != nil {
		return err
	}
	if len(page.Targets) == 0 {
		fmt.Fprintln(io.err, "there are no relay targets; serve takes them with --relay URL")
		return nil
	}
	w := tabwriter.NewWriter(io.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "TARGET\tKIND\tSTATE\tWAITING\tUNREAD\tOLDEST\tDEAD\tDELIVERED\tFAILED\tURL\tLAST ERROR")
	for _, t := range page.Targets {
		age := "-"
		if t.Waiting > 0 {
			age = (time.Duration(t.Age) * time.Second).String()
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%d\t%s\t%d\t%d\t%d\t%s\t%s\n", t.ID, t.Kind, t.State, t.Waiting, t.Unread, age, t.Dead,
			t.Delivered, t.Failed, dash(t.URL), dash(t.LastError))
	}
	return w.Flush()
}

type relayListCmd struct {
	serverFlags
	Target string `help:"Those of this target. Default: all."`
	Limit  int    `default:"50" help:"How many at most."`
	Cursor string `help:"Go on after an earlier page: its next."`
	JSON   bool   `name:"json" env:"-" help:"Print the API's answer."`
}

// deadLetter is one as the API lists it.
type deadLetter struct {
	ID       string `json:"id"`
	CallID   string `json:"call_id"`
	Attempts int    `json:"attempts"`
	Died     string `json:"given_up"`
	Error    string `json:"error"`
	Gone     bool   `json:"gone"`
}

type deadLetters struct {
	Letters []deadLetter `json:"letters"`
	Next    string       `json:"next"`
}

// Run prints a table, or the API's JSON.
func (c *relayListCmd) Run(ctx context.Context, io stdio) error {
	text, _, err := c.ask(ctx, http.MethodGet, "/api/v1/relay/dead", deadQuery(c.Target, c.Limit, c.Cursor), nil)
	if err != nil || c.JSON {
		return errors.Join(err, printText(io, text))
	}
	var page deadLetters
	if err := json.Unmarshal(text, &page); err != nil {
		return err
	}
	w := tabwriter.NewWriter(io.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tCALL\tATTEMPTS\tGIVEN UP\tCAN BE SENT\tERROR")
	for _, l := range page.Letters {
		sent := "yes"
		if l.Gone {
			sent = "no, deleted"
		}
		fmt.Fprintf(w, "%s\t%s\t%d\t%s\t%s\t%s\n", l.ID, l.CallID, l.Attempts, l.Died, sent, dash(l.Error))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if page.Next != "" {
		fmt.Fprintf(io.err, "there may be more: --cursor %s\n", page.Next)
	}
	return nil
}

func deadQuery(target string, limit int, cursor string) url.Values {
	q := url.Values{"limit": {strconv.Itoa(limit)}}
	if target != "" {
		q.Set("target", target)
	}
	if cursor != "" {
		q.Set("cursor", cursor)
	}
	return q
}

// chosen says which dead letters a command is about.
type chosen struct {
	serverFlags
	IDs    []string `arg:"" name:"id" optional:"" help:"Dead letters, as relay list names them."`
	All    bool     `env:"-" help:"All of them."`
	Target string   `env:"-" help:"With --all: those of this target."`
}

// each does something with every chosen letter. Those that can't be sent any
// more are passed over where all are meant.
func (c *chosen) each(ctx context.Context, do func(id string) error, passOver bool) (done int, err error) {
	if c.All == (len(c.IDs) > 0) {
		return 0, errors.New("name dead letters (switchboard relay list), or say --all")
	}
	for _, id := range c.IDs {
		if err := do(id); err != nil {
			return done, fmt.Errorf("%s: %w", id, err)
		}
		done++
	}
	const page = 500
	for cursor := ""; c.All; {
		text, _, err := c.ask(ctx, http.MethodGet, "/api/v1/relay/dead", deadQuery(c.Target, page, cursor), nil)
		if err != nil {
			return done, err
		}
		var found deadLetters
		if err := json.Unmarshal(text, &found); err != nil {
			return done, err
		}
		for _, l := range found.Letters {
			if l.Gone && passOver {
				continue
			}
			if err := do(l.ID); err != nil {
				return done, fmt.Errorf("%s: %w", l.ID, err)
			}
			done++
		}
		if cursor = found.Next; cursor == "" {
			break
		}
	}
	return done, nil
}

type relayRetryCmd struct{ chosen }

// Run lets dead letters wait again and says how many.
func (c *relayRetryCmd) Run(ctx context.Context, io stdio) error {
	done, err := c.each(ctx, func(id string) error {
		_, _, err := c.ask(ctx, http.MethodPost, "/api/v1/relay/dead/"+url.PathEscape(id)+"/retry", nil, nil)
		return err
	}, true)
	fmt.Fprintf(io.out, "%d will be sent again\n", done)
	return err
}

type relayDeleteCmd struct{ chosen }

// Run deletes dead letters and says how many.
func (c *relayDeleteCmd) Run(ctx context.Context, io stdio) error {
	done, err := c.each(ctx, func(id string) error {
		_, _, err := c.ask(ctx, http.MethodDelete, "/api/v1/relay/dead/"+url.PathEscape(id), nil, nil)
		return err
	}, false)
	fmt.Fprintf(io.out, "%d deleted\n", done)
	return err
}

type relaySecretCmd struct{}

// Run prints a secret in the form of Standard Webhooks: 32 random bytes.
func (relaySecretCmd) Run(io stdio) error {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails
	_, err := fmt.Fprintln(io.out, "whsec_"+base64.StdEncoding.EncodeToString(key))
	return err
}

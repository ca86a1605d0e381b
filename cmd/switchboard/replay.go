package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/alecthomas/kong"

	"switchboard/engine"
	"switchboard/engine/history"
	"switchboard/engine/policy"
	"switchboard/engine/replay"
	"switchboard/policies"
)

type replayCmd struct {
	sourceFlags
	place
	From     string        `placeholder:"TIME" help:"Calls from this time on (RFC 3339, a date, or Unix seconds)."`
	To       string        `placeholder:"TIME" help:"Calls before this time."`
	Limit    int           `default:"10000" help:"The newest calls of the period, at most this many."`
	Policies string        `placeholder:"DIR" help:"The folder to try. Default: ./policies; with --server the set that serves."`
	Revision string        `placeholder:"ID" help:"Try an archived set instead: its revision, or the first four or more digits."`
	CallTTL  time.Duration `name:"call-ttl" default:"30m" help:"With --db: as the server had it."`
	FailOn   []string      `env:"-" sep:"none" placeholder:"CONDITION" help:"Exit 6 where this holds, such as moved>5% or fallback>0; repeatable. There are moved, fallback, rejected, routed, reason, timeout, errors, slow and uncompared."`
	JSON     bool          `name:"json" env:"-" help:"Print the API's answer."`
}

// Run puts recorded calls to a set and prints the difference.
func (c *replayCmd) Run(ctx context.Context, std stdio, parsed *kong.Context) error {
	conditions := make([]replay.Condition, len(c.FailOn))
	for i, text := range c.FailOn {
		var err error
		if conditions[i], err = replay.ParseCondition(text); err != nil {
			return fmt.Errorf("--fail-on: %w", err)
		}
	}
	if c.Revision != "" && given(parsed, "policies") {
		return errors.New("--policies and --revision both name the set to try; leave one out")
	}
	if c.Limit < 1 || c.Limit > engine.MaxReplay {
		return fmt.Errorf("--limit is %d; give 1 to %d calls", c.Limit, engine.MaxReplay)
	}
	bar := showProgress(std, "replaying", "records")
	defer bar.stop()
	ask := c.ask
	if c.DB != "" {
		ask = c.read
	}
	d, err := ask(ctx, func(p engine.ReplayProgress) { bar.at(int64(p.Done), int64(p.Total)) })
	bar.stop()
	if err != nil {
		return err
	}
	if c.JSON {
		err = printJSON(std, d)
	} else {
		err = c.print(std, d)
	}
	return errors.Join(err, verifyDifference(std, d, conditions))
}

// verifyDifference holds a difference against --fail-on.
func verifyDifference(std stdio, d *engine.Difference, conditions []replay.Condition) error {
	var met []string
	for _, condition := range conditions {
		if holds, how := condition.Met(d); holds {
			met = append(met, how)
		}
	}
	if len(met) == 0 {
		return nil
	}
	return &exitError{exitDiffers, "--fail-on " + strings.Join(met, "; ")}
}

// read puts the calls of a database file that no server uses.
func (c *replayCmd) read(ctx context.Context, tell func(engine.ReplayProgress)) (_ *engine.Difference, err error) {
	options, err := c.policyOptions()
	if err != nil {
		return nil, err
	}
	req := engine.ReplayRequest{Limit: c.Limit}
	for name, moment := range map[string]struct {
		text string
		to   *time.Time
	}{"--from": {c.From, &req.From}, "--to": {c.To, &req.To}} {
		if moment.text == "" {
			continue
		}
		if *moment.to, err = engine.ParseTime(moment.text, options.Zone); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	db, err := history.OpenShelved(history.Options{Path: c.DB, CallTTL: c.CallTTL, Zone: options.Zone})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	var active *policy.Set
	if c.Revision == "" {
		if active, err = loadFolder(ctx, c.Policies, options); err != nil {
			return nil, err
		}
	} else if req.Revision, err = engine.ResolveRevision(c.Revision, db.Revisions()); err != nil {
		return nil, fmt.Errorf("--revision %s: %w in %s", c.Revision, err, c.DB)
	}
	builtin, err := policy.FromFS(policies.Files)
	if err != nil {
		return nil, err
	}
	replayer, err := replay.New(replay.Options{
		Sets: sets{policy.NewLibrary(policy.LibraryOptions{Options: options, Active: func() *policy.Set { return active }, Archive: db, Builtin: builtin})},
		Open: func(ctx context.Context) (replay.Timeline, error) { return db.Timeline(ctx) }, Judge: engine.Judge{Numbers: options.Numbers},
	})
	if err != nil {
		return nil, err
	}
	return replayer.Replay(ctx, req, tell)
}

// loadFolder loads a folder to try it: its tests are check's affair.
func loadFolder(ctx context.Context, named string, options policy.Options) (*policy.Set, error) {
	tree, name, err := readPolicies(named)
	if err != nil {
		return nil, err
	}
	set, report := policy.Load(ctx, tree, options, policy.Checks{SkipTests: true})
	if set == nil {
		return nil, loadedError(engine.PolicyStatus{Folder: name, Reload: report})
	}
	return set, nil
}

// ask has the running server do it.
func (c *replayCmd) ask(ctx context.Context, tell func(engine.ReplayProgress)) (*engine.Difference, error) {
	a, err := c.open(ctx, c.place)
	if err != nil {
		return nil, err
	}
	body := map[string]any{"limit": c.Limit}
	for name, value := range map[string]string{"from": c.From, "to": c.To, "revision": c.Revision} {
		if value != "" {
			body[name] = value
		}
	}
	if c.Policies != "" {
		if body["policies"], err = c.edits(ctx, a); err != nil {
			return nil, err
		}
	}
	a.accept = "application/x-ndjson"
	resp, err := a.send(ctx, http.MethodPost, "/api/v1/replay", nil, body)
	var refused *statusError
	if errors.As(err, &refused) && refused.status == http.StatusUnprocessableEntity {
		return nil, &exitError{exitBroken, refused.detail}
	}
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	return readReplay(resp.Body, tell)
}

// edits are what makes the folder of the set that serves: its files, and an
// empty text for those that it has not.
func (c *replayCmd) edits(ctx context.Context, a *api) (map[string]string, error) {
	tree, err := policy.ReadDir(c.Policies)
	if err != nil {
		return nil, err
	}
	var active listedRevision
	err = a.call(ctx, http.MethodGet, "/api/v1/policies/active", nil, nil, &active)
	var none *statusError
	if errors.As(err, &none) && none.status == http.StatusNotFound {
		err = nil // no set is in force: the folder is all there is
	}
	if err != nil {
		return nil, err
	}
	out := make(map[string]string, len(tree))
	for path := range active.Files {
		out[path] = ""
	}
	for path, text := range tree {
		if !utf8.Valid(text) {
			return nil, fmt.Errorf("%s is no text, which can't be sent; replay with --db instead", path)
		}
		out[path] = string(text)
	}
	return out, nil
}

// readReplay reads a replay's answer line by line.
func readReplay(r io.Reader, tell func(engine.ReplayProgress)) (*engine.Difference, error) {
	in := bufio.NewReader(r)
	for {
		text, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return nil, errors.New("the server broke off before the replay was done; look at its log")
		}
		if err != nil {
			return nil, err
		}
		var line struct {
			Progress *engine.ReplayProgress
			Result   *engine.Difference
			Problem  json.RawMessage
		}
		if err := json.Unmarshal(text, &line); err != nil {
			return nil, fmt.Errorf("the server's answer is no replay's: %w", err)
		}
		switch {
		case line.Progress != nil:
			tell(*line.Progress)
		case line.Result != nil:
			return line.Result, nil
		default:
			return nil, problemError(http.StatusInternalServerError, line.Problem)
		}
	}
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/alecthomas/kong"
)

// Exit codes, as scripts see them.
const (
	exitOK       = 0
	exitUsage    = 1
	exitBroken   = 3 // policies do not load
	exitTests    = 4 // policies load, their tests fail
	exitUnwanted = 5 // route --want: another answer
	exitDiffers  = 6 // replay --fail-on: a condition holds
)

// cli is the command line.
type cli struct {
	Serve    serveCmd    `cmd:"" help:"Answer the provider's webhooks."`
	Check    checkCmd    `cmd:"" help:"Lint, compile and test a policies folder as a reload would."`
	Test     testCmd     `cmd:"" help:"Run a policies folder's own tests."`
	Route    routeCmd    `cmd:"" help:"Tell how a call would be routed, without routing it."`
	Replay   replayCmd   `cmd:"" help:"Tell what another policy set would have done with recorded calls."`
	Calls    callsCmd    `cmd:"" help:"List, show, export or import calls; forget a person."`
	Sessions sessionsCmd `cmd:"" help:"List, put or delete masked pairs."`
	Facts    factsCmd    `cmd:"" help:"List, put or delete facts for the policies."`
	Relay    relayCmd    `cmd:"" help:"The relay's targets, and messages that were given up."`
	Policies policiesCmd `cmd:"" help:"List, show and compare policy sets; go back to one; write the starter set."`
	DB       dbCmd       `cmd:"" name:"db" help:"Verify, back up, restore, compact or rebuild the database."`
	Show     configCmd   `cmd:"" name:"config" help:"Print the settings that serve would run with, and where each comes from."`
	Version  versionCmd  `cmd:"" help:"Print the version."`

	Config configFlag `default:"switchboard.yaml" placeholder:"FILE" help:"Settings, by the flags' names; read where it exists."`
}

type stdio struct {
	in       io.Reader
	out, err io.Writer
}

// exitError carries an exit code; an empty message prints nothing more.
type exitError struct {
	code    int
	message string
}

func (e *exitError) Error() string { return e.message }

// invocation is how the program was called: what its settings are read from, now
// and again.
type invocation struct {
	ctx  context.Context
	args []string
	io   stdio
}

// parser reads the command line into c. done is called when it has printed what
// was asked for.
func (i invocation) parser(c *cli, done func(code int)) (*kong.Kong, error) {
	return kong.New(c,
		kong.Name("switchboard"),
		kong.Description("A policy-driven call router behind Alohaa's number masking webhooks."),
		kong.UsageOnError(), kong.Writers(i.io.out, i.io.err),
		kong.Exit(done),
		kong.DefaultEnvars("SWITCHBOARD"),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.BindTo(i.ctx, (*context.Context)(nil)), kong.Bind(i.io), kong.Bind(i),
	)
}

// again parses the same command line once more, with the settings file as it is
// now. The environment of a process does not change.
func (i invocation) again() (*cli, *kong.Context, error) {
	var c cli
	i.io.out, i.io.err = io.Discard, io.Discard
	parser, err := i.parser(&c, func(int) {})
	if err != nil {
		return nil, nil, err
	}
	parsed, err := parser.Parse(i.args)
	return &c, parsed, err
}

// run parses and runs one command and returns the exit code.
func run(ctx context.Context, args []string, io stdio) int {
	var c cli
	exited := -1
	parser, err := invocation{ctx, args, io}.parser(&c, func(code int) { exited = code })
	if err != nil {
		return complain(io, err)
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	command, err := parser.Parse(args)
	if exited >= 0 { // --help has been printed
		return exited
	}
	if exit := (*exitError)(nil); errors.As(err, &exit) {
		return complain(io, exit)
	}
	if err != nil {
		return complain(io, fmt.Errorf("%w (switchboard --help lists what there is)", err))
	}
	if err := command.Run(); err != nil {
		return complain(io, err)
	}
	return exitOK
}

// complain prints an error in the tool's voice and returns its exit code.
func complain(io stdio, err error) int {
	code := exitUsage
	var exit *exitError
	if errors.As(err, &exit) {
		code = exit.code
	}
	if text := err.Error(); text != "" {
		fmt.Fprintln(io.err, "switchboard: "+strings.TrimPrefix(text, "switchboard: "))
	}
	return code
}

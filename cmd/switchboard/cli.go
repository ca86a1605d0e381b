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
)

// cli is the command line.
type cli struct {
	Serve    serveCmd    `cmd:"" help:"Answer the provider's webhooks."`
	Check    checkCmd    `cmd:"" help:"Lint, compile and test a policies folder as a reload would."`
	Test     testCmd     `cmd:"" help:"Run a policies folder's own tests."`
	Route    routeCmd    `cmd:"" help:"Tell how a call would be routed, without routing it."`
	Calls    callsCmd    `cmd:"" help:"List calls, or show one."`
	Sessions sessionsCmd `cmd:"" help:"List, put or delete masked pairs."`
	Facts    factsCmd    `cmd:"" help:"List, put or delete facts for the policies."`
	Relay    relayCmd    `cmd:"" help:"The relay's targets, and messages that were given up."`
	Policies policiesCmd `cmd:"" help:"List, show and compare policy sets; go back to one; write the starter set."`
	DB       dbCmd       `cmd:"" name:"db" help:"Verify or back up the database."`
	Version  versionCmd  `cmd:"" help:"Print the version."`

	Config kong.ConfigFlag `placeholder:"FILE" help:"Settings, by the flags' names. Default: ./switchboard.yaml where it exists."`
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

// run parses and runs one command and returns the exit code.
func run(ctx context.Context, args []string, io stdio) int {
	var c cli
	exited := -1
	parser, err := kong.New(&c,
		kong.Name("switchboard"),
		kong.Description("A policy-driven call router behind Alohaa's number masking webhooks."),
		kong.UsageOnError(), kong.Writers(io.out, io.err),
		kong.Exit(func(code int) { exited = code }),
		kong.DefaultEnvars("SWITCHBOARD"),
		kong.Configuration(readSettings, defaultConfig),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.BindTo(ctx, (*context.Context)(nil)), kong.Bind(io),
	)
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

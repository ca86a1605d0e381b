package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/alecthomas/kong"
)

// Exit codes.
const (
	exitGood        = 0
	exitUsage       = 1
	exitBroken      = 2
	exitUnreachable = 3
)

// run is the whole program: it reads the flags, plays the calls, prints the
// report and returns the exit code. When ctx ends, it reports what happened so
// far.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var o options
	helped, err := parse(&o, args, stdout, stderr)
	if helped {
		return exitGood
	}
	if err == nil {
		err = o.validate()
	}
	if err != nil {
		return complain(stderr, "%v (alohaasim --help lists the flags)", err)
	}
	transport := newTransport(&o)
	defer transport.CloseIdleConnections()
	return emulate(ctx, &o, transport, stdout, stderr)
}

// parse reports helped where --help was answered and nothing is left to do.
func parse(o *options, args []string, stdout, stderr io.Writer) (helped bool, err error) {
	parser, err := kong.New(o,
		kong.Name("alohaasim"),
		kong.Description("Plays whole calls against a Switchboard server and checks every answer."),
		kong.Writers(stdout, stderr),
		kong.Exit(func(int) { helped = true }))
	if err != nil {
		return false, err
	}
	_, err = parser.Parse(args)
	return helped, err
}

// emulate plays the calls over the given transport.
func emulate(ctx context.Context, o *options, transport http.RoundTripper, stdout, stderr io.Writer) int {
	sender, err := newSender(o, transport)
	if err != nil {
		return complain(stderr, "%v", err)
	}
	acks, err := openAckLog(o.Acknowledged)
	if err != nil {
		return complain(stderr, "%v", err)
	}
	prefix := o.Prefix
	if prefix == "" {
		prefix = "sim-" + strings.ToLower(rand.Text()[:10])
	}
	playing, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	p := &player{opts: o, sender: sender, tally: newTally(), acks: acks, fresh: o.Prefix == "", stop: stop}
	if o.HangupListen != "" {
		l, stop, err := serveHangups(o.HangupListen, o.HangupKey, stderr)
		if err != nil {
			return complain(stderr, "%v", err)
		}
		defer stop()
		p.lines = l
	}
	plan := newPlanner(o, prefix)
	calls := o.Calls
	if o.Scenario != "" {
		calls = 0 // one thing leads to another
	}
	quiet := showProgress(p.tally, calls, stderr)
	start := time.Now()
	var told *scenarioReport
	if o.Scenario != "" {
		told = newStage(p, plan, transport).run(playing)
	} else {
		playAll(playing, p, plan)
	}
	elapsed := time.Since(start)
	quiet()

	r := p.tally.report(o, prefix, elapsed)
	r.add(told, o)
	r.Interrupted = ctx.Err() != nil
	var gone *unreachableError
	if errors.As(context.Cause(playing), &gone) {
		r.Unreachable = unreachableHint(o.Target, gone.cause)
	}
	if err := r.write(o, stdout); err != nil {
		return complain(stderr, "the report cannot be written: %v", err)
	}
	if err := acks.close(); err != nil {
		return complain(stderr, "%v", err)
	}
	return r.exitCode(stderr)
}

func (r *report) write(o *options, stdout io.Writer) error {
	if !o.JSON {
		_, err := io.WriteString(stdout, r.text())
		return err
	}
	enc := json.NewEncoder(stdout)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(r)
}

// exitCode says the worst of what happened. A server that is gone explains
// missing answers, and nothing else.
func (r *report) exitCode(stderr io.Writer) int {
	if r.Unreachable != "" {
		complain(stderr, "%s", r.Unreachable)
		if r.onlySilence() {
			return exitUnreachable
		}
	}
	if len(r.Broken) > 0 {
		return exitBroken
	}
	return exitGood
}

func complain(stderr io.Writer, format string, args ...any) int {
	fmt.Fprintf(stderr, "alohaasim: "+format+"\n", args...)
	return exitUsage
}

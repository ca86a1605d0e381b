package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
	"golang.org/x/sync/errgroup"

	"switchboard/engine"
	"switchboard/engine/history"
	"switchboard/engine/policy"
	"switchboard/server"
)

// shutdownGrace bounds how long a stopping server waits for the calls and the
// transfers that are under way.
const shutdownGrace = 10 * time.Second

// recentQuestions is how many recorded calls a new policy set is tried on.
const recentQuestions = 100

type serveCmd struct {
	Listen        string `default:"127.0.0.1:8080" help:"Address of the webhooks; port 0 picks one."`
	PrivateListen string `default:"127.0.0.1:8081" help:"Address of the web console, the API and the metrics; port 0 picks one."`
	ReadyFile     string `placeholder:"FILE" help:"Write the chosen addresses here as JSON once calls are answered."`

	Policies string `placeholder:"DIR" help:"Policies folder. Default: ./policies, else the built-in starter set."`
	DB       string `name:"db" default:"switchboard.db" placeholder:"FILE" help:"The history database (and its index, FILE.index)."`

	Key                  []string `sep:"none" secret:"bare" placeholder:"SECRET" help:"Secret the provider sends; repeat it to rotate."`
	KeyFile              string   `placeholder:"FILE" help:"The same from a file, one a line."`
	KeyHeader            string   `default:"X-Switchboard-Key" help:"Header that carries the secret."`
	PrivateToken         []string `sep:"none" secret:"named" placeholder:"[NAME=]TOKEN" help:"Bearer token of the private listener, by the name of who uses it (default admin); required off loopback."`
	PrivateTokenFile     string   `placeholder:"FILE" help:"The same from a file, one a line."`
	PrivateReadToken     []string `sep:"none" secret:"named" placeholder:"[NAME=]TOKEN" help:"Token that reads and changes nothing (default name reader)."`
	PrivateReadTokenFile string   `placeholder:"FILE" help:"The same from a file, one a line."`
	PrivateHost          []string `sep:"none" placeholder:"NAME" help:"Further host name under which people reach the private listener."`
	TLSCert              string   `name:"tls-cert" placeholder:"FILE" help:"Certificate of the webhooks' listener, in PEM; without one it speaks plain HTTP."`
	TLSKey               string   `name:"tls-key" placeholder:"FILE" help:"Its private key. Renewed files are taken up without a restart."`
	PrivateTLSCert       string   `name:"private-tls-cert" placeholder:"FILE" help:"Certificate of the private listener."`
	PrivateTLSKey        string   `name:"private-tls-key" placeholder:"FILE" help:"Its private key."`
	MaxConnections       int      `default:"8192" help:"Connections to the webhooks; beyond it the most idle one is closed."`
	Insecure             bool     `help:"Let the webhooks stand open to the network without a secret."`

	fallbackFlags
	place
	trial

	Deadline       time.Duration `default:"1500ms" help:"Every initiation is answered within this."`
	PolicyDeadline time.Duration `default:"250ms" help:"Bound on the evaluation of the policies for one call."`
	CallTTL        time.Duration `name:"call-ttl" default:"30m" help:"A call without completion counts as in flight for this long."`
	MaxConcurrent  int           `default:"1024" help:"Calls decided at once; the fallback answers beyond it."`
	RejectWith     string        `default:"403" placeholder:"403|empty|number:N" help:"How a rejected call is answered."`
	Retention      age           `default:"400d" help:"How long calls are kept; 0 for ever."`

	relayFlags
	hangupFlags

	withoutFolder bool           // for those who don't ask the policies
	level         *slog.LevelVar // of the log; nil where there is none

	Pprof bool `help:"Serve Go's profiles at /debug/pprof on the private listener, to admins."`

	LogFormat string `default:"text" enum:"text,json" help:"text or json."`
	LogLevel  string `default:"info" enum:"debug,info,warn,error" help:"debug, info, warn or error."`
}

// Run serves until ctx ends, then drains.
func (c *serveCmd) Run(ctx context.Context, parsed *kong.Context, again invocation, io stdio) (err error) {
	tuneRuntime(os.LookupEnv)
	c.level = new(slog.LevelVar)
	log := c.logger(io)
	p, err := c.build(ctx, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.store.Close()) }()
	if !p.manager.HasPolicy() && !p.fallbacks {
		return noAnswerError(p.manager.Status())
	}
	p.settings.begin(again, snapshot(parsed))
	return p.serve(ctx, log)
}

func (c *serveCmd) logger(io stdio) *slog.Logger {
	c.level.Set(levelOf(c.LogLevel))
	o := &slog.HandlerOptions{Level: c.level}
	if c.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(io.err, o))
	}
	return slog.New(slog.NewTextHandler(io.err, o))
}

func levelOf(name string) (level slog.Level) {
	_ = level.UnmarshalText([]byte(name)) // the enum leaves nothing that could fail
	return level
}

// program is the running server's parts.
type program struct {
	store    *history.Store
	manager  *policy.Manager
	server   *server.Server
	outlets  *outlets
	settings *settings

	fallbacks bool // there is one, be it a single DID's
}

// build opens and wires everything. What can fail for a wrong flag fails before
// the database is touched.
func (c *serveCmd) build(ctx context.Context, log *slog.Logger) (_ *program, err error) {
	sight := c.sight()
	f, err := c.settle(log)
	if err != nil {
		return nil, err
	}
	metrics, err := server.NewMetrics(f.registry, log)
	if err != nil {
		return nil, err
	}
	store, err := history.Open(history.Options{
		Path: c.DB, CallTTL: c.CallTTL, Zone: f.zone, Retention: time.Duration(c.Retention), Log: log,
		OnCommit: metrics.Committed,
	})
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, store.Close())
		}
	}()
	feed := server.NewFeed(0, 0)
	manager, err := c.policies(ctx, f, store, func(r engine.Report, _ *policy.Set) {
		metrics.Reloaded(r)
		feed.Reloaded(r)
	}, log)
	if err != nil {
		return nil, err
	}
	out, err := c.outlets(f.relay, store, manager, f.registry, log)
	if err != nil {
		return nil, err
	}
	router, err := engine.NewRouter(engine.RouterOptions{
		Judge: f.judge, Policies: manager, Preview: manager, Ledger: store, Observer: out.observers(metrics, feed), Render: f.render,
		Deadline: c.Deadline, PolicyDeadline: c.PolicyDeadline, MaxConcurrent: c.MaxConcurrent,
	})
	if err != nil {
		return nil, err
	}
	live := &settings{command: c, taken: sight, router: router, policies: manager, outlets: out, note: store.Note, log: log, files: f}
	repeats, err := c.repeats(f, store, manager)
	if err != nil {
		return nil, err
	}
	srv, err := server.New(server.Options{
		Listen: c.Listen, PrivateListen: c.PrivateListen, ReadyFile: c.ReadyFile,
		Secrets: f.secrets, KeyHeader: c.KeyHeader, Hosts: c.PrivateHost, Insecure: c.Insecure,
		TLS: f.tls, PrivateTLS: f.privateTLS, MaxConnections: c.MaxConnections, Pprof: c.Pprof, Hangup: f.hangup,
		Numbers: f.judge.Numbers, Zone: f.zone, Version: versions().Version, Log: log, Metrics: metrics,
		Router: router, Completer: store, History: store, Quarantine: store, Eraser: store, Clock: store, Policies: manager, Live: store, Feed: feed,
		Explainer: repeats.explainer, Replayer: repeats.replayer, Past: store,
		Relay: out.relay, Warn: func() []engine.Warning { return slices.Concat(out.relay.Warnings(), live.warnings()) },
		Fallback: f.judge.Fallback, FallbackDIDs: len(f.judge.DIDFallbacks), LogLevel: c.level,
	})
	if err != nil {
		return nil, err
	}
	live.server = srv
	return &program{store: store, manager: manager, server: srv, outlets: out, settings: live, fallbacks: f.judge.HasFallback()}, nil
}

// policies brings the first policy set into force, where there is one.
func (c *serveCmd) policies(ctx context.Context, f *settled, store *history.Store, onReload func(engine.Report, *policy.Set), log *slog.Logger) (*policy.Manager, error) {
	builtin, err := policy.FromFS(f.builtin)
	if err != nil {
		return nil, err
	}
	folder := cmp.Or(c.Policies, defaultFolder)
	if c.withoutFolder {
		folder = ""
	}
	manager, err := policy.NewManager(policy.ManagerOptions{
		Options: policy.Options{Numbers: f.judge.Numbers, Zone: f.zone, PolicyDeadline: c.PolicyDeadline, TestTimeout: c.TestTimeout, Log: log},
		Folder:  folder, Optional: c.Policies == "", Builtin: builtin, Archive: store,
		Recent:   func() []engine.Question { return store.Recent(recentQuestions) },
		View:     func(ctx context.Context) (engine.View, error) { return store.View(ctx, nil) },
		OnReload: onReload,
	})
	if err != nil {
		return nil, err
	}
	if err := manager.Start(ctx); err != nil {
		return nil, err
	}
	return manager, nil
}

// noAnswerError says that the server does not start: without any policy set and
// without a fallback no call could be answered. It names what is wrong, and where.
func noAnswerError(status engine.PolicyStatus) error {
	var text strings.Builder
	fmt.Fprintf(&text, "no policy set can serve and there is no fallback, so no call would get an answer; mend %s or give --fallback NUMBER", status.Folder)
	for _, p := range status.Reload.Errors {
		fmt.Fprint(&text, "\n  ")
		printProblem(&text, "error", p)
	}
	return &exitError{exitBroken, strings.TrimSuffix(text.String(), "\n")}
}

// serve runs until ctx ends. The watcher stops last but one, so that a reload
// asked for during the drain still gets its answer.
func (p *program) serve(ctx context.Context, log *slog.Logger) error {
	// From here on: before, a SIGHUP would end the process.
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)
	if err := p.server.Start(ctx); err != nil {
		return err
	}
	watch, stopWatch := context.WithCancel(context.WithoutCancel(ctx))
	defer stopWatch()
	var g errgroup.Group
	g.Go(func() error { return p.manager.Run(watch) })
	g.Go(func() error { return p.outlets.run(watch) })
	g.Go(func() error { return p.settings.run(watch, hangup) })

	var err error
	select {
	case <-ctx.Done():
		log.Info("stopping", "grace", shutdownGrace)
	case err = <-p.server.Failed():
		log.Error("stopping, because a listener failed", "error", err)
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownGrace)
	defer cancel()
	err = errors.Join(err, p.server.Shutdown(drain))
	stopWatch()
	return errors.Join(err, g.Wait())
}

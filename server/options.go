package server

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"switchboard/engine"
	"switchboard/server/certs"
	"switchboard/server/console"
)

// Defaults of Options.
const (
	DefaultListen        = "127.0.0.1:8080"
	DefaultPrivateListen = "127.0.0.1:8081"
	DefaultKeyHeader     = "X-Switchboard-Key"

	DefaultHeaderTimeout     = 5 * time.Second
	DefaultReadTimeout       = 5 * time.Second
	DefaultCompletionTimeout = 10 * time.Second
	DefaultIdleTimeout       = 2 * time.Minute
	DefaultPrivateTimeout    = 2 * time.Minute
	DefaultQuarantineGrace   = 50 * time.Millisecond
	DefaultHeartbeat         = 15 * time.Second
	DefaultWarningsEvery     = time.Second

	DefaultMaxConnections        = 8192
	DefaultMaxPrivateConnections = 512
)

// Options is what a Server works with. Zero values take the defaults above;
// what has none is required unless it says otherwise.
type Options struct {
	Listen        string // host:port of the webhooks; port 0 picks one
	PrivateListen string // host:port of console, API and metrics; port 0 picks one

	// Secrets open the listeners; SetSecrets changes them later.
	Secrets
	// KeyHeader is the header that carries a key.
	KeyHeader string
	// TLS and PrivateTLS are the listeners' certificates; nil speaks plain HTTP,
	// for loopback and for behind a proxy.
	TLS, PrivateTLS *certs.Files
	// MaxConnections and MaxPrivateConnections bound the connections of a
	// listener. Beyond them the most idle one is closed; so it is beyond what the
	// limit of open files leaves (conns.Fit).
	MaxConnections, MaxPrivateConnections int
	// Pprof serves Go's profiles on the private listener, to admins.
	Pprof bool
	// Hosts are further names, without port, under which people reach the
	// private listener. Optional.
	Hosts []string
	// Insecure lets the public listener stand open off loopback.
	Insecure bool

	// ReadyFile is written with the bound addresses once both listeners are up.
	// Optional.
	ReadyFile string

	HeaderTimeout     time.Duration // to read a request's header
	ReadTimeout       time.Duration // to read a whole request
	CompletionTimeout time.Duration // to store a completion before it is answered 503
	IdleTimeout       time.Duration // between two requests on a connection
	PrivateTimeout    time.Duration // to answer a request on the private listener
	QuarantineGrace   time.Duration // the longest an initiation's answer waits for its quarantine
	Heartbeat         time.Duration // between two signs of life on a stream without events
	WarningsEvery     time.Duration // between two looks at the warnings, for the event that tells of new ones

	Numbers *engine.Numbers
	Zone    *time.Location // for dates without a time; default UTC
	Version string         // optional
	Log     *slog.Logger   // default slog.Default
	// LogLevel is Log's level, which the API changes; nil where it can't.
	LogLevel *slog.LevelVar
	Metrics  *Metrics // see NewMetrics
	Now      func() time.Time

	Router     Router
	Completer  Completer
	History    History
	Quarantine Quarantine
	Eraser     Eraser
	Clock      Clock
	Policies   Policies
	Live       engine.LiveData // what backends keep up to date for the policies

	// Feed holds the events of GET /api/v1/events: completions and quarantined
	// payloads by the server's own doing, decisions where it is the router's
	// Observer, reloads where it is told. Default: one of its own.
	Feed *Feed

	// Explainer explains recorded decisions, and Replayer puts them to other
	// policies. Optional.
	Explainer engine.Explainer
	Replayer  engine.Replayer

	// Past shows the console the history as a decision saw it. Optional.
	Past console.Past

	// Relay delivers to other systems. Optional.
	Relay Relay

	// Hangup ends calls through the provider. Optional.
	Hangup Hangup

	// Fallback is the global fallback number, empty for none, and FallbackDIDs
	// how many DIDs have their own: status tells. SetFallbacks changes them later.
	Fallback     string
	FallbackDIDs int
	// Warn adds to the warnings in status. Optional.
	Warn func() []engine.Warning
}

// validate fills in the defaults and names the field at fault.
func (o *Options) validate() error {
	orDefault(&o.Listen, DefaultListen)
	orDefault(&o.PrivateListen, DefaultPrivateListen)
	orDefault(&o.KeyHeader, DefaultKeyHeader)
	orDefault(&o.Zone, time.UTC)
	orDefault(&o.MaxConnections, DefaultMaxConnections)
	orDefault(&o.MaxPrivateConnections, DefaultMaxPrivateConnections)
	if o.MaxConnections < 1 || o.MaxPrivateConnections < 1 {
		return errors.New("server: MaxConnections and MaxPrivateConnections must be at least 1")
	}
	orDefault(&o.Log, slog.Default())
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Relay == nil {
		o.Relay = noRelay{}
	}
	if o.Feed == nil {
		o.Feed = NewFeed(0, 0)
	}
	if err := o.validatePorts(); err != nil {
		return err
	}
	for _, d := range []struct {
		name     string
		value    *time.Duration
		standard time.Duration
	}{
		{"HeaderTimeout", &o.HeaderTimeout, DefaultHeaderTimeout},
		{"ReadTimeout", &o.ReadTimeout, DefaultReadTimeout},
		{"CompletionTimeout", &o.CompletionTimeout, DefaultCompletionTimeout},
		{"IdleTimeout", &o.IdleTimeout, DefaultIdleTimeout},
		{"PrivateTimeout", &o.PrivateTimeout, DefaultPrivateTimeout},
		{"QuarantineGrace", &o.QuarantineGrace, DefaultQuarantineGrace},
		{"Heartbeat", &o.Heartbeat, DefaultHeartbeat},
		{"WarningsEvery", &o.WarningsEvery, DefaultWarningsEvery},
	} {
		orDefault(d.value, d.standard)
		if *d.value < 0 {
			return fmt.Errorf("server: %s is %v; it must be positive", d.name, *d.value)
		}
	}
	return o.CheckExposure()
}

func (o *Options) validatePorts() error {
	for _, p := range []struct {
		name    string
		missing bool
	}{
		{"Numbers", o.Numbers == nil}, {"Metrics", o.Metrics == nil}, {"Router", o.Router == nil},
		{"Completer", o.Completer == nil}, {"History", o.History == nil},
		{"Quarantine", o.Quarantine == nil}, {"Eraser", o.Eraser == nil}, {"Clock", o.Clock == nil}, {"Policies", o.Policies == nil}, {"Live", o.Live == nil},
	} {
		if p.missing {
			return fmt.Errorf("server: %s is missing", p.name)
		}
	}
	return nil
}

// CheckExposure tells whether the listeners may stand where Listen and
// PrivateListen say, with the secrets given. New checks it too; a program that
// asks first refuses a wrong flag before it opens anything.
func (o *Options) CheckExposure() error {
	orDefault(&o.KeyHeader, DefaultKeyHeader)
	if err := o.checkSecrets(); err != nil {
		return err
	}
	if strings.ContainsAny(o.KeyHeader, " :\t\r\n") || http.CanonicalHeaderKey(o.KeyHeader) == "Authorization" {
		return fmt.Errorf("server: KeyHeader %q cannot carry the secret; name a header such as %s", o.KeyHeader, DefaultKeyHeader)
	}
	open, err := offLoopback(o.Listen)
	if err != nil {
		return fmt.Errorf("server: Listen: %w", err)
	}
	if open && !o.mayOpen() {
		return fmt.Errorf("server: Listen is %s, which others can reach, and no secret guards it; set --key (and enter it at the provider), listen on 127.0.0.1, or say --insecure", o.Listen)
	}
	if open, err = offLoopback(o.PrivateListen); err != nil {
		return fmt.Errorf("server: PrivateListen: %w", err)
	}
	if open && !o.hasToken() {
		return fmt.Errorf("server: PrivateListen is %s, which others can reach, and no token guards it; set --private-token or listen on 127.0.0.1", o.PrivateListen)
	}
	return nil
}

// mayOpen reports whether the public listener may be reached from elsewhere.
func (o *Options) mayOpen() bool { return len(o.Keys) > 0 || o.Insecure }

func (o *Options) hasToken() bool { return len(o.Tokens) > 0 }

// offLoopback reports whether an address can be reached from another machine. A
// name other than localhost counts as such: it may resolve to anything.
func offLoopback(address string) (bool, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false, fmt.Errorf("%q is no address; write host:port, such as %s", address, DefaultListen)
	}
	if strings.EqualFold(host, "localhost") {
		return false, nil
	}
	ip := net.ParseIP(host)
	return ip == nil || !ip.IsLoopback(), nil
}

func orDefault[T comparable](v *T, d T) {
	var zero T
	if *v == zero {
		*v = d
	}
}

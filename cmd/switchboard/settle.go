package main

import (
	"fmt"
	"io/fs"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"switchboard/engine"
	"switchboard/policies"
	"switchboard/server"
	"switchboard/server/alohaa"
	"switchboard/server/certs"
	"switchboard/server/hangup"
	"switchboard/server/relay"
)

// settled is what serve's flags come to once they have been checked.
type settled struct {
	judge           engine.Judge
	zone            *time.Location
	secrets         server.Secrets
	tls, privateTLS *certs.Files
	render          func(engine.Decision) engine.Reply
	registry        *prometheus.Registry
	builtin         fs.FS
	relay           relay.Options
	hangup          *hangup.Client
}

// settle checks the flags and reads the files that they name.
func (c *serveCmd) settle(log *slog.Logger) (*settled, error) {
	f, err := c.check()
	if err != nil {
		return nil, err
	}
	if f.tls, err = certificate("tls", c.TLSCert, c.TLSKey, log); err != nil {
		return nil, err
	}
	if f.privateTLS, err = certificate("private-tls", c.PrivateTLSCert, c.PrivateTLSKey, log); err != nil {
		return nil, err
	}
	return f, nil
}

// check is settle without the certificates.
func (c *serveCmd) check() (*settled, error) {
	f := &settled{registry: prometheus.NewRegistry(), builtin: policies.Files}
	f.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	numbers, err := c.numbers()
	if err != nil {
		return nil, err
	}
	if f.zone, err = c.zone(); err != nil {
		return nil, err
	}
	if f.judge, err = c.fallbackFlags.judge(numbers); err != nil {
		return nil, err
	}
	if f.secrets, err = c.secrets(); err != nil {
		return nil, err
	}
	if f.relay, err = c.relayFlags.settle(); err != nil {
		return nil, err
	}
	if f.hangup, err = c.hangupFlags.client(); err != nil {
		return nil, err
	}
	if err := (&server.Options{
		Listen: c.Listen, PrivateListen: c.PrivateListen, KeyHeader: c.KeyHeader, Secrets: f.secrets, Insecure: c.Insecure,
	}).CheckExposure(); err != nil {
		return nil, err
	}
	mode, err := alohaa.ParseRejectMode(c.RejectWith, numbers)
	if err != nil {
		return nil, fmt.Errorf("--reject-with: %w", err)
	}
	f.render = alohaa.Render(mode)
	for name, d := range map[string]time.Duration{"--deadline": c.Deadline, "--policy-deadline": c.PolicyDeadline, "--call-ttl": c.CallTTL} {
		if d <= 0 {
			return nil, fmt.Errorf("%s is %v; it must be longer than nothing", name, d)
		}
	}
	if err := c.trial.check(); err != nil {
		return nil, err
	}
	if c.PolicyDeadline >= c.Deadline {
		return nil, fmt.Errorf("--policy-deadline (%v) must be shorter than --deadline (%v), or nothing is left for the fallback", c.PolicyDeadline, c.Deadline)
	}
	if c.MaxConnections < 1 {
		return nil, fmt.Errorf("--max-connections is %d; it must be at least 1", c.MaxConnections)
	}
	if c.MaxConcurrent < 1 {
		return nil, fmt.Errorf("--max-concurrent is %d; it must be at least 1", c.MaxConcurrent)
	}
	return f, nil
}

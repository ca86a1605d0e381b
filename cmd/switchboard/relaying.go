package main

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"switchboard/engine"
	"switchboard/engine/history"
	"switchboard/engine/policy"
	"switchboard/server/ops"
	"switchboard/server/relay"
)

// relayFlags say where completions and operational events go.
type relayFlags struct {
	Relay             []string      `sep:"none" secret:"url" placeholder:"[NAME=]URL" help:"Deliver completions, joined with their decisions, to this address; repeat it for more."`
	Notify            []string      `sep:"none" secret:"url" placeholder:"[NAME=]URL" help:"Tell this address when the server needs somebody to look at it; repeat it for more."`
	RelaySecret       []string      `sep:"none" secret:"named" placeholder:"[NAME=]SECRET" help:"Secret (whsec_...) that signs what is sent; repeat it to rotate. With a name, that target's alone."`
	RelaySecretFile   string        `placeholder:"FILE" help:"The same from a file, one a line."`
	RelayAllowPrivate bool          `help:"Let relay and notify addresses be inside a network, without TLS too."`
	RelayParallel     int           `default:"8" help:"Messages under way to one target at once."`
	RelayTimeout      time.Duration `default:"15s" help:"Bound on one attempt to deliver."`
	RelayGiveUp       age           `default:"24h" help:"A message that fails for so long is a dead letter (switchboard relay list)."`

	NotifyFallbackShare float64       `default:"0.1" help:"Share of the calls that may go to a fallback before somebody is told."`
	NotifyWindow        time.Duration `default:"5m" help:"The time over which that share is taken."`
	NotifySilence       time.Duration `default:"1h" help:"How long no completion may come, while calls are decided, before somebody is told."`
}

// settle checks the flags and reads the secrets.
func (f relayFlags) settle() (o relay.Options, err error) {
	o.AllowPrivate, o.Parallel, o.Timeout, o.GiveUp = f.RelayAllowPrivate, f.RelayParallel, f.RelayTimeout, time.Duration(f.RelayGiveUp)
	for _, list := range []struct {
		flag  string
		given []string
		into  *[]relay.Target
	}{{"relay", f.Relay, &o.Targets}, {"notify", f.Notify, &o.Notify}} {
		for _, text := range list.given {
			t, err := relay.ParseTarget(text, f.RelayAllowPrivate)
			if err != nil {
				return o, fmt.Errorf("--%s: %w", list.flag, err)
			}
			*list.into = append(*list.into, t)
		}
	}
	if len(o.Targets)+len(o.Notify) == 0 {
		return o, nil
	}
	if f.RelayParallel < 1 || f.RelayTimeout <= 0 || f.RelayGiveUp <= 0 {
		return o, fmt.Errorf("--relay-parallel is %d, --relay-timeout %v and --relay-give-up %v; all must be more than nothing",
			f.RelayParallel, f.RelayTimeout, time.Duration(f.RelayGiveUp))
	}
	// A share that is no number (NaN) is neither above nor below any.
	if !(f.NotifyFallbackShare > 0 && f.NotifyFallbackShare <= 1) || min(f.NotifyWindow, f.NotifySilence) <= 0 || max(f.NotifyWindow, f.NotifySilence) > ops.MaxTime {
		return o, fmt.Errorf("--notify-fallback-share is %v, --notify-window %v and --notify-silence %v; the share is above 0 and at most 1, the times are more than nothing and at most a day",
			f.NotifyFallbackShare, f.NotifyWindow, f.NotifySilence)
	}
	signing, err := f.signing()
	if err != nil {
		return o, err
	}
	if err := relay.Assign(signing, o.Targets, o.Notify); err != nil {
		return o, fmt.Errorf("--relay, --notify or --relay-secret: %w", err)
	}
	return o, nil
}

func (f relayFlags) signing() ([]string, error) {
	return secretLines("relay-secret", f.RelaySecret, f.RelaySecretFile)
}

// outlets are the parts of the program that tell others.
type outlets struct {
	relay *relay.Relay
	watch *ops.Watch // nil where nobody is to be told
}

// outlets builds them over what they read.
func (f relayFlags) outlets(o relay.Options, store *history.Store, manager *policy.Manager, registry *prometheus.Registry, log *slog.Logger) (*outlets, error) {
	o.Log, o.Outbox, o.Version, o.Logger = store, store, versions().Version, log
	r, err := relay.New(o)
	if err != nil {
		return nil, err
	}
	if err := r.Register(registry); err != nil {
		return nil, err
	}
	out := &outlets{relay: r}
	if len(o.Notify) == 0 {
		return out, nil
	}
	out.watch, err = ops.New(ops.Options{
		Store: store.Status, Policies: manager.Status, Notify: r.Notify, Log: log,
		FallbackShare: f.NotifyFallbackShare, Window: f.NotifyWindow, Silence: f.NotifySilence,
	})
	return out, err
}

// observers adds who counts decisions for it.
func (o *outlets) observers(others ...engine.Observer) engine.Observers {
	if o.watch != nil {
		others = append(others, o.watch)
	}
	return others
}

// secrets checks the secrets of other flags; sign puts them into force.
func (o *outlets) secrets(f relayFlags) (sign func(), err error) {
	signing, err := f.signing()
	if err != nil {
		return nil, err
	}
	if sign, err = o.relay.Secrets(signing); err != nil {
		return nil, fmt.Errorf("--relay-secret: %w", err)
	}
	return sign, nil
}

// run tells until ctx ends.
func (o *outlets) run(ctx context.Context) error {
	var g errgroup.Group
	g.Go(func() error { return o.relay.Run(ctx) })
	if o.watch != nil {
		g.Go(func() error { return o.watch.Run(ctx) })
	}
	return g.Wait()
}

package relay

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"switchboard/engine"
)

// Relay delivers to all targets. Its methods may be called from any goroutine;
// Run once.
type Relay struct {
	o      Options
	calls  []*calls
	events []*events
	took   *prometheus.HistogramVec

	registered bool // written by New and Run alone
}

// New checks the options and registers the targets in the outbox: from then on
// nothing that reaches the log is missed. Without targets it notes that those of
// before are gone. Where the disk does not take that now, calls are to be
// answered all the same: Run tries again.
func New(o Options) (*Relay, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	r := &Relay{o: o, took: attemptSeconds()}
	for _, t := range o.Targets {
		s, err := newSender(t, &r.o)
		if err != nil {
			return nil, err
		}
		r.calls = append(r.calls, newCalls(t, s, &r.o, r.observer(t.ID)))
	}
	for _, t := range o.Notify {
		s, err := newSender(t, &r.o)
		if err != nil {
			return nil, err
		}
		r.events = append(r.events, newEvents(t, s, &r.o, r.observer(t.ID)))
	}
	if err := r.register(); err != nil {
		o.Logger.Error("the relay's targets can't be registered in the database; it is tried again", "error", err)
	}
	return r, nil
}

// register tells the outbox of the targets, and the targets how far they are.
func (r *Relay) register() error {
	ids := make([]string, len(r.calls))
	for i, c := range r.calls {
		ids[i] = c.id
	}
	states, err := r.o.Outbox.RelayRegister(ids)
	if err != nil {
		return err
	}
	for _, c := range r.calls {
		c.begin(states[c.id])
	}
	r.registered = true
	return nil
}

func (r *Relay) observer(id string) func(time.Duration) {
	o := r.took.WithLabelValues(id)
	return func(d time.Duration) { o.Observe(d.Seconds()) }
}

// Secrets checks other secrets, given as to Assign. With take each attempt from
// then on is signed with them.
func (r *Relay) Secrets(secrets []string) (take func(), err error) {
	if len(r.calls)+len(r.events) == 0 {
		return func() {}, nil // they are for nobody
	}
	targets, notify := slices.Clone(r.o.Targets), slices.Clone(r.o.Notify)
	if err := Assign(secrets, targets, notify); err != nil {
		return nil, err
	}
	var changes []func()
	for i, t := range slices.Concat(targets, notify) {
		keys, err := t.keys()
		if err != nil {
			return nil, err
		}
		var s *sender
		if i < len(targets) {
			s = r.calls[i].sender
		} else {
			s = r.events[i-len(targets)].sender
		}
		changes = append(changes, func() { s.keys.Store(&keys) })
	}
	return func() {
		for _, change := range changes {
			change()
		}
	}, nil
}

// Run delivers until ctx ends and returns when what was under way is done, or
// was cut off after a few seconds. What is not delivered waits on disk.
func (r *Relay) Run(ctx context.Context) error {
	var all sync.WaitGroup
	for _, e := range r.events {
		all.Go(func() { e.run(ctx) })
	}
	for !r.registered {
		select {
		case <-ctx.Done():
			all.Wait()
			return nil
		case <-time.After(ourPause):
			_ = r.register() // New has logged why
		}
	}
	for _, c := range r.calls {
		all.Go(func() { c.run(ctx) })
	}
	all.Wait()
	return nil
}

// Targets tells how all targets stand, those included that are not configured
// any more.
func (r *Relay) Targets() []engine.RelayTarget {
	out := []engine.RelayTarget{}
	end := r.o.Log.RelayEnd()
	for _, c := range r.calls {
		out = append(out, c.status(end))
	}
	for _, e := range r.events {
		out = append(out, e.status())
	}
	removed, err := r.o.Outbox.RelayRemoved()
	if err != nil {
		r.o.Logger.Error("the relay's removed targets can't be read", "error", err)
	}
	for _, id := range slices.Sorted(maps.Keys(removed)) {
		out = append(out, engine.RelayTarget{ID: id, Kind: engine.RelayCalls, State: engine.RelayRemoved, Dead: removed[id]})
	}
	return out
}

// Dead lists letters that were given up, in order of target and sequence number,
// at most limit of those after (target, seq); of one target alone where only
// names it.
func (r *Relay) Dead(only, target string, seq uint64, limit int) ([]engine.DeadLetter, error) {
	return r.o.Outbox.RelayDead(only, target, seq, limit)
}

// Retry lets a letter that was given up be sent again, as if it were new. It
// reports false for an unknown letter, and fails with engine.ErrTargetUnknown or
// engine.ErrLetterGone where it can't be sent.
func (r *Relay) Retry(target string, seq uint64) (found bool, err error) {
	c := r.target(target)
	if c == nil {
		all, err := r.o.Outbox.RelayDead(target, target, seq-1, 1)
		if err != nil || len(all) == 0 || all[0].Letter.Seq != seq {
			return false, err
		}
		return true, engine.ErrTargetUnknown
	}
	l, dead, err := r.o.Outbox.RelayRevive(target, seq)
	switch {
	case err != nil || l == nil:
		return false, err
	case l.Gone:
		return true, engine.ErrLetterGone
	}
	c.revive(*l, dead)
	return true, nil
}

// Delete deletes a letter that was given up; it reports false for an unknown
// one.
func (r *Relay) Delete(target string, seq uint64) (found bool, err error) {
	found, dead, err := r.o.Outbox.RelayDelete(target, seq)
	if c := r.target(target); c != nil && found && err == nil {
		c.buried(dead)
	}
	return found, err
}

func (r *Relay) target(id string) *calls {
	for _, c := range r.calls {
		if c.id == id {
			return c
		}
	}
	return nil
}

package relay

import (
	"context"
	"crypto/rand"
	"strings"
	"sync"
	"time"

	"switchboard/engine"
)

// Events are news of the moment: they live in memory, and old ones are of no use.
const (
	maxEvents   = 100
	eventGiveUp = time.Hour
	eventPause  = 5 * time.Minute // the longest between two attempts
)

// events delivers operational events to one target, in their order.
type events struct {
	id, label string
	o         *Options
	sender    *sender
	observe   func(time.Duration)

	mu      sync.Mutex
	queue   []event
	health  health
	counts  struct{ delivered, failed, dropped uint64 }
	success int64

	wake chan struct{} // of capacity one
}

// event is a message on its way.
type event struct {
	id       string
	at       time.Time
	body     []byte
	attempts int
}

func newEvents(t Target, s *sender, o *Options, observe func(time.Duration)) *events {
	return &events{id: t.ID, label: t.Label(), o: o, sender: s, observe: observe, wake: make(chan struct{}, 1)}
}

// Notify sends an operational event to all notify targets. It does not wait, and
// data must not be changed afterwards.
func (r *Relay) Notify(kind string, at time.Time, data any) {
	if len(r.events) == 0 {
		return
	}
	body, err := encode(message{Type: kind, Version: Version, Timestamp: at.UTC(), Data: data})
	if err != nil {
		r.o.Logger.Error("an operational event can't be told", "type", kind, "error", err)
		return
	}
	e := event{id: "msg_" + strings.ToLower(rand.Text()), at: at, body: body}
	for _, t := range r.events {
		t.add(e)
	}
}

func (t *events) add(e event) {
	t.mu.Lock()
	t.queue = append(t.queue, e)
	if len(t.queue) > maxEvents {
		t.queue = t.queue[1:]
		t.counts.dropped++
	}
	t.mu.Unlock()
	select {
	case t.wake <- struct{}{}:
	default:
	}
}

// run delivers until ctx ends; what is left then gets one attempt each.
func (t *events) run(ctx context.Context) {
	defer t.sender.close()
	for {
		wait := t.step(ctx)
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			t.last(ctx)
			return
		case <-t.wake:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// step sends the first event where it may go, and says how long to wait.
func (t *events) step(ctx context.Context) time.Duration {
	t.mu.Lock()
	now := time.Now()
	for len(t.queue) > 0 && now.Sub(t.queue[0].at) > eventGiveUp && t.queue[0].attempts > 0 {
		t.queue = t.queue[1:]
		t.counts.dropped++
	}
	wait := t.health.until.Sub(now)
	if len(t.queue) == 0 || wait > 0 {
		idle := len(t.queue) == 0
		t.mu.Unlock()
		if idle {
			return time.Hour
		}
		return wait
	}
	e := t.queue[0]
	t.mu.Unlock()
	out := t.sender.send(ctx, e.id, e.body)
	if out.verdict == interrupted {
		return time.Hour
	}
	t.observe(out.took)
	t.finish(e, out)
	return 0
}

func (t *events) finish(e event, out outcome) {
	t.mu.Lock()
	defer t.mu.Unlock()
	first := len(t.queue) > 0 && t.queue[0].id == e.id // else it was dropped meanwhile
	now := time.Now()
	if out.verdict == delivered {
		t.counts.delivered++
		t.success = now.UnixNano()
		t.health.succeeded()
	} else {
		t.counts.failed++
		t.health.failed(now, out, true)
		d := max(pause(t.health.streak, eventPause), out.retryAfter)
		t.health.until = now.Add(d)
		if t.health.streak == 1 || out.verdict == refused {
			t.o.Logger.Warn("an operational event could not be delivered", "target", t.id, "error", out.why)
		}
	}
	switch {
	case !first:
	case out.verdict == delivered:
		t.queue = t.queue[1:]
	case out.verdict == refused:
		t.queue = t.queue[1:]
		t.counts.dropped++
	default:
		t.queue[0].attempts++
	}
}

// last gives what is left a try, inside the time there is for stopping.
func (t *events) last(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainGrace)
	defer cancel()
	t.mu.Lock()
	left := t.queue
	t.mu.Unlock()
	for _, e := range left {
		if out := t.sender.send(ctx, e.id, e.body); out.verdict != delivered {
			t.o.Logger.Warn("operational events were not delivered before the end", "target", t.id, "error", out.why)
			return
		}
	}
}

func (t *events) status() engine.RelayTarget {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := engine.RelayTarget{
		ID: t.id, Kind: engine.RelayEvents, URL: t.label, State: engine.RelayIdle, Waiting: len(t.queue),
		Delivered: t.counts.delivered, Failed: t.counts.failed, Dropped: t.counts.dropped,
		LastSuccess: t.success, LastFailure: t.health.at, LastError: t.health.why,
	}
	t.health.tell(&s)
	switch {
	case t.health.failing():
		s.State = engine.RelayPaused
	case len(t.queue) > 0 && t.health.streak > 0:
		s.State = engine.RelayRetrying
	case len(t.queue) > 0:
		s.State = engine.RelayDelivering
	}
	if len(t.queue) > 0 {
		s.Oldest = t.queue[0].at.UnixNano()
	}
	return s
}

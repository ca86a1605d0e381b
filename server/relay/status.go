package relay

import (
	"cmp"
	"fmt"
	"time"

	"switchboard/engine"
)

// status tells how the target stands; end is the log's last sequence number.
func (c *calls) status(end uint64) engine.RelayTarget {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := engine.RelayTarget{
		ID: c.id, Kind: engine.RelayCalls, URL: c.label,
		Waiting: len(c.win.items), Unread: end - min(end, c.cursor), Dead: c.dead + len(c.outbox.dead),
		Delivered: c.counts.delivered, Failed: c.counts.failed,
		Oldest: c.win.oldest(), LastSuccess: c.success, LastFailure: c.health.at, LastError: c.health.why,
	}
	c.health.tell(&t)
	switch {
	case c.health.stopped:
		t.State = engine.RelayStopped
	case c.full:
		t.State = engine.RelayFull
	case c.health.failing():
		t.State = engine.RelayPaused
	case t.Waiting == 0 && t.Unread == 0:
		t.State = engine.RelayIdle
	case c.sending == 0 && t.Waiting > 0:
		t.State = engine.RelayRetrying
	default:
		t.State = engine.RelayDelivering
	}
	return t
}

// tell fills in what concerns the target as a whole.
func (h *health) tell(t *engine.RelayTarget) {
	if h.streak > 0 {
		t.FailingSince = h.since.UnixNano()
	}
	if !h.until.IsZero() && !h.stopped {
		t.NextAttempt = h.until.UnixNano()
	}
}

// lateAfter is how old a message may get before status warns.
const lateAfter = 15 * time.Minute

// Warnings are what somebody should look at.
func (r *Relay) Warnings() (w []engine.Warning) {
	now := time.Now()
	for _, t := range r.Targets() {
		w = append(w, warnings(now, t)...)
	}
	return w
}

func warnings(now time.Time, t engine.RelayTarget) (w []engine.Warning) {
	add := func(code, hint, format string, args ...any) {
		w = append(w, engine.Warning{Code: code, About: t.ID, Message: fmt.Sprintf(format, args...), Hint: hint})
	}
	waits := ""
	if t.Oldest != 0 {
		waits = fmt.Sprintf(" %d messages wait, the oldest for %v, and %d records of the log behind them.",
			t.Waiting, now.Sub(time.Unix(0, t.Oldest)).Round(time.Second), t.Unread)
	}
	const receiver = "Look at its receiver."
	switch {
	case t.State == engine.RelayStopped:
		add("relay_stopped", "Remove it, or mend it and restart, or retry one of its dead letters.",
			"The relay target %s answered 410 (gone), so nothing is sent to it.%s", t.ID, waits)
	case t.State == engine.RelayFull:
		add("relay_full", "Retry or delete them: switchboard relay list.",
			"The relay target %s has %d dead letters, the most that are kept, so what it refuses waits.%s", t.ID, t.Dead, waits)
	case t.State == engine.RelayPaused:
		add("relay_paused", receiver+" It is tried at least every minute.", "The relay target %s fails since %s (%s).%s", t.ID,
			time.Unix(0, t.FailingSince).UTC().Format(time.RFC3339), t.LastError, waits)
	case t.Oldest != 0 && now.Sub(time.Unix(0, t.Oldest)) > lateAfter:
		add("relay_late", receiver, "The relay target %s is late.%s Its latest error: %s.", t.ID, waits, cmp.Or(t.LastError, "none"))
	}
	if t.Dead > 0 && t.State != engine.RelayFull {
		add("relay_dead", "Look at switchboard relay list; retry or delete them.", "%d messages to the relay target %s were given up.", t.Dead, t.ID)
	}
	if t.Dropped > 0 {
		add("notify_dropped", receiver, "%d operational events to %s were dropped; its latest error: %s.", t.Dropped, t.ID, cmp.Or(t.LastError, "none"))
	}
	return w
}

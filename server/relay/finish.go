package relay

import (
	"slices"
	"time"

	"switchboard/engine"
)

// changes is what the disk does not know yet.
type changes struct {
	delivered []uint64 // letters that the disk knows as waiting
	dead      []engine.RelayLetter
	soon      bool   // there is something that would be done again
	cursor    uint64 // the cursor on disk
	next      time.Time
}

type saveResult struct {
	c    engine.RelayChanges
	dead int
	err  error
	took time.Duration
}

// finish takes in what an attempt came to.
func (c *calls) finish(r result) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sending--
	now, it := time.Now(), r.it
	switch r.out.verdict {
	case delivered:
		c.counts.delivered++
		c.success = now.UnixNano()
		if c.health.succeeded() {
			c.o.Logger.Info("the relay target takes messages again", "target", c.id)
			c.win.hasten()
		}
		c.out(it)
	case vanished:
		c.out(it)
	case interrupted:
		c.win.again(it)
	case ourselves:
		it.Next = now.Add(ourPause).UnixNano()
		c.win.again(it)
	default:
		c.failure(now, it, r.out)
	}
}

// out takes a letter out that needs nothing more.
func (c *calls) out(it *item) {
	c.win.done(it)
	c.outbox.soon = true
	if it.stored {
		c.outbox.delivered = append(c.outbox.delivered, it.Seq)
	}
}

// failure lets a letter wait for another attempt, or gives it up.
func (c *calls) failure(now time.Time, it *item, out outcome) {
	c.counts.failed++
	it.Attempts++
	if it.First == 0 {
		it.First = now.UnixNano()
	}
	it.Status, it.Error, it.changed = out.status, out.why, true
	it.wide = out.verdict == failedWide || out.verdict == stopped
	if c.health.failed(now, out, it.wide) {
		c.o.Logger.Warn("the relay target fails altogether; it gets one attempt from time to time", "target", c.id, "error", out.why)
	}
	if out.verdict == stopped {
		c.health.stopped = true
		c.o.Logger.Error("the relay target says that it is gone; nothing is sent to it until a restart or a retry of a dead letter", "target", c.id)
	}
	d := max(pause(it.Attempts, maxPause), out.retryAfter)
	if c.hopeless(now, it, out.verdict) {
		if c.bury(now, it) {
			return
		}
		d = maxPause
	} else if last := time.Unix(0, it.First).Add(c.o.GiveUp).Sub(now); last > 0 {
		d = min(d, max(last, firstPause)) // the last attempt is at the end of the time there is
	}
	it.Next = now.Add(d).UnixNano()
	c.win.again(it)
	c.outbox.soon = true
}

// hopeless reports whether a letter that just failed is to be given up.
func (c *calls) hopeless(now time.Time, it *item, v verdict) bool {
	return v == refused ||
		v != stopped && it.Attempts >= giveUpAfter && now.UnixNano()-it.First >= int64(c.o.GiveUp)
}

// bury gives a letter up; false where there is no room for more dead ones.
func (c *calls) bury(now time.Time, it *item) bool {
	if c.dead+len(c.outbox.dead) >= engine.MaxDeadLetters {
		c.full = true
		return false
	}
	it.Died, it.Next = now.UnixNano(), 0
	c.win.done(it)
	c.outbox.dead = append(c.outbox.dead, it.RelayLetter)
	c.outbox.soon = true
	c.o.Logger.Warn("a message was given up; switchboard relay list names it", "target", c.id, "record", it.Seq,
		"attempts", it.Attempts, "error", it.Error)
	return true
}

// save writes down what changed, beside deliveries, when it is time to, and says
// how long there is nothing to write. c.mu is held.
func (c *calls) save(now time.Time) time.Duration {
	o := &c.outbox
	every := saveIdle
	if o.soon {
		every = saveSoon
	}
	at := o.next.Add(every)
	switch {
	case c.saving || !o.soon && c.cursor == o.cursor:
		return time.Hour
	case o.next.IsZero():
		o.next = now // the first change starts the clock
		return every
	case now.Before(at):
		return at.Sub(now)
	}
	c.saving = true
	pending := c.pending()
	go func() { c.saved <- c.write(pending) }()
	return time.Hour
}

// pending is what the disk should learn; what fails to get there comes back by
// keep. c.mu is held.
func (c *calls) pending() engine.RelayChanges {
	o := &c.outbox
	p := engine.RelayChanges{Cursor: c.cursor, Delivered: o.delivered, Dead: slices.Clone(o.dead)}
	for _, it := range c.win.items {
		if !it.stored || it.changed {
			p.Waiting = append(p.Waiting, it.RelayLetter)
			it.stored, it.changed = true, false
		}
	}
	o.delivered, o.soon = nil, false
	return p
}

func (c *calls) write(p engine.RelayChanges) saveResult {
	began := time.Now()
	dead, err := c.o.Outbox.RelaySave(c.id, p)
	return saveResult{p, dead, err, time.Since(began)}
}

// keep takes in whether the disk took the changes.
func (c *calls) keep(s saveResult) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.saving = false
	o := &c.outbox
	o.next = time.Now().Add(max(0, saveShare*s.took-saveSoon))
	if s.err != nil {
		c.o.Logger.Error("the relay can't write down how far it is; after a crash some messages would come again", "target", c.id, "error", s.err)
		o.delivered, o.soon = append(o.delivered, s.c.Delivered...), true
		o.next = o.next.Add(ourPause)
		for _, l := range s.c.Waiting {
			if it := c.win.items[l.Seq]; it != nil {
				it.changed = true
			}
		}
		return
	}
	c.dead, o.cursor = s.dead, s.c.Cursor
	// Those that were written are on disk; new ones may have come meanwhile.
	o.dead = o.dead[len(s.c.Dead):]
}

// saveLast writes everything down at the end.
func (c *calls) saveLast() {
	c.mu.Lock()
	p := c.pending()
	changed := p.Cursor != c.outbox.cursor || len(p.Waiting)+len(p.Delivered)+len(p.Dead) > 0
	c.mu.Unlock()
	if !changed {
		return
	}
	if s := c.write(p); s.err != nil {
		c.o.Logger.Error("the relay could not write down how far it is; some messages will come again", "target", c.id, "error", s.err)
	}
}

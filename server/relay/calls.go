package relay

import (
	"context"
	"sync"
	"time"

	"switchboard/engine"
)

// How often a target's place is written down: soon where something was
// delivered, or it would come again after a crash; else it costs a reading of
// the log only.
const (
	saveSoon = 250 * time.Millisecond
	saveIdle = 5 * time.Second
	// A slow disk is asked less often: it has calls to write down.
	saveShare = 20
)

// drainGrace is how long a stopping relay waits for what is under way.
const drainGrace = 5 * time.Second

// ourPause is the pause after our own store failed.
const ourPause = time.Second

// calls delivers completions to one target. One goroutine runs it; its state is
// guarded for those who ask how it stands.
type calls struct {
	id, label string
	o         *Options
	sender    *sender
	observe   func(took time.Duration)

	mu      sync.Mutex
	win     *window
	cursor  uint64 // the log was read up to here
	sending int
	reading bool
	health  health
	dead    int
	full    bool // a letter should be given up and there is no room
	outbox  changes
	counts  struct{ delivered, failed uint64 }
	success int64
	saving  bool

	requests chan reading // to the reader
	batches  chan batch
	results  chan result
	saved    chan saveResult
	wake     chan struct{} // of capacity one
}

type reading struct {
	after uint64
	limit int
}

type batch struct {
	entries []engine.RelayEntry
	through uint64
}

type result struct {
	it  *item
	out outcome
}

func newCalls(t Target, s *sender, o *Options, observe func(time.Duration)) *calls {
	return &calls{
		id: t.ID, label: t.Label(), o: o, sender: s, observe: observe, win: newWindow(),
		requests: make(chan reading, 1), batches: make(chan batch, 1), results: make(chan result, o.Parallel),
		saved: make(chan saveResult, 1), wake: make(chan struct{}, 1),
	}
}

// begin takes in how far the target is.
func (c *calls) begin(s engine.RelayState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cursor, c.dead, c.outbox.cursor = s.Cursor, s.Dead, s.Cursor
	for _, l := range s.Waiting {
		c.win.add(l, true)
	}
	log := c.o.Logger.With("target", c.id, "url", c.label)
	switch {
	case s.Skipped > 0:
		log.Warn("a relay target is back after too long; it begins anew, and the records of that time are not sent", "records", s.Skipped)
	case s.New:
		log.Info("a new relay target; it gets what completes from now on")
	default:
		log.Info("relaying", "waiting", len(s.Waiting), "dead_letters", s.Dead)
	}
}

// run delivers until ctx ends, then waits a moment for what is under way and
// writes down how far it came.
func (c *calls) run(ctx context.Context) {
	var helpers sync.WaitGroup
	helpers.Go(func() { c.read(ctx) })
	under, cutOff := context.WithCancel(context.WithoutCancel(ctx))
	defer cutOff()
	stop := ctx.Done()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		wait, idle := c.step(under, ctx.Err() != nil)
		if idle {
			break
		}
		timer.Reset(wait)
		select {
		case <-stop:
			stop = nil
			defer time.AfterFunc(drainGrace, cutOff).Stop()
		case <-timer.C:
		case <-c.wake:
		case b := <-c.batches:
			c.take(b)
		case r := <-c.results:
			c.finish(r)
		case s := <-c.saved:
			c.keep(s)
		}
	}
	helpers.Wait()
	c.saveLast()
	c.sender.close()
}

// step lets go what may go, and says how long there is nothing to do unless
// something happens. Once stopping it begins nothing, and idle is true when
// nothing is under way any more.
func (c *calls) step(ctx context.Context, stopping bool) (wait time.Duration, idle bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if stopping {
		return time.Hour, c.sending == 0 && !c.saving
	}
	now := time.Now()
	for c.sending < c.health.allowed(now, c.o.Parallel) {
		it := c.win.next(now.UnixNano())
		if it == nil && c.health.failing() {
			it = c.win.soonest() // is the target back?
		}
		if it == nil {
			break
		}
		c.sending++
		go c.deliver(ctx, it, it.RelayEntry)
	}
	if room := c.o.Window - len(c.win.items) - len(c.outbox.dead); room > 0 && !c.reading {
		c.reading = true
		c.requests <- reading{c.cursor, room}
	}
	wait = c.save(now)
	if at, ok := c.win.due(); ok && c.sending < c.o.Parallel && (c.sending == 0 || !c.health.failing()) {
		wait = min(wait, c.health.wait(now, at))
	}
	return max(wait, 0), false
}

// deliver makes one attempt and reports it.
func (c *calls) deliver(ctx context.Context, it *item, e engine.RelayEntry) {
	c.results <- result{it, c.attempt(ctx, e)}
}

func (c *calls) attempt(ctx context.Context, e engine.RelayEntry) outcome {
	told, err := c.o.Log.RelayedCall(ctx, e)
	if err == nil && told == nil {
		return outcome{verdict: vanished}
	}
	var body []byte
	if err == nil {
		body, err = callMessage(e, told)
	}
	if err != nil {
		if ctx.Err() == nil {
			c.o.Logger.Error("the relay can't tell of a call", "target", c.id, "record", e.Seq, "error", engine.Mask(err.Error()))
		}
		return outcome{verdict: ourselves}
	}
	out := c.sender.send(ctx, messageID(e), body)
	c.observe(out.took)
	return out
}

// read hands the log over in batches, as they are asked for.
func (c *calls) read(ctx context.Context) {
	for {
		var r reading
		select {
		case <-ctx.Done():
			return
		case r = <-c.requests:
		}
		for {
			entries, through, err := c.o.Log.RelayEntries(ctx, r.after, r.limit)
			if err == nil && through == r.after {
				if err = c.o.Log.RelayWait(ctx, through); err == nil {
					continue
				}
			}
			if err == nil {
				c.batches <- batch{entries, through}
				break
			}
			if ctx.Err() == nil {
				c.o.Logger.Error("the relay can't read the log; it is tried again", "target", c.id, "error", err)
			}
			select {
			case <-ctx.Done():
				return
			case <-time.After(ourPause):
			}
		}
	}
}

// take brings what was read into the window.
func (c *calls) take(b batch) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reading, c.cursor = false, b.through
	for _, e := range b.entries {
		c.win.add(engine.RelayLetter{RelayEntry: e}, false)
	}
}

// revive lets a letter that was dead wait again; the disk knows of it.
func (c *calls) revive(l engine.RelayLetter, dead int) {
	c.mu.Lock()
	c.win.add(l, true)
	c.dead, c.full = dead, false
	c.health.hope()
	c.mu.Unlock()
	c.nudge()
}

// buried notes how many letters are dead after one was deleted.
func (c *calls) buried(dead int) {
	c.mu.Lock()
	c.dead, c.full = dead, false
	c.mu.Unlock()
}

func (c *calls) nudge() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

package main

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"time"
)

// player plays calls, one after the other or many at once.
type player struct {
	opts   *options
	sender *sender
	tally  *tally
	acks   *ackLog
	lines  *lines                  // nil: nobody can hang up
	fresh  bool                    // no earlier run used these call_ids
	stop   context.CancelCauseFunc // ends the whole run
}

// play takes one call from its initiation to its end. It returns early when ctx
// ends.
func (p *player) play(ctx context.Context, c call) {
	p.tally.change(func(t *tally) { t.started++ })
	var aside sync.WaitGroup
	if !c.abandoned {
		switch c.order {
		case completionFirst:
			p.complete(ctx, &c, "")
		case completionAside:
			aside.Go(func() { p.complete(ctx, &c, "") })
		}
	}
	decided, first := p.ask(ctx, &c)
	aside.Wait()
	if c.retry && !c.retryLate {
		p.askAgain(ctx, &c, first)
	}
	switch {
	case decided.number == "":
		// Whoever was rejected or got no answer never talked. Whether the
		// provider reports on such calls is not documented.
	case c.abandoned:
		p.tally.change(func(t *tally) { t.abandoned++ })
	case c.order == inOrder:
		p.talk(ctx, &c)
		p.complete(ctx, &c, decided.number)
	}
	if c.retry && c.retryLate {
		p.askAgain(ctx, &c, first)
	}
	if ctx.Err() == nil {
		p.tally.change(func(t *tally) { t.played++ })
	}
}

// ask sends the initiation, twice at once where the call says so, and judges
// the answer. Reply is nil where none came.
func (p *player) ask(ctx context.Context, c *call) (answer, *reply) {
	var twin *reply
	var together sync.WaitGroup
	if c.simultaneous {
		p.tally.change(func(t *tally) { t.retries++ })
		together.Go(func() { twin = p.initiate(ctx, c, c.again) })
	}
	first := p.initiate(ctx, c, c.first)
	together.Wait()
	if first == nil {
		// The caller hears what the twin brought.
		first, twin = twin, nil
	}
	if first == nil {
		return answer{}, nil
	}
	p.compare(c, first, twin)
	decided, faults := readAnswer(*first, c)
	if decided.rejected && !p.opts.ExpectRejects {
		faults = append(faults, fault{answerRejected, fmt.Sprintf("HTTP %d without a number, and rejects are not expected", first.status)})
	}
	p.tally.breakPromise(c.id, faults...)
	p.tally.decided(decided)
	p.acknowledgeAnswer(c, decided)
	return decided, first
}

func (p *player) askAgain(ctx context.Context, c *call, first *reply) {
	if first == nil || ctx.Err() != nil {
		return
	}
	p.tally.change(func(t *tally) { t.retries++ })
	p.compare(c, first, p.initiate(ctx, c, c.again))
}

// compare holds a retry's answer against the first one. A server that could not
// answer at all (5xx) may do better the next time.
func (p *player) compare(c *call, first, retry *reply) {
	if first == nil || retry == nil || first.status >= 500 {
		return
	}
	if first.status != retry.status || !bytes.Equal(first.body, retry.body) {
		p.tally.breakPromise(c.id, fault{retryDiffers, fmt.Sprintf("first HTTP %d %s, then HTTP %d %s",
			first.status, excerpt(first.body), retry.status, excerpt(retry.body))})
	}
}

// initiate sends one initiation. Its reply is nil where none came.
func (p *player) initiate(ctx context.Context, c *call, s style) *reply {
	r, ok := p.send(ctx, c, initiationPath, c.initiation(s), &p.tally.initiations)
	if !ok {
		return nil
	}
	if limit := p.opts.FailSlow; limit > 0 && r.took > limit {
		p.tally.breakPromise(c.id, fault{answerSlow, fmt.Sprintf("answered after %s, later than --fail-slow %s", r.took.Round(time.Millisecond), limit)})
	}
	return &r
}

// send delivers a message and counts what came back. It reports false where
// nothing did.
func (p *player) send(ctx context.Context, c *call, path string, m message, side *traffic) (reply, bool) {
	if ctx.Err() != nil {
		return reply{}, false
	}
	r, err := p.sender.send(ctx, path, m)
	switch {
	case err == nil:
		p.tally.change(func(*tally) { side.sent++; side.replied(r) })
		return r, true
	case ctx.Err() != nil: // cut off by the end of the run
	case isUnreachable(err):
		p.stop(&unreachableError{err})
	default:
		p.tally.change(func(*tally) { side.sent++ })
		p.tally.breakPromise(c.id, fault{noAnswer, fmt.Sprintf("%s: %v", path, err)})
	}
	return reply{}, false
}

// unreachableError ends a run whose server is not there (any more).
type unreachableError struct{ cause error }

func (e *unreachableError) Error() string { return e.cause.Error() }
func (e *unreachableError) Unwrap() error { return e.cause }

// talk waits out the call, at the run's speed, or until somebody hangs up.
func (p *player) talk(ctx context.Context, c *call) {
	wait := time.Duration(float64(c.ring+c.talk) * p.opts.Speed)
	if wait <= 0 {
		return
	}
	hungUp := p.lines.talking(c.id)
	defer p.lines.over(c.id)
	began := time.Now()
	select {
	case <-time.After(wait):
	case <-ctx.Done():
	case <-hungUp:
		c.cut(time.Duration(float64(time.Since(began)) / p.opts.Speed))
		p.tally.change(func(t *tally) { t.hungUp++ })
	}
}

func (p *player) acknowledgeAnswer(c *call, a answer) {
	switch {
	case a.rejected:
		p.acknowledge(c, "initiation", "rejected")
	case a.number != "":
		p.acknowledge(c, "initiation", "forward")
	}
}

func (p *player) acknowledge(c *call, kind, status string) {
	if !p.acks.add(acknowledgement{c.id, c.did, kind, status}) {
		p.stop(context.Canceled)
	}
}

package main

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// complete reports the end of a call, twice where the call says so, and judges
// the answers. Receiver is empty where the server has not named one yet.
func (p *player) complete(ctx context.Context, c *call, receiver string) {
	m := c.completion(receiver, time.Now())
	switch {
	case !c.duplicate:
		p.judgeFirst(c, p.report(ctx, c, m))
	case c.simultaneous:
		var second string
		var together sync.WaitGroup
		together.Go(func() { second = p.report(ctx, c, m) })
		first := p.report(ctx, c, m)
		together.Wait()
		p.judgeTwins(c, first, second)
	default:
		first := p.report(ctx, c, m)
		p.judgeFirst(c, first)
		p.judgeSecond(c, first, p.report(ctx, c, m))
	}
}

// report sends one completion and returns the result that acknowledged it;
// empty where nothing did.
func (p *player) report(ctx context.Context, c *call, m message) string {
	r, ok := p.send(ctx, c, completionPath, m, &p.tally.completions)
	if !ok {
		return ""
	}
	result, faults := readResult(r)
	p.tally.breakPromise(c.id, faults...)
	if result != "" {
		p.tally.change(func(t *tally) { t.results[result]++ })
		p.acknowledge(c, "completion", result)
	}
	return result
}

// judgeFirst knows what the first completion of a call must say, unless an
// earlier run may have sent it already.
func (p *player) judgeFirst(c *call, result string) {
	if p.fresh && result != "" && result != resultStored {
		p.tally.breakPromise(c.id, fault{completionResult, fmt.Sprintf("the call's first completion was answered %q, want %q", result, resultStored)})
	}
}

// judgeSecond: the same bytes again change nothing. Where the first was not
// acknowledged it may have been stored or not.
func (p *player) judgeSecond(c *call, first, second string) {
	switch {
	case second == "" || second == resultDuplicate:
	case first == "" && (second == resultStored || !p.fresh):
	default:
		p.tally.breakPromise(c.id, fault{duplicateMisjudged, fmt.Sprintf("the same completion was answered %q, then %q, want %q", first, second, resultDuplicate)})
	}
}

// judgeTwins: of two that came at once either may be the first, but only one.
func (p *player) judgeTwins(c *call, one, other string) {
	if one == resultDuplicate {
		one, other = other, one
	}
	switch {
	case one == "" || other == "": // an unacknowledged one may have been the first
	case one == resultDuplicate && other == resultDuplicate && !p.fresh:
	case other == resultDuplicate && (one == resultStored || one == resultUpdated && !p.fresh):
	default:
		p.tally.breakPromise(c.id, fault{duplicateMisjudged, fmt.Sprintf("the same completion, sent twice at once, was answered %q and %q, want %q and %q",
			one, other, resultStored, resultDuplicate)})
	}
}

package main

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// order is when a call's completion leaves.
type order int

const (
	inOrder         order = iota // after the talk
	completionFirst              // before the initiation
	completionAside              // while the initiation waits for its answer
)

// call is what will happen in one call, decided before it starts.
type call struct {
	id, did string
	caller  string // ten digits; empty where the number is withheld

	answered   bool
	ring, talk time.Duration

	simultaneous bool // repeat messages while the first is under way
	retry        bool // repeat the initiation after its answer
	retryLate    bool // ... not before the completion
	duplicate    bool
	masked       bool
	abandoned    bool
	order        order

	first, again, end style // of the initiation, its repetition and the completion
}

// cut ends a call that was hung up so long after it began to ring.
func (c *call) cut(after time.Duration) {
	c.talk = max(0, after-c.ring).Truncate(time.Second)
	c.answered = c.answered && after >= c.ring
}

// planner draws calls. It has no state that playing changes, so any worker may
// ask for any call.
type planner struct {
	opts    *options
	prefix  string
	callers callerBook
}

func newPlanner(o *options, prefix string) *planner {
	return &planner{opts: o, prefix: prefix, callers: newCallerBook(o.Seed)}
}

// call draws the i-th call. Every draw is made whether or not its flag is set:
// turning one flag leaves everything else in the run as it was.
func (p *planner) call(i int) call {
	o := p.opts
	r := rand.New(rand.NewPCG(o.Seed, uint64(i)))
	share := func(p float64) bool { return r.Float64() < p }
	c := call{
		id:     fmt.Sprintf("%s-%06d", p.prefix, i),
		did:    o.DIDs[r.IntN(len(o.DIDs))],
		caller: p.callers.number(r.IntN(o.Callers)),
	}
	if share(o.Anonymous) {
		c.caller = ""
	}
	c.answered = share(o.AnswerRate)
	c.ring = time.Duration(1+r.IntN(25)) * time.Second
	// Whole seconds, because a completion tells whole seconds.
	talk := o.Talk.from + time.Duration(r.Float64()*float64(o.Talk.to-o.Talk.from))
	if c.answered {
		c.talk = talk.Round(time.Second)
	}
	c.simultaneous = share(o.Simultaneous)
	c.retry = share(o.Retries)
	c.retryLate = share(0.5)
	c.duplicate = share(o.Duplicates)
	c.masked = share(o.Masked)
	c.abandoned = share(o.NoCompletions)
	reordered, first := share(o.Reorder), share(0.5)
	switch {
	case reordered && first:
		c.order = completionFirst
	case reordered:
		c.order = completionAside
	}
	c.first, c.again, c.end = documented, documented, documented
	if o.Spelling {
		withheld := r.IntN(len(withheldSpellings))
		c.first, c.again, c.end = drawStyle(r), drawStyle(r), drawStyle(r)
		c.first.withheld, c.again.withheld, c.end.withheld = withheld, withheld, withheld
	}
	return c
}

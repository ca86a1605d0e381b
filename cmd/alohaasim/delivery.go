package main

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// deliveryDIDs are the DIDs of testdata/scenarios/delivery.yaml, with who takes a call
// where the caller has no order: the help desk, or nobody.
var deliveryDIDs = map[string]string{
	"918645658689": "9876543219",
	"918645658690": "9876543219",
	"918645658691": "",
}

// The promises of masked pairs.
const (
	didShared      promise = "did_shared"      // two open orders of one person on one DID
	poolOverbooked promise = "pool_overbooked" // an order too many was taken
	orderMoved     promise = "order_moved"     // the same order, told again, is on another DID
	pairApart      promise = "pair_apart"      // an open order's parties do not reach each other
	pairLingers    promise = "pair_lingers"    // an ended order's parties still do
	endedAnswer    promise = "ended_answer"    // they reach somebody else than the DID says
)

// lastMinutes is how long an order stays open that is delivered and left to
// expire.
const lastMinutes = 200 * time.Millisecond

// parcel is one order.
type parcel struct {
	ref, customer, did string
}

// courier is one courier's day.
type courier struct {
	*stage
	number string
	done   []*parcel
}

// playDelivery plays a delivery company's day. A courier has as many orders at
// once as there are DIDs, in two tours; --concurrency couriers are on the way at
// the same time.
func playDelivery(ctx context.Context, s *stage) {
	tour := len(deliveryDIDs)
	couriers := (s.opts.Calls + 2*tour - 1) / (2 * tour)
	s.each(ctx, couriers, func(i int) {
		c := &courier{stage: s, number: s.callers.number(i)}
		from := i * 2 * tour
		until := min(from+2*tour, s.opts.Calls)
		for n := from; n < until && ctx.Err() == nil; n += tour {
			c.tour(ctx, couriers+n, min(tour, until-n))
		}
	})
}

// tour takes orders, has both sides of each call, ends them, and has both sides
// call again.
func (c *courier) tour(ctx context.Context, first, n int) {
	var open []*parcel
	for i := range n {
		o := &parcel{ref: fmt.Sprintf("%s-order-%d", c.plan.prefix, first+i), customer: c.callers.number(first + i)}
		if !c.put(ctx, o, "10m", http.StatusCreated) {
			return
		}
		for _, other := range open {
			if other.did == o.did {
				c.broken(o.ref, didShared, "%s has two open orders on DID %s, %s is the other", c.number, o.did, other.ref)
			}
		}
		open = append(open, o)
		c.count("orders taken")
	}
	if len(open) == len(deliveryDIDs) {
		c.oneTooMany(ctx, fmt.Sprintf("%s-surplus-%d", c.plan.prefix, first))
	}
	for _, o := range open {
		c.put(ctx, o, "10m", http.StatusOK)
		c.both(ctx, "order open", o, c.judgeOpen)
	}
	for _, o := range c.done {
		r := c.dial(ctx, "order ended, courier has a new one on the DID", o.customer, o.did)
		c.judgeEnded(r, c.number)
	}
	for i, o := range open {
		if !c.finish(ctx, o, i%2 == 0) {
			return
		}
		c.both(ctx, "order ended", o, c.judgeEnded)
		if i+1 < len(open) {
			c.both(ctx, "order open, another ended", open[i+1], c.judgeOpen)
		}
	}
	c.done = append(c.done, open...)
}

// put tells the server of an order; which DID it is on is the server's choice, the
// first time.
func (c *courier) put(ctx context.Context, o *parcel, expires string, want int) bool {
	var session struct {
		DID string `json:"did"`
	}
	_, ok := c.tell(ctx, http.MethodPut, v1("sessions", o.ref),
		map[string]any{"parties": []string{o.customer, c.number}, "expires": expires}, &session, want)
	if !ok {
		return false
	}
	if _, known := deliveryDIDs[session.DID]; !known {
		c.broken(o.ref, apiRefused, "the order is on %q, which is no DID of the pool; serve the starter policies with testdata/scenarios/delivery.yaml as directory/data.yaml", session.DID)
		return false
	}
	if o.did != "" && o.did != session.DID {
		c.broken(o.ref, orderMoved, "the order was on DID %s, and after the same request on %s", o.did, session.DID)
	}
	o.did = session.DID
	return true
}

// oneTooMany: with an order on every DID there is none left for another.
func (c *courier) oneTooMany(ctx context.Context, ref string) {
	status, ok := c.tell(ctx, http.MethodPut, v1("sessions", ref), map[string]any{"parties": []string{"9876500001", c.number}, "expires": "10s"},
		nil, http.StatusConflict, http.StatusCreated)
	switch {
	case !ok:
	case status == http.StatusConflict:
		c.count("orders refused, every DID taken")
	default:
		c.broken(ref, poolOverbooked, "%s has an order on every DID and was given one more", c.number)
		c.tell(ctx, http.MethodDelete, v1("sessions", ref), nil, nil, http.StatusOK)
	}
}

// finish ends an order: at once, or by letting it expire.
func (c *courier) finish(ctx context.Context, o *parcel, delete bool) bool {
	if delete {
		c.count("orders ended by DELETE")
		_, ok := c.tell(ctx, http.MethodDelete, v1("sessions", o.ref), nil, nil, http.StatusOK)
		return ok
	}
	c.count("orders left to expire")
	return c.put(ctx, o, lastMinutes.String(), http.StatusOK) && pause(ctx, lastMinutes)
}

// both has either side call the other.
func (c *courier) both(ctx context.Context, where string, o *parcel, judge func(r *rung, other string)) {
	for _, side := range []struct{ role, caller, other string }{
		{"the courier", o.customer, c.number}, {"the customer", c.number, o.customer},
	} {
		r := c.dial(ctx, where, side.caller, o.did)
		if same(r.number, side.other) {
			r.role = side.role
		}
		judge(r, side.other)
	}
}

func (c *courier) judgeOpen(r *rung, other string) {
	if r.heard && !same(r.number, other) {
		c.broken(r.id, pairApart, "%s: %s reached %s, want %s", r.where, r.caller, r.whom(), other)
	}
}

func (c *courier) judgeEnded(r *rung, other string) {
	want := deliveryDIDs[r.did]
	switch {
	case !r.heard:
	case same(r.number, other):
		c.broken(r.id, pairLingers, "%s: %s still reached %s", r.where, r.caller, other)
	case !same(r.number, want):
		c.broken(r.id, endedAnswer, "%s: %s reached %s, want %s", r.where, r.caller, r.whom(), answer{number: want, rejected: want == ""}.whom())
	}
}

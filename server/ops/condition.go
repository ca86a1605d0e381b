package ops

import "time"

// condition is something that is well or not, and was told of or not.
type condition struct {
	bad, good  string        // the types of its events
	rise, fall time.Duration // how long a change must last before it is told

	raised bool
	since  time.Time // the other state is seen since then; zero while it is not
}

// see takes in how it is now. It returns the type of the event to tell, empty
// for none, and since when that is so.
func (c *condition) see(now time.Time, bad bool) (event string, since time.Time) {
	if bad == c.raised {
		c.since = time.Time{}
		return "", since
	}
	if c.since.IsZero() {
		c.since = now
	}
	lasts := c.fall
	if bad {
		lasts = c.rise
	}
	if now.Sub(c.since) < lasts {
		return "", since
	}
	since, c.raised, c.since = c.since, bad, time.Time{}
	if bad {
		return c.bad, since
	}
	return c.good, since
}

package relay

import "time"

// health is how a target as a whole is doing.
type health struct {
	streak  int       // failures in a row that were the target's
	until   time.Time // no attempt before then
	since   time.Time // of the first failure of the streak
	stopped bool      // it said that it is gone
	why     string    // the latest failure
	at      int64     // when that was, Unix nanoseconds
}

// failing reports whether the target fails altogether.
func (h *health) failing() bool { return h.streak >= tripAfter }

// allowed is how many attempts may be under way now.
func (h *health) allowed(now time.Time, parallel int) int {
	switch {
	case h.stopped, now.Before(h.until):
		return 0
	case h.failing():
		return 1
	}
	return parallel
}

// wait is how long until something that is due at (Unix nanoseconds, zero for
// now) may go.
func (h *health) wait(now time.Time, at int64) time.Duration {
	if h.stopped {
		return time.Hour
	}
	d := h.until.Sub(now)
	if at != 0 && !h.failing() {
		d = max(d, time.Unix(0, at).Sub(now))
	}
	return d
}

// succeeded reports whether that ends a time in which the target failed
// altogether.
func (h *health) succeeded() (recovered bool) {
	recovered = h.failing() || h.stopped
	*h = health{why: h.why, at: h.at}
	return recovered
}

// failed notes a failure; wide says that it was the target's.
func (h *health) failed(now time.Time, out outcome, wide bool) (tripped bool) {
	h.why, h.at = out.why, now.UnixNano()
	if !wide {
		return false
	}
	if h.streak == 0 {
		h.since = now
	}
	before := h.failing()
	h.streak++
	if h.failing() {
		h.until = later(h.until, now.Add(pause(h.streak-tripAfter+1, maxProbe)))
	}
	h.until = later(h.until, now.Add(out.retryAfter))
	return h.failing() && !before
}

// hope lets the target be tried again at once.
func (h *health) hope() { h.stopped, h.until = false, time.Time{} }

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

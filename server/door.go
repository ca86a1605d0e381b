package server

import (
	"net/http"

	"switchboard/server/console"
)

// door lets people into the console by the tokens of the private listener.
type door struct{ *Server }

var _ console.Door = door{}

// Guarded reports whether a token is needed.
func (d door) Guarded() bool { return d.doors.Load().tokens.Len() > 0 }

// Known tells whose token this is, of somebody who was let in before.
func (d door) Known(token string) (console.Visitor, bool) {
	t, ok := d.doors.Load().tokens.Find(token)
	return console.Visitor{Name: t.Name, Changes: !t.ReadOnly}, ok
}

// Try lets somebody in who shows a token. An address that showed too many wrong
// ones waits.
func (d door) Try(r *http.Request, token string) (console.Visitor, error) {
	from, now := remote(r), d.o.Now()
	if d.failures.Wait(from, now) > 0 {
		d.o.Metrics.throttled.Inc()
		return console.Visitor{}, fail(http.StatusTooManyRequests, "Too many wrong tokens came from this address. Wait, then enter the right one.")
	}
	if v, ok := d.Known(token); ok {
		d.failures.Passed(from, now)
		return v, nil
	}
	d.failures.Failed(from, now)
	d.seen.refusedToken.note(now)
	d.o.Metrics.refused.WithLabelValues("private").Inc()
	return console.Visitor{}, fail(http.StatusUnauthorized, "This token is not known. Check that it was pasted whole.")
}

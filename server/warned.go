package server

import (
	"context"
	"slices"
	"time"

	"switchboard/engine"
)

// warningsEvent tells which warnings came and went since the event before.
type warningsEvent struct {
	Time     *string          `json:"time"`
	New      []engine.Warning `json:"new"`
	Cleared  []engine.Warning `json:"cleared"`  // as they were last
	Warnings []engine.Warning `json:"warnings"` // all there are now
}

// watchWarnings tells of warnings that come and go, beginning with what was there
// at the start, until the server stops. Figures in a warning that stands change
// all the time under load and are no event: status has them.
func (s *Server) watchWarnings(ctx context.Context, was []engine.Warning) {
	tick := time.NewTicker(s.o.WarningsEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now := s.warnings()
		s.o.Feed.warned(s.o.Now(), was, now)
		was = now
	}
}

// warned tells what changed between two lists of warnings, if anything did.
func (f *Feed) warned(at time.Time, was, now []engine.Warning) {
	e := warningsEvent{rfc3339(at.UnixNano()), without(now, was), without(was, now), list(now)}
	if len(e.New)+len(e.Cleared) > 0 {
		f.hub.Publish(EventWarnings, e)
	}
}

// without are those of a that are not in b; not nil.
func without(a, b []engine.Warning) []engine.Warning {
	return list(slices.DeleteFunc(slices.Clone(a), func(w engine.Warning) bool { return slices.ContainsFunc(b, w.Same) }))
}

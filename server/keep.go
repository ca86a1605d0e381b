package server

import (
	"context"
	"errors"
	"time"

	"switchboard/engine"
	"switchboard/server/alohaa"
)

const (
	// maxStoring bounds the quarantines that outlive their request: a disk that
	// stands still must not pile them up without end.
	maxStoring = 256
	// storingTimeout ends such a quarantine.
	storingTimeout = 10 * time.Second
)

// keepInitiation quarantines an initiation that cannot be read. A caller is on
// the line, so it waits for QuarantineGrace and no longer; the rest happens
// behind the answer.
func (s *Server) keepInitiation(ctx context.Context, item engine.QuarantineItem) {
	select {
	case s.storeSlots <- struct{}{}:
	default:
		s.lost(item, errors.New("too many are waiting for the disk"))
		return
	}
	kept := make(chan struct{})
	s.storing.Go(func() {
		defer func() { <-s.storeSlots; close(kept) }()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storingTimeout)
		defer cancel()
		if err := s.keep(ctx, item); err != nil {
			s.lost(item, err)
		}
	})
	grace := time.NewTimer(s.o.QuarantineGrace)
	defer grace.Stop()
	select {
	case <-kept:
	case <-grace.C:
	}
}

// keepCompletion quarantines a completion and returns what to answer: f once it
// is on disk, else the plea to send it again, for nothing may be dropped.
func (s *Server) keepCompletion(ctx context.Context, r alohaa.Request, arrived int64, cause string, f *failure) *failure {
	item := engine.QuarantineItem{At: arrived, Kind: "completion", Cause: cause, Raw: r.Payload()}
	if err := s.keep(ctx, item); err != nil {
		s.lost(item, err)
		return notStored(err)
	}
	return f
}

func (s *Server) keep(ctx context.Context, item engine.QuarantineItem) (err error) {
	defer func() {
		// On a goroutine of its own a panic would end the process.
		if v := recover(); v != nil {
			s.panicked("quarantine", v)
			err = errors.New("the store panicked")
		}
	}()
	id, err := s.o.Quarantine.Quarantine(ctx, item)
	if err != nil {
		return err
	}
	s.o.Metrics.quarantined.WithLabelValues(item.Kind).Inc()
	s.o.Feed.quarantined(id, item)
	s.o.Log.Warn("quarantined", "kind", item.Kind, "id", id, "cause", s.clean(item.Cause), "bytes", len(item.Raw.Body))
	return nil
}

func (s *Server) lost(item engine.QuarantineItem, err error) {
	s.seen.lostQuarantine.note(s.o.Now())
	s.o.Metrics.unquarantined.WithLabelValues(item.Kind).Inc()
	s.o.Log.Error("not quarantined", "kind", item.Kind, "cause", s.clean(item.Cause), "err", s.clean(err.Error()))
}

// clean makes a text fit for the log: no secret, no number.
func (s *Server) clean(text string) string { return engine.Mask(s.doors.Load().scrub.Replace(text)) }

// unreadable splits a parser's error into the cause for the quarantine and the
// sentence for the sender.
func unreadable(err error) (cause, sentence string) {
	var u *alohaa.UnreadableError
	if errors.As(err, &u) {
		return string(u.Cause), u.Message
	}
	return "unreadable", err.Error()
}

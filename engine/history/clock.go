package history

import (
	"context"
	"fmt"
	"sync"
	"time"

	"switchboard/engine"
	"switchboard/engine/failpoint"
	"switchboard/engine/history/journal"
)

// clockSlack is how far the clock may stand ahead of where it should and still be
// believed; clockNoted is how old the note of the last time may become.
const (
	clockSlack = 48 * time.Hour
	clockNoted = time.Hour
)

// clockGuard keeps retention from a clock that jumped: one that stands a year
// ahead would have the whole history deleted at once. It knows when the clock was
// believed last and how much time has gone by since, by the uptime of this
// process; of the time before it only that note in the log's file is left. A
// clock that stands back deletes nothing that it should not, and is believed.
type clockGuard struct {
	mu      sync.Mutex
	trusted time.Time     // what the clock said when it was believed last
	at      time.Duration // the uptime then
	noted   time.Time     // trusted, as the file has it
	held    time.Time     // what the clock says and is not believed; zero while it is
}

// openClock reads the note, or takes the newest record's time for it.
func (s *Store) openClock(ctx context.Context) {
	g := &s.clock
	at, err := s.file.Clock()
	if err == nil && at == 0 {
		err = s.file.Descend(ctx, s.file.Last(), func(st journal.Stored) error {
			r, err := decodeRecord(st.Data)
			if err != nil {
				return nil // an older one will do
			}
			at = r.At
			return journal.ErrStop
		})
	} else if err == nil {
		g.noted = unixNano(at)
	}
	if err != nil {
		s.log.Warn("it can't be read when the clock was believed last", "error", err)
	}
	g.trusted, g.at = unixNano(at), s.elapsed()
	if at == 0 {
		g.trusted = s.Now()
	}
}

// should is where the clock should stand. The guard's mutex is held.
func (g *clockGuard) should(elapsed time.Duration) time.Time { return g.trusted.Add(elapsed - g.at) }

// believes reports whether records may be deleted by what the clock says, at an
// uptime. Where there is nothing to delete it is believed whatever it says.
func (s *Store) believes(ctx context.Context, now time.Time, elapsed time.Duration) (bool, error) {
	g := &s.clock
	g.mu.Lock()
	sane := now.Sub(g.should(elapsed)) <= clockSlack
	g.mu.Unlock()
	if !sane {
		old, err := s.oldest(ctx, now.Add(-s.Retention).UnixNano())
		if err != nil {
			return false, err
		}
		sane = len(old) == 0
	}
	g.mu.Lock()
	if !sane {
		defer g.mu.Unlock()
		if g.held.IsZero() {
			s.log.Error("the clock jumped, so nothing is deleted by age; set it right, or confirm it", "clock", now, "expected", g.should(elapsed))
		}
		g.held = now
		return false, nil
	}
	g.trusted, g.at, g.held = now, elapsed, time.Time{}
	fresh := now.Sub(g.noted).Abs() < clockNoted
	g.mu.Unlock()
	if fresh {
		return true, nil
	}
	if err := s.noteClock(now); err != nil {
		return true, fmt.Errorf("the time can't be noted: %w", err)
	}
	return true, nil
}

// noteClock writes down that the clock was believed. The guard's mutex is not held
// meanwhile: status takes it, and must not wait for a slow disk.
func (s *Store) noteClock(now time.Time) error {
	if err := failpoint.Before(failpoint.RetentionClock, func() error { return s.file.SetClock(now.UnixNano()) }); err != nil {
		return err
	}
	s.clock.mu.Lock()
	defer s.clock.mu.Unlock()
	s.clock.noted = now
	return nil
}

// ConfirmClock says that the clock is right, although it stands far ahead of
// where it stood, and returns what it says. Deleting by age goes on then. The
// error wraps engine.ErrUnavailable where the disk does not take the note; the
// clock is believed until the next start all the same.
func (s *Store) ConfirmClock() (time.Time, error) {
	elapsed, now := s.elapsed(), s.Now()
	g := &s.clock
	g.mu.Lock()
	g.trusted, g.at, g.held = now, elapsed, time.Time{}
	g.mu.Unlock()
	select {
	case s.confirmed <- struct{}{}:
	default:
	}
	if err := s.commit(func() error { return s.noteClock(now) }); err != nil {
		return now, fmt.Errorf("%w: %w", engine.ErrUnavailable, err)
	}
	return now, nil
}

// warning tells of a clock that is not believed.
func (g *clockGuard) warning(elapsed time.Duration, zone *time.Location) (w engine.Warning, ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.held.IsZero() {
		return w, false
	}
	return engine.Warning{Code: "retention_held",
		Message: fmt.Sprintf("The clock says %s, and by the uptime and by when it was believed last it should say %s; so nothing is deleted by age.",
			g.held.In(zone).Format(time.RFC3339), g.should(elapsed).In(zone).Format(time.RFC3339)),
		Hint: "Set the clock right. Where it is right, and the server had stood still for days, confirm it: switchboard db confirm-clock, or the console's System page.",
	}, true
}

package history

import (
	"context"
	"slices"
	"time"

	"switchboard/engine/history/fold"
)

// triesBeforeTurn is how often a decision is tried before it waits for a turn.
const triesBeforeTurn = 3

// turns let those who met too many conflicts go one after the other. Who has
// the turn claims the keys of its previous try: others wait before they change
// them, for a bounded time. The Store's mutex guards it.
type turns struct {
	holder *turn
	queue  []*turn // first come, first served
}

// turn is one place in the queue.
type turn struct {
	keys  []fold.Key
	ready chan struct{} // closed when it is this one's turn
	over  chan struct{} // closed when the turn is over
	timer *time.Timer
	ended bool
}

// takeTurn waits for a turn with a claim on keys. It fails only with ctx.
func (s *Store) takeTurn(ctx context.Context, keys []fold.Key) (*turn, error) {
	t := &turn{keys: keys, ready: make(chan struct{}), over: make(chan struct{})}
	s.mu.Lock()
	s.turns.queue = append(s.turns.queue, t)
	s.nextTurn()
	s.mu.Unlock()
	select {
	case <-t.ready:
		return t, nil
	case <-ctx.Done():
		s.mu.Lock()
		defer s.mu.Unlock()
		s.endTurn(t)
		return nil, ctx.Err()
	}
}

// nextTurn gives the turn to the next in the queue, if nobody has it. The turn
// ends by itself after a while, so that an evaluation that runs away holds
// nobody up.
func (s *Store) nextTurn() {
	if s.turns.holder != nil || len(s.turns.queue) == 0 {
		return
	}
	t := s.turns.queue[0]
	s.turns.queue = s.turns.queue[1:]
	s.turns.holder = t
	t.timer = time.AfterFunc(s.claimFor, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.endTurn(t)
	})
	close(t.ready)
}

// endTurn gives a turn back, or the place in the queue. The mutex is held. nil
// and a turn that is over already are fine.
func (s *Store) endTurn(t *turn) {
	if t == nil || t.ended {
		return
	}
	t.ended = true
	close(t.over)
	if s.turns.holder == t {
		t.timer.Stop()
		s.turns.holder = nil
	} else if i := slices.Index(s.turns.queue, t); i >= 0 {
		s.turns.queue = slices.Delete(s.turns.queue, i, i+1)
	}
	s.nextTurn()
}

// patience is how long one change waits for others' turns, all together: after
// that it goes ahead, and the holder of the turn meets a conflict.
type patience struct {
	timer *time.Timer
	spent bool
}

func (p *patience) stop() {
	if p.timer != nil {
		p.timer.Stop()
	}
}

// yieldTo reports whether another's turn claims one of the keys that a plan
// changes. If so it has let go of the mutex and waited, and the plan must be
// made again.
func (s *Store) yieldTo(mine *turn, p plan, wait *patience) bool {
	t := s.turns.holder
	if wait.spent || t == nil || t == mine || !t.claims(p) {
		return false
	}
	s.mu.Unlock()
	if wait.timer == nil {
		wait.timer = time.NewTimer(s.claimFor)
	}
	select {
	case <-t.over:
	case <-wait.timer.C:
		wait.spent = true
	}
	return true
}

func (t *turn) claims(p plan) bool {
	if slices.Contains(t.keys, callKey(p.id)) {
		return true
	}
	return slices.ContainsFunc(p.keys, func(k fold.Key) bool { return slices.Contains(t.keys, k) })
}

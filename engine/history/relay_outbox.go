package history

import (
	"fmt"

	"go.etcd.io/bbolt"

	"switchboard/engine"
	"switchboard/engine/history/journal"
	"switchboard/engine/history/outbox"
)

// RelayRegister makes these targets the ones that are configured and tells how
// far each has come.
func (s *Store) RelayRegister(ids []string) (states map[string]engine.RelayState, err error) {
	var dropped map[string]int
	err = s.relayUpdate(func(tx *bbolt.Tx) (err error) {
		states, dropped, err = outbox.Register(tx, ids, journal.End(tx), s.Now().UnixNano())
		return err
	})
	if err != nil {
		return nil, err
	}
	for id, dead := range dropped {
		s.log.Warn("a relay target that was removed long ago lost its place", "target", id, "dead_letters", dead)
	}
	for _, state := range states {
		for i := range state.Waiting {
			if err := s.nameLetter(&state.Waiting[i]); err != nil {
				return nil, err
			}
		}
	}
	return states, nil
}

// RelayRevive lets a letter that was given up wait again, as if it had never been
// tried, and tells how many are dead now; it returns nil where there is none.
func (s *Store) RelayRevive(target string, seq uint64) (l *engine.RelayLetter, dead int, err error) {
	err = s.relayUpdate(func(tx *bbolt.Tx) (err error) {
		l, dead, err = outbox.Revive(tx, target, seq)
		return err
	})
	if err == nil && l != nil {
		err = s.nameLetter(l)
	}
	return l, dead, err
}

// RelaySave writes down what happened to a target's letters and tells how many
// are dead now. The error wraps engine.ErrUnavailable where the disk does not
// take it.
func (s *Store) RelaySave(target string, c engine.RelayChanges) (dead int, err error) {
	err = s.relayUpdate(func(tx *bbolt.Tx) (err error) {
		dead, err = outbox.Save(tx, target, c)
		return err
	})
	return dead, err
}

// RelayDead lists letters that were given up, in order of target and sequence
// number, at most limit of those after (target, seq); of one target alone where
// only names it.
func (s *Store) RelayDead(only, target string, seq uint64, limit int) (out []engine.DeadLetter, err error) {
	err = s.file.View(func(tx *bbolt.Tx) (err error) {
		out, err = outbox.Dead(tx, only, target, seq, limit)
		return err
	})
	for i := range out {
		if err := s.nameLetter(&out[i].Letter); err != nil {
			return nil, err
		}
	}
	return out, err
}

// RelayDelete deletes a letter that was given up and tells how many are dead
// now; found is false where there is none.
func (s *Store) RelayDelete(target string, seq uint64) (found bool, dead int, err error) {
	err = s.relayUpdate(func(tx *bbolt.Tx) (err error) {
		found, dead, err = outbox.DeleteDead(tx, target, seq)
		return err
	})
	return found, dead, err
}

// RelayRemoved are the targets that are not configured any more and still have
// a place, with their number of dead letters.
func (s *Store) RelayRemoved() (out map[string]int, err error) {
	err = s.file.View(func(tx *bbolt.Tx) (err error) {
		out, err = outbox.Removed(tx)
		return err
	})
	return out, err
}

// RelayEnd is the last sequence number on disk.
func (s *Store) RelayEnd() uint64 {
	_, durable := s.journal.Position()
	return durable
}

func (s *Store) relayUpdate(f func(*bbolt.Tx) error) error {
	var ours error
	err := s.commit(func() error {
		return s.file.Update(func(tx *bbolt.Tx) error {
			ours = f(tx)
			return ours
		})
	})
	if err == nil || ours != nil {
		return err
	}
	return fmt.Errorf("%w: %w", engine.ErrUnavailable, err)
}

// nameLetter tells a letter the id of its call, which the outbox leaves to the
// record.
func (s *Store) nameLetter(l *engine.RelayLetter) error {
	if l.Gone {
		return nil
	}
	r, err := s.read(l.Seq)
	if err != nil || r == nil {
		return err
	}
	l.CallID, _, _ = r.entry()
	return nil
}

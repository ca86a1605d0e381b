package history

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"slices"

	"go.etcd.io/bbolt"

	"switchboard/engine"
	"switchboard/engine/erase"
	"switchboard/engine/failpoint"
	"switchboard/engine/history/journal"
	"switchboard/engine/history/pieces"
)

// Forget erases a person: from the records of calls, whose totals stay true for
// everybody else, from sessions, facts, quarantine, the audit trail and archived
// policy sets, and from everything derived. It returns once that is on disk. It
// may be called again, also after it failed halfway: then it takes what is left.
//
// A call of the person stays, with engine.Erased in the place of the number and
// without payloads and recordings: it goes on counting for its DID and for whom
// it reached. The log's records are rewritten in place, each batch in the
// transaction of a record that tells of it; what the freed pages of the file hold
// goes with CompactFile.
//
// The error is *engine.BadInputError where the number is nobody's,
// engine.ErrUnavailable (wrapped), or ctx's.
func (s *Store) Forget(ctx context.Context, n engine.Number, by string) (*engine.Erasure, error) {
	p, err := erase.New(n)
	if err != nil {
		return nil, bad("nobody can be forgotten by " + engine.Mask(n.Raw) + ": " + err.Error())
	}
	if err := s.takeCare(ctx); err != nil {
		return nil, err
	}
	defer s.endCare()
	e := &eraser{s: s, p: p, by: by, salt: make([]byte, 32), out: engine.Erasure{Revisions: []string{}}, pieces: make(map[pieces.Name]searched)}
	rand.Read(e.salt) //nolint:errcheck // never fails
	for _, step := range []func(context.Context) error{e.endSessions, e.log, s.sweepPieces, e.live, e.letters, e.note} {
		if err := step(ctx); err != nil {
			return nil, fmt.Errorf("not all of it is erased; ask again to go on: %w", err)
		}
	}
	// From here on a crash has nothing left to do anew.
	if err := errors.Join(failpoint.Before(failpoint.ForgetIndex, func() error { return s.behind.round(ctx) }), s.behind.settle(ctx)); err != nil {
		s.log.Warn("what was erased is still in the index, until it takes changes again", "error", err)
	}
	return &e.out, nil
}

// takeCare waits until nobody else rewrites the log, or reads it as a whole for
// the index.
func (s *Store) takeCare(ctx context.Context) error {
	select {
	case s.care <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *Store) endCare() { <-s.care }

// eraser takes one person out.
type eraser struct {
	s    *Store
	p    *erase.Person
	by   string
	at   int64 // when the person's sessions had ended
	salt []byte
	out  engine.Erasure

	pieces map[pieces.Name]searched // of archived sets
}

// rename gives an id that contains the number another one, the same whenever it
// occurs. What it was made with is forgotten: nobody finds the number from it.
func (e *eraser) rename(id string) string {
	if !e.p.In([]byte(id)) {
		return id
	}
	mac := hmac.New(sha256.New, e.salt)
	mac.Write([]byte(id))
	return engine.Erased + "-" + base32.StdEncoding.EncodeToString(mac.Sum(nil))[:26]
}

// endSessions ends the person's sessions, as whoever asked.
func (e *eraser) endSessions(ctx context.Context) error {
	f := engine.SessionFilter{Party: e.p.Canonical(), Limit: engine.MaxPage}
	for {
		page, err := e.s.Sessions(ctx, f)
		if err != nil {
			return err
		}
		for _, session := range page.Sessions {
			if err := failpoint.Here(failpoint.ForgetSession); err != nil {
				return err
			}
			if _, err := e.s.EndSession(ctx, session.Ref, e.by); err != nil {
				return err
			}
			e.out.Sessions++
		}
		if page.Next == "" {
			e.at = e.s.now().UnixNano()
			return nil
		}
		f.Cursor = page.Next
	}
}

// Bounds of one step through the log.
const (
	eraseLook  = 2048 // records looked at in one read transaction
	eraseFound = 64   // records found that are rewritten together
)

// log rewrites all records, those that come in meanwhile included.
func (e *eraser) log(ctx context.Context) error {
	for from := uint64(1); ; {
		last, _ := e.s.journal.Position()
		if from > last {
			return nil
		}
		wait, cancel := e.s.bounded(ctx)
		err := e.s.journal.Wait(wait, last)
		err = unavailableWhere(wait, err)
		cancel()
		if err != nil {
			return err
		}
		for from <= last {
			if err := failpoint.Here(failpoint.ForgetLook); err != nil {
				return err
			}
			found, next, err := holding(e.s.file, from, last, e.holds)
			if err == nil {
				err = e.rewrite(ctx, found)
			}
			if err != nil {
				return err
			}
			from = next
		}
	}
}

func unavailableWhere(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	return unavailable(ctx, err)
}

// holding returns records that hold something, some of those from one sequence
// number to another, and where to go on.
func holding(l *journal.File, from, to uint64, holds func([]byte) bool) (found []journal.Stored, next uint64, err error) {
	n := 0
	next = to + 1
	err = l.Up(from, func(seq uint64, data []byte) bool {
		if seq > to {
			return false
		}
		if n == eraseLook || len(found) == eraseFound {
			next = seq
			return false
		}
		if holds(data) {
			found = append(found, journal.Stored{Seq: seq, Data: bytes.Clone(data)})
		}
		n++
		return true
	})
	return found, next, err
}

// rewrite erases the person from records: those of calls with all the calls'
// other records.
func (e *eraser) rewrite(ctx context.Context, found []journal.Stored) error {
	var calls []string
	var others []journal.Stored
	for _, st := range found {
		r, err := decodeRecord(st.Data)
		if err != nil {
			e.s.log.Warn("a damaged record could not be searched for a person to erase; verify the database", "record", st.Seq)
			continue
		}
		id, _, ok := r.entry()
		switch {
		case !ok:
			others = append(others, st)
		case !slices.Contains(calls, id):
			calls = append(calls, id)
		}
	}
	return errors.Join(e.calls(ctx, calls), e.others(ctx, others))
}

// erasureRecord tells that records were rewritten; it does not tell whose.
func (e *eraser) erasureRecord() ([]byte, error) {
	return (&record{Kind: kindErasure, At: e.s.Now().UnixNano(), Erasure: &erasure{By: e.by}}).encode()
}

// note adds to the audit trail what was done.
func (e *eraser) note(ctx context.Context) error {
	if err := failpoint.Here(failpoint.ForgetNote); err != nil {
		return err
	}
	done := e.out
	data, err := (&record{Kind: kindErasure, At: e.s.Now().UnixNano(), Erasure: &erasure{By: e.by, Done: &done}}).encode()
	if err != nil {
		return err
	}
	it, err := e.s.appendAudited(data, nil)
	if err != nil {
		return err
	}
	return e.await(ctx, it)
}

// await waits for a record as long as a disk may take.
func (e *eraser) await(ctx context.Context, it *journal.Item) error {
	ctx, cancel := e.s.bounded(ctx)
	defer cancel()
	return unavailableWhere(ctx, it.Wait(ctx))
}

// letters takes call_ids that were renamed out of the relay's outbox.
func (e *eraser) letters(ctx context.Context) error {
	data, err := e.erasureRecord()
	if err != nil {
		return err
	}
	it, err := e.s.append(data, func(tx *bbolt.Tx, _ uint64) error {
		return failpoint.Before(failpoint.ForgetLetters, func() error {
			return journal.Others(tx, func(name []byte, b *bbolt.Bucket) error {
				if pieces.Is(name) {
					return nil // they are compressed; those that held the number are gone
				}
				return e.texts(b)
			})
		})
	})
	if err != nil {
		return err
	}
	return e.await(ctx, it)
}

// texts erases the person from all JSON in a bucket.
func (e *eraser) texts(b *bbolt.Bucket) error {
	var news [][2][]byte
	err := b.ForEach(func(k, v []byte) error {
		if v == nil {
			return e.texts(b.Bucket(k))
		}
		if out, n := e.p.JSON(v); n > 0 {
			news = append(news, [2][]byte{append([]byte{}, k...), out})
		}
		return nil
	})
	for _, kv := range news {
		err = errors.Join(err, b.Put(kv[0], kv[1]))
	}
	return err
}

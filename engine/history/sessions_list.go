package history

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"math"
	"slices"

	"go.etcd.io/bbolt"

	"switchboard/engine"
	"switchboard/engine/history/boltfile"
	"switchboard/engine/history/fold"
)

// Sessions lists sessions, newest first; see [engine.LiveData]. A page's cursor
// stays right while sessions come and go, and after a restart. With a party, else
// with a DID, only their sessions are looked at, also those that have ended and
// are still kept. The error is engine.ErrBadCursor, ctx's, or the disk's.
func (s *Store) Sessions(ctx context.Context, f engine.SessionFilter) (engine.SessionPage, error) {
	page := engine.SessionPage{Sessions: []*engine.Session{}}
	limit := f.Limit
	if limit <= 0 {
		limit = engine.DefaultPage
	}
	limit = min(limit, engine.MaxPage)
	from, err := s.parseSessionCursor(f.Cursor)
	if err != nil {
		return page, err
	}
	now := s.now().UnixNano()
	w := s.walkSessions(from, f)
	for {
		got, err := w.next(ctx)
		if err != nil || got == nil {
			return page, err
		}
		if f.DID != "" && got.DID != f.DID || f.Party != "" && !slices.Contains(got.Parties[:], f.Party) || !f.Ended && !got.Live(now) {
			continue
		}
		if len(page.Sessions) == limit {
			page.Next = s.sessionCursor(got)
			return page, nil
		}
		page.Sessions = append(page.Sessions, got)
	}
}

func (s *Store) sessionCursor(at *engine.Session) string {
	b := sessionPlace(uint64(at.Created), at.Ref)
	return base64.RawURLEncoding.EncodeToString(binary.BigEndian.AppendUint32(b, s.cursorSum(b)))
}

// parseSessionCursor returns the place that a page begins at.
func (s *Store) parseSessionCursor(c string) ([]byte, error) {
	if c == "" {
		return boltfile.Key(math.MaxUint64), nil
	}
	b, err := base64.RawURLEncoding.DecodeString(c)
	if err != nil || len(b) < 8+1+4 {
		return nil, engine.ErrBadCursor
	}
	body, sum := b[:len(b)-4], binary.BigEndian.Uint32(b[len(b)-4:])
	if s.cursorSum(body) != sum {
		return nil, engine.ErrBadCursor
	}
	return body, nil
}

// sessionWalk goes through the sessions from a place down: what is not written
// behind yet, and the index.
type sessionWalk struct {
	s       *Store
	index   *index
	changed map[string]*written // by ref: the index's state of them is older
	fresh   []*engine.Session   // of changed, newest first
	stored  []*engine.Session   // the next from the index, newest first
	prefix  []byte              // of the keys of bucket listed to read; nil for all sessions
	at      []byte              // the index is to be read from this place down
	open    bool                // the place itself was read
	ended   bool                // the index has no more
}

// walkSessions begins a walk. The filter only leaves out what can't match.
func (s *Store) walkSessions(from []byte, f engine.SessionFilter) *sessionWalk {
	w := &sessionWalk{s: s, at: from}
	switch {
	case f.Party != "":
		w.prefix = listedPrefix(listedByParty, f.Party)
	case f.DID != "":
		w.prefix = listedPrefix(listedByDID, f.DID)
	}
	w.index, w.changed = s.unwrittenByKey(kindRef)
	for _, e := range w.changed {
		k, _ := e.value.(*kept)
		if k != nil && bytes.Compare(sessionPlace(uint64(k.session.Created), k.session.Ref), from) <= 0 {
			w.fresh = append(w.fresh, k.session)
		}
	}
	slices.SortFunc(w.fresh, newerSession)
	return w
}

// next returns the next session, nil at the end.
func (w *sessionWalk) next(ctx context.Context) (*engine.Session, error) {
	for len(w.stored) == 0 && !w.ended {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := w.read(); err != nil {
			w.s.indexBroken(w.index, err)
			return nil, err
		}
	}
	from := &w.stored
	if len(w.fresh) > 0 && (len(w.stored) == 0 || newerSession(w.fresh[0], w.stored[0]) < 0) {
		from = &w.fresh
	}
	if len(*from) == 0 {
		return nil, nil
	}
	out := (*from)[0]
	*from = (*from)[1:]
	return out, nil
}

// read takes the next sessions out of the index.
func (w *sessionWalk) read() error {
	return boltfile.Guard(func() error {
		return w.index.view(func(tx *bbolt.Tx) error {
			sessions := tx.Bucket(bucketSessions)
			c := sessions.Cursor()
			if w.prefix != nil {
				c = tx.Bucket(bucketListed).Cursor()
			}
			k := w.seek(c)
			for n := 0; k != nil && n < chunk; n++ {
				place := k[len(w.prefix):]
				if len(place) < 8 {
					return errLiveWire
				}
				if w.changed[string(place[8:])] == nil {
					got, err := readSession(sessions, place)
					if err != nil {
						return err
					}
					if got == nil {
						return errLiveWire
					}
					w.stored = append(w.stored, got)
				}
				w.at, w.open = bytes.Clone(place), true
				k = w.within(c.Prev())
			}
			w.ended = k == nil
			return nil
		})
	})
}

// seek moves a cursor to where the walk goes on.
func (w *sessionWalk) seek(c *bbolt.Cursor) []byte {
	at := append(bytes.Clone(w.prefix), w.at...)
	k, v := c.Seek(at)
	switch {
	case k == nil:
		k, v = c.Last()
	case w.open || !bytes.Equal(k, at):
		k, v = c.Prev()
	}
	return w.within(k, v)
}

// within is the key as long as it belongs to the walk.
func (w *sessionWalk) within(k, _ []byte) []byte {
	if !bytes.HasPrefix(k, w.prefix) {
		return nil
	}
	return k
}

func refKeyOf(place []byte) fold.Key { return refKey(string(place[8:])) }

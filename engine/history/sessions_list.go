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
	"switchboard/engine/history/fold"
)

// Sessions lists sessions, newest first; see [engine.LiveData]. A page's cursor
// stays right while sessions come and go, and after a restart. The filter is
// looked through, so that this is for people, not for calls. The error is
// engine.ErrBadCursor, ctx's, or the disk's.
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
	w := s.walkSessions(from)
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
		return seqKey(math.MaxUint64), nil
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
	at      []byte              // the index is to be read from this place down
	open    bool                // the place itself was read
	ended   bool                // the index has no more
}

func (s *Store) walkSessions(from []byte) *sessionWalk {
	w := &sessionWalk{s: s, at: from}
	w.index, w.changed = s.unwritten(kindRef)
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
	return guard(func() error {
		return w.index.db.View(func(tx *bbolt.Tx) error {
			c := tx.Bucket(bucketSessions).Cursor()
			k, v := c.Seek(w.at)
			switch {
			case k == nil:
				k, v = c.Last()
			case w.open || !bytes.Equal(k, w.at):
				k, v = c.Prev()
			}
			for n := 0; k != nil && n < chunk; n++ {
				if len(k) < 8 {
					return errLiveWire
				}
				if w.changed[string(k[8:])] == nil {
					got, err := decodeValue(refKeyOf(k), v)
					if err != nil {
						return err
					}
					w.stored = append(w.stored, got.(*kept).session)
				}
				w.at, w.open = bytes.Clone(k), true
				k, v = c.Prev()
			}
			w.ended = k == nil
			return nil
		})
	})
}

func refKeyOf(place []byte) fold.Key { return refKey(string(place[8:])) }

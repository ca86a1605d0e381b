package history

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"math"
	"time"

	"switchboard/engine"
	"switchboard/engine/history/boltfile"
	"switchboard/engine/history/calltable"
	"switchboard/engine/history/fold"
)

// Calls lists calls, newest first: by Call.At, whenever they reached us. A page's
// cursor stays right while calls come in, and after a restart. The error is
// engine.ErrBadCursor, ctx's, or the disk's.
//
// Numbers in the filter, and times, leave out whole stretches of the history
// where they don't occur; what remains is looked through, for as long as the
// filter's Within allows.
func (s *Store) Calls(ctx context.Context, f engine.CallFilter) (engine.CallPage, error) {
	limit := f.Limit
	if limit <= 0 {
		limit = engine.DefaultPage
	}
	limit = min(limit, engine.MaxPage)
	from, err := s.parseCursor(cursorCalls, f.Cursor)
	if err != nil {
		return engine.CallPage{}, err
	}
	list := s.listCalls(from.Timed, f)
	now := s.now().UnixNano()
	page := engine.CallPage{Calls: []*engine.Call{}}
	began := time.Now()
	for {
		next, err := list.next(ctx)
		if err != nil || next == nil {
			return page, err
		}
		if f.Within > 0 && next.Timed != from.Timed && time.Since(began) > f.Within {
			page.Next, page.Partial = s.cursor(cursorCalls, position{Timed: next.Timed}), true
			return page, nil
		}
		for i, c := range next.group.Calls() {
			if c.At() != next.When || next.Timed == from.Timed && i < from.skip {
				continue
			}
			c = fold.Resolve(c, now, s.rules.TTL)
			if !matches(f, c) {
				continue
			}
			if len(page.Calls) == limit {
				page.Next = s.cursor(cursorCalls, position{next.Timed, i})
				return page, nil
			}
			page.Calls = append(page.Calls, c)
		}
	}
}

func matches(f engine.CallFilter, c *engine.Call) bool {
	at := c.At()
	return (f.Caller == "" || f.Caller == c.Caller) &&
		(f.DID == "" || f.DID == c.DID) &&
		(f.Receiver == "" || f.Receiver == c.Receiver) &&
		(f.Status == "" || f.Status == c.Status) &&
		(f.Reason == "" || f.Reason == c.Reason) &&
		(f.Source == "" || f.Source == c.Source) &&
		(f.From.IsZero() || at >= f.From.UnixNano()) &&
		(f.To.IsZero() || at < f.To.UnixNano())
}

// position is where a page begins: at a call_id, after some of the calls there.
type position struct {
	calltable.Timed
	skip int
}

// The lists that positions are in: a cursor of one is none of the other.
const (
	cursorCalls = "calls"
	cursorAudit = "audit"
)

func (s *Store) cursor(list string, p position) string {
	b := binary.BigEndian.AppendUint64(boltfile.Key(p.Place), uint64(p.When))
	b = binary.AppendUvarint(b, uint64(p.skip))
	return base64.RawURLEncoding.EncodeToString(binary.BigEndian.AppendUint32(b, s.cursorSum(append([]byte(list), b...))))
}

// cursorSum tells a cursor of this database from anything else.
func (s *Store) cursorSum(b []byte) uint32 {
	return uint32(sumOf(append([]byte(s.file.ID()), b...)))
}

func (s *Store) parseCursor(list, c string) (position, error) {
	if c == "" {
		return position{Timed: calltable.Newest}, nil
	}
	b, err := base64.RawURLEncoding.DecodeString(c)
	if err != nil || len(b) < 8+8+1+4 {
		return position{}, engine.ErrBadCursor
	}
	body, sum := b[:len(b)-4], binary.BigEndian.Uint32(b[len(b)-4:])
	skip, n := binary.Uvarint(body[16:])
	if s.cursorSum(append([]byte(list), body...)) != sum || n != len(body)-16 || skip > math.MaxInt32 {
		return position{}, engine.ErrBadCursor
	}
	return position{calltable.Timed{When: int64(binary.BigEndian.Uint64(body[8:])), Place: boltfile.Number(body[:8])}, int(skip)}, nil
}

package history

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"encoding/binary"
	"slices"
	"strings"

	"go.etcd.io/bbolt"

	"switchboard/engine"
	"switchboard/engine/history/boltfile"
	"switchboard/engine/history/fold"
)

// Facts lists what has not expired by collection and key; see
// [engine.LiveData]. A page's cursor stays right while facts come and go, and
// after a restart. The error is engine.ErrBadCursor, ctx's, or the disk's.
func (s *Store) Facts(ctx context.Context, f engine.FactFilter) (engine.FactPage, error) {
	page := engine.FactPage{Facts: []*engine.Fact{}}
	limit := f.Limit
	if limit <= 0 {
		limit = engine.DefaultPage
	}
	limit = min(limit, engine.MaxPage)
	l := factList{now: s.now().UnixNano()}
	if f.Collection != "" {
		l.prefix = []byte(f.Collection + separator)
	}
	var err error
	if l.at, err = s.parseFactCursor(f.Cursor, l.prefix); err != nil {
		return page, err
	}
	// What changed is noted before the index is read: what is written behind in
	// between is in the index as well then.
	l.index, l.fresh = s.unwrittenByKey(kindFact)
	for number, e := range l.fresh {
		if number >= string(l.at) {
			l.take(number, e.value)
		}
	}
	l.want = len(l.found) + limit + 1 // from the index as many as a page may need
	for len(l.found) < l.want && !l.ended {
		if err := ctx.Err(); err != nil {
			return page, err
		}
		if err := boltfile.Guard(l.read); err != nil {
			s.indexBroken(l.index, err)
			return page, err
		}
	}
	slices.SortFunc(l.found, func(a, b *engine.Fact) int {
		return cmp.Or(cmp.Compare(a.Collection, b.Collection), cmp.Compare(a.Key, b.Key))
	})
	if len(l.found) > limit {
		page.Next = s.factCursor(l.found[limit])
		l.found = l.found[:limit]
	}
	page.Facts = append(page.Facts, l.found...)
	return page, nil
}

// factList collects facts: what is not written behind yet, and the index's.
type factList struct {
	now    int64
	want   int    // how many are enough
	prefix []byte // of keys
	index  *index
	fresh  map[string]*written // the index's state of these is older
	at     []byte              // the index is to be read from here
	ended  bool                // the index has no more
	found  []*engine.Fact
}

func (l *factList) take(number string, v value) {
	f, _ := v.(*keptFact)
	if live := f.live(l.now); live != nil && strings.HasPrefix(number, string(l.prefix)) {
		l.found = append(l.found, live)
	}
}

// read takes the next facts out of the index.
func (l *factList) read() error {
	return l.index.view(func(tx *bbolt.Tx) error {
		c := tx.Bucket(bucketFacts).Cursor()
		k, v := c.Seek(l.at)
		within := func() bool { return k != nil && bytes.HasPrefix(k, l.prefix) }
		for n := 0; within() && n < chunk && len(l.found) < l.want; n++ {
			if l.fresh[string(k)] == nil {
				got, err := decodeValue(fold.Key{Kind: kindFact, Number: string(k)}, v)
				if err != nil {
					return err
				}
				l.take(string(k), got)
			}
			k, v = c.Next()
		}
		l.at, l.ended = bytes.Clone(k), !within()
		return nil
	})
}

func (s *Store) factCursor(at *engine.Fact) string {
	b := []byte(at.Collection + separator + at.Key)
	return base64.RawURLEncoding.EncodeToString(binary.BigEndian.AppendUint32(b, s.cursorSum(b)))
}

// parseFactCursor returns the key that a page begins at.
func (s *Store) parseFactCursor(c string, prefix []byte) ([]byte, error) {
	if c == "" {
		return prefix, nil
	}
	b, err := base64.RawURLEncoding.DecodeString(c)
	if err != nil || len(b) < 4 {
		return nil, engine.ErrBadCursor
	}
	body, sum := b[:len(b)-4], binary.BigEndian.Uint32(b[len(b)-4:])
	if s.cursorSum(body) != sum || !bytes.HasPrefix(body, prefix) {
		return nil, engine.ErrBadCursor
	}
	return body, nil
}

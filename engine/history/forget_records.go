package history

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"slices"

	"go.etcd.io/bbolt"

	"switchboard/engine"
	"switchboard/engine/failpoint"
	"switchboard/engine/history/journal"
	"switchboard/engine/history/pieces"
)

// erasure is the record of an erasure: of a batch of records that were rewritten
// in its transaction, or with Done of the whole.
type erasure struct {
	By   string          `json:"by,omitempty"`
	Done *engine.Erasure `json:"done,omitempty"`
}

// erasureBegins is how such a record begins.
var erasureBegins = []byte(`{"kind":"` + string(kindErasure) + `"`)

// bodyBegins is how a payload begins in a record: base64 follows.
var bodyBegins = []byte(`"body":"`)

// holds reports whether a record may hold the number. Most don't, and are not
// decoded.
func (e *eraser) holds(data []byte) bool {
	if e.p.In(data) {
		return true
	}
	if bytes.HasPrefix(data, []byte(`{"kind":"`+string(kindRevision)+`"`)) {
		if listsFiles(data) {
			return true // which are looked through when no transaction is open
		}
		r, err := decodeRecord(data)
		return err == nil && e.inFiles(r.Revision)
	}
	for rest := data; ; {
		i := bytes.Index(rest, bodyBegins)
		if i < 0 {
			return false
		}
		rest = rest[i+len(bodyBegins):]
		end := bytes.IndexByte(rest, '"')
		if end < 0 {
			return false
		}
		body, err := base64.StdEncoding.AppendDecode(nil, rest[:end])
		if err == nil && e.p.In(body) {
			return true
		}
		rest = rest[end:]
	}
}

// searched decodes records and tells which are of revisions whose files hold the
// number.
func (e *eraser) searched(found []journal.Stored) (records []*record, in []bool, err error) {
	records, in = make([]*record, len(found)), make([]bool, len(found))
	for i, st := range found {
		r, err := decodeRecord(st.Data)
		if err != nil {
			return nil, nil, err
		}
		records[i] = r
		if r.Revision == nil {
			continue
		}
		if in[i], err = e.inSet(r.Files); errors.Is(err, pieces.ErrMissing) {
			e.s.log.Warn("a damaged policy set in the archive could not be searched for a person to erase; verify the database", "revision", r.Revision.ID, "error", err)
		} else if err != nil {
			return nil, nil, err
		}
		in[i] = in[i] || e.inFiles(r.Revision)
	}
	return records, in, nil
}

func (e *eraser) inFiles(rev *engine.Revision) bool {
	for path, text := range rev.Files {
		if e.p.In([]byte(path)) || e.p.In(text) {
			return true
		}
	}
	return false
}

// other erases the person from a record that concerns no call; in says that the
// number is in the files of its revision. A record of which nothing may stay
// becomes an empty one: there are no gaps in the log.
func (e *eraser) other(r *record, in bool) {
	at := r.At
	switch {
	case r.Quarantine != nil, r.Revision != nil && in,
		r.Fact != nil && e.named(r.Fact.Collection, r.Fact.Key):
		*r = record{Kind: kindErased, At: at}
		return
	case r.Session != nil:
		for _, s := range []*storedSession{r.Session.Before, r.Session.After} {
			if s != nil {
				*s = *storeSession(e.session(s.session()))
			}
		}
	}
	e.p.Value(r)
}

// named reports whether a fact is named after the person.
func (e *eraser) named(collection, key string) bool {
	return e.p.In([]byte(collection)) || e.p.In([]byte(key))
}

// session is a session without the person: ended at the latest when the person
// was erased.
func (e *eraser) session(s *engine.Session) *engine.Session {
	out := *s
	out.Ref = e.rename(s.Ref)
	for i, party := range s.Parties {
		if party != e.p.Canonical() {
			continue
		}
		out.Parties[i] = engine.Erased
		if out.Expires == 0 || out.Expires > e.at {
			out.Expires = e.at
		}
	}
	out.Data, _ = e.p.JSON(s.Data)
	return &out
}

// others rewrites records that concern no call, and drops from the archive what
// goes with them.
func (e *eraser) others(ctx context.Context, found []journal.Stored) error {
	if len(found) == 0 {
		return nil
	}
	it, err := e.startOthers(found)
	if err != nil || it == nil {
		return err
	}
	return e.await(ctx, it)
}

// startOthers queues the record that rewrites others; nil where none changes.
func (e *eraser) startOthers(found []journal.Stored) (*journal.Item, error) {
	var news []journal.Stored
	var items, revisions []string
	var unaudited []uint64
	records, in, err := e.searched(found)
	if err != nil {
		return nil, err
	}
	a := &e.s.archive
	a.mu.Lock()
	defer a.mu.Unlock()
	for i, st := range found {
		r := records[i]
		q, rev, audited := r.Quarantine, r.Revision, r.audited()
		if rev != nil && !in[i] && !e.p.In(st.Data) {
			continue
		}
		e.other(r, in[i])
		data, err := r.encode()
		if err != nil {
			return nil, err
		}
		if bytes.Equal(data, st.Data) {
			continue // the digits belong to something else
		}
		news = append(news, journal.Stored{Seq: st.Seq, Data: data})
		if r.Kind != kindErased {
			continue
		}
		if audited {
			unaudited = append(unaudited, st.Seq)
		}
		if q != nil && a.items[q.ID].Seq == st.Seq {
			items = append(items, q.ID)
		}
		if rev != nil && a.revisions[rev.ID].Seq == st.Seq {
			revisions = append(revisions, rev.ID)
		}
	}
	if len(news) == 0 {
		return nil, nil
	}
	data, err := e.erasureRecord()
	if err != nil {
		return nil, err
	}
	e.s.mu.Lock()
	it, err := e.s.append(data, func(tx *bbolt.Tx, _ uint64) error {
		err := failpoint.Before(failpoint.ForgetOthers, func() error { return journal.Replace(tx, news) })
		for _, id := range items {
			err = errors.Join(err, tx.Bucket(bucketQuarantine).Delete([]byte(id)))
		}
		for _, id := range revisions {
			err = errors.Join(err, tx.Bucket(bucketRevisions).Delete([]byte(id)))
		}
		return err
	})
	for i := 0; err == nil && i < len(unaudited); i++ {
		e.s.memory.trail(unaudited[i], false)
	}
	e.s.mu.Unlock()
	if err != nil {
		return nil, err
	}
	failpoint.Pass(failpoint.ForgetArchive)
	for _, id := range items {
		a.bytes -= a.items[id].Size
		delete(a.items, id)
	}
	for _, id := range revisions {
		delete(a.revisions, id)
	}
	e.out.Records += len(news)
	e.out.Quarantined += len(items)
	e.out.Revisions = append(e.out.Revisions, revisions...)
	slices.Sort(e.out.Revisions)
	return it, nil
}

// erasedSince reports whether somebody was erased after a record: an index that
// does not know of it can't be brought up to date.
func erasedSince(l *journal.File, seq uint64) (yes bool, err error) {
	err = l.Up(seq+1, func(_ uint64, data []byte) bool {
		yes = bytes.HasPrefix(data, erasureBegins)
		return !yes
	})
	return yes, err
}

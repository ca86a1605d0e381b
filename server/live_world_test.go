package server_test

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"switchboard/engine"
	"switchboard/server"
)

// liveNow is the servers' clock in the tests of live data.
var liveNow = time.Unix(1763802300, 0)

// beginLive starts a server that keeps live data.
func beginLive(t *testing.T, change func(*server.Options)) (*world, *fakeLive) {
	live := newFakeLive()
	w := begin(t, func(o *server.Options) {
		o.Live, o.Now = live, func() time.Time { return liveNow }
		if change != nil {
			change(o)
		}
	})
	return w, live
}

// fakeLive keeps live data in maps. fail, where set, is the answer to all.
type fakeLive struct {
	mu       sync.Mutex
	fail     error
	panics   string // ref that breaks the store
	sessions map[string]*engine.Session
	kept     map[string]*engine.Fact
	pools    [][]string
	by       []string
	filters  []engine.SessionFilter
	entries  []engine.AuditEntry
	limit    int
	next     string
	stuck    bool // the disk takes nothing
}

func newFakeLive() *fakeLive {
	return &fakeLive{sessions: map[string]*engine.Session{}, kept: map[string]*engine.Fact{}}
}

func (l *fakeLive) begin(ctx context.Context, by string) error {
	if l.stuck {
		<-ctx.Done()
		return fmt.Errorf("the disk: %w", ctx.Err())
	}
	l.by = append(l.by, by)
	return l.fail
}

func (l *fakeLive) PutSession(ctx context.Context, s engine.Session, pool []string, by string) (*engine.Session, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.begin(ctx, by); err != nil {
		return nil, err
	}
	if s.Ref == l.panics && s.Ref != "" {
		panic("torn page of 9876543210")
	}
	l.pools = append(l.pools, pool)
	s.Created = liveNow.UnixNano()
	if before := l.sessions[s.Ref]; before != nil && before.Live(s.Created) {
		s.Created, s.DID = before.Created, cmp.Or(s.DID, before.DID)
	}
	for _, did := range pool {
		if s.DID == "" && !l.taken(did, s.Parties) {
			s.DID = did
		}
	}
	if s.DID == "" {
		return nil, engine.ErrPoolExhausted
	}
	l.sessions[s.Ref] = &s
	return &s, nil
}

func (l *fakeLive) taken(did string, parties [2]string) bool {
	for _, s := range l.sessions {
		if s.DID == did && (s.Other(parties[0]) != "" || s.Other(parties[1]) != "") {
			return true
		}
	}
	return false
}

func (l *fakeLive) EndSession(ctx context.Context, ref, by string) (*engine.Session, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.begin(ctx, by); err != nil {
		return nil, err
	}
	s := l.sessions[ref]
	if s == nil || !s.Live(liveNow.UnixNano()) {
		return nil, nil
	}
	ended := *s
	ended.Expires = liveNow.UnixNano()
	l.sessions[ref] = &ended
	return &ended, nil
}

func (l *fakeLive) Session(_ context.Context, ref string) (*engine.Session, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.sessions[ref], l.fail
}

func (l *fakeLive) Sessions(_ context.Context, f engine.SessionFilter) (engine.SessionPage, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.filters = append(l.filters, f)
	if f.Cursor == "forged" {
		return engine.SessionPage{}, engine.ErrBadCursor
	}
	page := engine.SessionPage{Next: l.next}
	for _, ref := range slices.Sorted(maps.Keys(l.sessions)) {
		page.Sessions = append(page.Sessions, l.sessions[ref])
	}
	return page, l.fail
}

func (l *fakeLive) PutFact(ctx context.Context, f engine.Fact) (*engine.Fact, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.begin(ctx, f.By); err != nil {
		return nil, err
	}
	l.kept[f.Collection+"\x00"+f.Key] = &f
	return &f, nil
}

func (l *fakeLive) DeleteFact(ctx context.Context, collection, key, by string) (bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.begin(ctx, by); err != nil {
		return false, err
	}
	_, found := l.kept[collection+"\x00"+key]
	delete(l.kept, collection+"\x00"+key)
	return found, nil
}

func (l *fakeLive) Fact(_ context.Context, collection, key string) (*engine.Fact, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.kept[collection+"\x00"+key], l.fail
}

// Facts pages by the name as it is: its cursor is where the next page begins.
func (l *fakeLive) Facts(_ context.Context, f engine.FactFilter) (engine.FactPage, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var page engine.FactPage
	for _, name := range slices.Sorted(maps.Keys(l.kept)) {
		fact := l.kept[name]
		if f.Collection != "" && f.Collection != fact.Collection || name < f.Cursor {
			continue
		}
		if f.Limit > 0 && len(page.Facts) == f.Limit {
			page.Next = name
			break
		}
		page.Facts = append(page.Facts, fact)
	}
	return page, l.fail
}

func (l *fakeLive) Note(ctx context.Context, e engine.AuditEntry) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.begin(ctx, e.By); err != nil {
		return err
	}
	l.entries = append(l.entries, e)
	return nil
}

// noted is what was noted, as "by action target" each.
func (l *fakeLive) noted() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []string
	for _, e := range l.entries {
		out = append(out, e.By+" "+e.Action+" "+e.Target)
	}
	return out
}

func (l *fakeLive) Audit(_ context.Context, f engine.AuditFilter) (engine.AuditPage, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.limit = f.Limit; f.Cursor != "" && f.Cursor != l.next {
		return engine.AuditPage{}, engine.ErrBadCursor
	}
	return engine.AuditPage{Entries: l.entries, Next: l.next}, l.fail
}

// put keeps a session as if it had been there.
func (l *fakeLive) put(s engine.Session) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sessions[s.Ref] = &s
}

func (l *fakeLive) lastFilter() engine.SessionFilter {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.filters[len(l.filters)-1]
}

// quoted is text as JSON has it.
func quoted(text string) string {
	b, _ := json.Marshal(text)
	return string(b)
}

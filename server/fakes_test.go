package server_test

import (
	"context"
	"errors"
	"maps"
	"os"
	"slices"
	"strconv"
	"sync"
	"time"

	"switchboard/engine"
	"switchboard/server"
)

const forwarded = `{"response": {"call_forwarding_number": "9876543210", "call_timeout": 0}}`
const fellBack = `{"response": {"call_forwarding_number": "9876500000", "call_timeout": 0}}`

// fakeRouter answers everything with one number.
type fakeRouter struct {
	mu      sync.Mutex
	got     []engine.Initiation
	asked   []engine.WhatIf
	unread  []string // DIDs of what could not be read
	route   func(*engine.Initiation) engine.Reply
	lost    func() (engine.Reply, bool) // answers what cannot be read
	whatIf  func(engine.WhatIf) (*engine.WhatIfResult, error)
	unready bool
}

func reply(body string) engine.Reply {
	return engine.Reply{Status: 200, Type: "application/json", Body: []byte(body)}
}

func newFakeRouter() *fakeRouter {
	return &fakeRouter{
		route: func(*engine.Initiation) engine.Reply { return reply(forwarded) },
		lost:  func() (engine.Reply, bool) { return reply(fellBack), true },
		whatIf: func(engine.WhatIf) (*engine.WhatIfResult, error) {
			return &engine.WhatIfResult{Decision: engine.Decision{Number: "9876543210", Reason: "sticky", Source: engine.SourcePolicy}, Revision: "r1"}, nil
		},
	}
}

func (r *fakeRouter) Route(_ context.Context, in *engine.Initiation) engine.Reply {
	r.mu.Lock()
	r.got = append(r.got, *in)
	r.mu.Unlock()
	return r.route(in)
}

func (r *fakeRouter) Unreadable(_, did engine.Number) (engine.Reply, bool) {
	r.mu.Lock()
	r.unread = append(r.unread, did.Canonical)
	r.mu.Unlock()
	return r.lost()
}

func (r *fakeRouter) Ready() bool { return !r.unready }

func (r *fakeRouter) WhatIf(_ context.Context, w engine.WhatIf) (*engine.WhatIfResult, error) {
	r.mu.Lock()
	r.asked = append(r.asked, w)
	r.mu.Unlock()
	return r.whatIf(w)
}

func (r *fakeRouter) initiations() []engine.Initiation {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.got)
}

// fakeStore keeps everything in maps. fail, where set, is the answer to all.
type fakeStore struct {
	confirmed   time.Time // what the clock says
	mu          sync.Mutex
	fail        error
	completions []engine.Completion
	items       map[string]engine.QuarantineItem
	filters     []engine.CallFilter
	summed      []engine.StatsFilter
	stats       *engine.Stats
	erased      engine.Erasure
	forgotten   string // who, and by whom
	page        engine.CallPage
	paging      func(engine.CallFilter) (engine.CallPage, error) // where set, in place of page
	details     map[string]*engine.CallDetail
	profiles    map[string]*engine.Profile // kind/number
	revisions   []engine.Revision
	status      engine.StoreStatus
	result      engine.CompletionResult
	backup      string             // the database's content
	backingUp   chan chan struct{} // where set, a backup offers a gate and waits at it
	copied      *os.File           // the newest backup's file; open, so that its size can be seen when its name is gone
	leftover    int64              // of the backup before, when the newest was made
	panics      bool               // when quarantining
	completing  func(context.Context)
	looking     func()        // where set, told when something long is asked for
	hold        chan struct{} // where set, quarantining waits for it or for its context
}

func (s *fakeStore) Complete(ctx context.Context, c *engine.Completion) (engine.CompletionResult, error) {
	if s.completing != nil {
		s.completing(ctx)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail != nil {
		return "", s.fail
	}
	s.completions = append(s.completions, *c)
	if s.result != "" {
		return s.result, nil
	}
	return engine.Stored, nil
}

func (s *fakeStore) look() {
	if s.looking != nil {
		s.looking()
	}
}

func (s *fakeStore) Calls(_ context.Context, f engine.CallFilter) (engine.CallPage, error) {
	s.look()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.filters = append(s.filters, f)
	if f.Cursor == "forged" {
		return engine.CallPage{}, engine.ErrBadCursor
	}
	if s.paging != nil && s.fail == nil {
		return s.paging(f)
	}
	return s.page, s.fail
}

func (s *fakeStore) lastFilter() engine.CallFilter {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.filters[len(s.filters)-1]
}

func (s *fakeStore) Call(_ context.Context, id string) (*engine.CallDetail, error) {
	return s.details[id], s.fail
}

func (s *fakeStore) Profile(_ context.Context, kind engine.ProfileKind, number string) (*engine.Profile, error) {
	return s.profiles[string(kind)+"/"+number], s.fail
}

func (s *fakeStore) Stats(_ context.Context, f engine.StatsFilter) (*engine.Stats, error) {
	s.look()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.summed = append(s.summed, f)
	if s.stats == nil {
		return &engine.Stats{}, s.fail
	}
	return s.stats, s.fail
}

func (s *fakeStore) Forget(_ context.Context, n engine.Number, by string) (*engine.Erasure, error) {
	s.look()
	if s.fail != nil {
		return nil, s.fail
	}
	s.forgotten += n.Canonical + " " + by + ";"
	return &s.erased, nil
}

func (s *fakeStore) ConfirmClock() (time.Time, error) { return s.confirmed, s.fail }

func (s *fakeStore) Revisions(context.Context) ([]engine.Revision, error) { return s.revisions, s.fail }

func (s *fakeStore) Revision(_ context.Context, id string) (*engine.Revision, error) {
	for _, r := range s.revisions {
		if r.ID == id {
			return &r, nil
		}
	}
	return nil, s.fail
}

func (s *fakeStore) Backup(ctx context.Context, path string) error {
	s.look()
	if s.fail != nil {
		return s.fail
	}
	if s.backingUp != nil {
		gate := make(chan struct{})
		select {
		case s.backingUp <- gate:
			<-gate
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.copied != nil {
		info, err := s.copied.Stat()
		if err := errors.Join(err, s.copied.Close()); err != nil {
			return err
		}
		s.leftover += info.Size()
	}
	s.copied = f
	_, err = f.WriteString(s.backup)
	return err
}

func (s *fakeStore) Status() engine.StoreStatus {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.status
	st.Quarantined = len(s.items)
	return st
}

func (s *fakeStore) Quarantine(ctx context.Context, item engine.QuarantineItem) (string, error) {
	if s.panics {
		panic("torn page")
	}
	if s.hold != nil {
		select {
		case <-s.hold:
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail != nil {
		return "", s.fail
	}
	if s.items == nil {
		s.items = map[string]engine.QuarantineItem{}
	}
	item.ID, item.Count = "q"+strconv.Itoa(len(s.items)+1), 1
	s.items[item.ID] = item
	return item.ID, nil
}

func (s *fakeStore) QuarantineList(context.Context) ([]engine.QuarantineItem, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []engine.QuarantineItem
	for _, id := range slices.Sorted(maps.Keys(s.items)) {
		list = append(list, s.items[id])
	}
	return list, s.fail
}

func (s *fakeStore) QuarantineItem(_ context.Context, id string) (*engine.QuarantineItem, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if item, ok := s.items[id]; ok {
		return &item, nil
	}
	return nil, s.fail
}

func (s *fakeStore) QuarantineDelete(_ context.Context, id string) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.items[id]
	delete(s.items, id)
	return ok, s.fail
}

// quarantined is what the quarantine holds.
func (s *fakeStore) quarantined() []engine.QuarantineItem {
	list, _ := s.QuarantineList(context.Background())
	return list
}

// fakePolicies stands still.
type fakePolicies struct {
	status engine.PolicyStatus
	report engine.Report
	origin string
	pool   []string // DIDs of the directory
	asked  []string // revision and who asked for it, of each rollback
	err    error    // of a rollback
}

func (p *fakePolicies) IsDID(did string) bool            { return slices.Contains(p.pool, did) }
func (p *fakePolicies) Directory() []engine.DirectoryDID { return nil }

func (p *fakePolicies) RunTests(context.Context, map[string][]byte) engine.TestReport {
	return engine.TestReport{}
}

func (p *fakePolicies) Check(context.Context, map[string]string) engine.Report { return p.report }

func (p *fakePolicies) Pool() []string { return p.pool }

func (p *fakePolicies) Status() engine.PolicyStatus { return p.status }

func (p *fakePolicies) Reload(_ context.Context, origin string) engine.Report {
	p.origin = origin
	return p.report
}

func (p *fakePolicies) Rollback(_ context.Context, revision, by string) (engine.Report, error) {
	p.asked = append(p.asked, revision+" by "+by)
	return p.report, p.err
}

var _ server.Router = (*engine.Router)(nil)

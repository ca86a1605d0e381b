package relay_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"switchboard/engine"
	"switchboard/server/relay"
)

// fakeStore is a log and an outbox in memory.
type fakeStore struct {
	mu      sync.Mutex
	entries []engine.RelayEntry // of sequence number i+1
	erased  map[uint64]bool
	moved   chan struct{}
	place   map[string]*fakePlace
	fail    error // of saves
	unread  error // of RelayedCall
	saves   int
}

type fakePlace struct {
	cursor  uint64
	waiting map[uint64]engine.RelayLetter
	dead    map[uint64]engine.RelayLetter
}

func newFakeStore() *fakeStore {
	return &fakeStore{moved: make(chan struct{}), place: make(map[string]*fakePlace), erased: make(map[uint64]bool)}
}

// complete adds an entry to the log.
func (s *fakeStore) complete(callID string) uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := engine.RelayEntry{Seq: uint64(len(s.entries) + 1), CallID: callID, At: time.Now().UnixNano()}
	s.entries = append(s.entries, e)
	close(s.moved)
	s.moved = make(chan struct{})
	return e.Seq
}

func (s *fakeStore) RelayEnd() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return uint64(len(s.entries))
}

func (s *fakeStore) RelayWait(ctx context.Context, after uint64) error {
	for {
		s.mu.Lock()
		moved, end := s.moved, uint64(len(s.entries))
		s.mu.Unlock()
		if end > after {
			return nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (s *fakeStore) RelayEntries(_ context.Context, after uint64, limit int) ([]engine.RelayEntry, uint64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := slices.Clone(s.entries[after:min(len(s.entries), int(after)+limit)])
	return out, after + uint64(len(out)), nil
}

func (s *fakeStore) RelayedCall(_ context.Context, e engine.RelayEntry) (*engine.RelayedCall, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.unread != nil || s.erased[e.Seq] {
		return nil, s.unread
	}
	c := &engine.RelayedCall{
		Call: &engine.Call{CallID: e.CallID, Caller: "9988912345", DID: "918645658689", Receiver: "9876543210",
			Status: engine.StatusAnswered, Duration: 42},
		Completion: &engine.Completion{CallID: e.CallID, Status: engine.StatusAnswered, Duration: 42,
			Raw: engine.Payload{Type: "application/json", Body: []byte(`{"call_id": "` + e.CallID + `"}`)}},
	}
	for _, other := range s.entries[:e.Seq-1] {
		c.Update = c.Update || other.CallID == e.CallID
	}
	return c, nil
}

func (s *fakeStore) RelayRegister(ids []string) (map[string]engine.RelayState, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail != nil {
		return nil, s.fail
	}
	out := make(map[string]engine.RelayState)
	for _, id := range ids {
		p := s.place[id]
		if p == nil {
			p = &fakePlace{uint64(len(s.entries)), make(map[uint64]engine.RelayLetter), make(map[uint64]engine.RelayLetter)}
			s.place[id] = p
		}
		out[id] = engine.RelayState{Cursor: p.cursor, Waiting: sorted(p.waiting), Dead: len(p.dead)}
	}
	return out, nil
}

func sorted(m map[uint64]engine.RelayLetter) (out []engine.RelayLetter) {
	for _, seq := range slices.Sorted(maps.Keys(m)) {
		out = append(out, m[seq])
	}
	return out
}

func (s *fakeStore) RelaySave(target string, c engine.RelayChanges) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.place[target]
	if s.fail != nil {
		return 0, s.fail
	}
	s.saves++
	p.cursor = c.Cursor
	for _, l := range c.Waiting {
		p.waiting[l.Seq] = l
	}
	for _, seq := range c.Delivered {
		delete(p.waiting, seq)
	}
	for _, l := range c.Dead {
		delete(p.waiting, l.Seq)
		p.dead[l.Seq] = l
	}
	return len(p.dead), nil
}

func (s *fakeStore) RelayRevive(target string, seq uint64) (*engine.RelayLetter, int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.place[target]
	l, ok := p.dead[seq]
	if !ok {
		return nil, len(p.dead), nil
	}
	if l.Gone {
		return &l, len(p.dead), nil
	}
	l = engine.RelayLetter{RelayEntry: l.RelayEntry}
	delete(p.dead, seq)
	p.waiting[seq] = l
	return &l, len(p.dead), nil
}

func (s *fakeStore) RelayDelete(target string, seq uint64) (bool, int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.place[target]
	if p == nil {
		return false, 0, nil
	}
	_, found := p.dead[seq]
	delete(p.dead, seq)
	return found, len(p.dead), nil
}

func (s *fakeStore) RelayDead(only, target string, seq uint64, limit int) (out []engine.DeadLetter, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range slices.Sorted(maps.Keys(s.place)) {
		for _, l := range sorted(s.place[id].dead) {
			if (only == "" || id == only) && (id > target || id == target && l.Seq > seq) && len(out) < limit {
				out = append(out, engine.DeadLetter{Target: id, Letter: l})
			}
		}
	}
	return out, nil
}

func (s *fakeStore) RelayRemoved() (map[string]int, error) { return map[string]int{}, nil }

// post is a message as a receiver got it.
type post struct {
	at     time.Time
	host   string
	id     string
	header http.Header
	body   string
	took   bool // the receiver answered 2xx
}

// receiver plays the targets: answer scripts what they say.
type receiver struct {
	mu     sync.Mutex
	posts  []post
	answer func(n int, p post) (status int, header http.Header, body string, err error)
}

// always answers every message with one status.
func always(status int) func(int, post) (int, http.Header, string, error) {
	return func(int, post) (int, http.Header, string, error) { return status, nil, "", nil }
}

func (r *receiver) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	p := post{at: time.Now(), host: req.URL.Host, id: req.Header.Get("webhook-id"), header: req.Header, body: string(body)}
	r.mu.Lock()
	n, answer := len(r.posts), r.answer
	r.posts = append(r.posts, p)
	r.mu.Unlock()
	status, header, text, err := answer(n, p)
	if err == nil {
		err = req.Context().Err()
	}
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	r.posts[n].took = status/100 == 2
	r.mu.Unlock()
	if header == nil {
		header = http.Header{}
	}
	return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader(text)), Request: req}, nil
}

func (r *receiver) script(f func(int, post) (int, http.Header, string, error)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = f
}

func (r *receiver) got() []post {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.posts)
}

const (
	secretA = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	secretB = "whsec_b2xkIHNlY3JldCBvZiB0d2VudHktZm91ciBieXRlcw=="
)

func target(t testing.TB, text string) relay.Target {
	t.Helper()
	out, err := relay.ParseTarget(text, false)
	if err != nil {
		t.Fatal(err)
	}
	out.Secrets = []string{secretA}
	return out
}

// world is a relay that runs, with one target named crm unless said otherwise.
type world struct {
	t     *testing.T
	store *fakeStore
	to    *receiver
	o     relay.Options
	relay *relay.Relay
	stop  func()
	log   *strings.Builder
}

func newWorld(t *testing.T, change ...func(*relay.Options)) *world {
	w := &world{t: t, store: newFakeStore(), to: &receiver{answer: always(204)}, log: &strings.Builder{}}
	w.o = relay.Options{
		Targets: []relay.Target{target(t, "crm=https://user:pa55@crm.example.com/calls?token=t0ken")},
		Log:     w.store, Outbox: w.store, HTTP: w.to, Version: "1.2.3",
		Logger: slog.New(slog.NewTextHandler(w.log, nil)),
	}
	for _, f := range change {
		f(&w.o)
	}
	return w
}

// start runs the relay; what it returns, and the end of the test, stops it.
func (w *world) start() {
	w.t.Helper()
	r, err := relay.New(w.o)
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = r.Run(ctx)
	}()
	w.relay, w.stop = r, sync.OnceFunc(func() { cancel(); <-done })
}

// inBubble runs a test in fake time, where waiting costs nothing.
func inBubble(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, f)
}

func (w *world) status() engine.RelayTarget { return w.relay.Targets()[0] }

// dead are the sequence numbers of the target's dead letters.
func (w *world) dead() (out []uint64) {
	all, err := w.relay.Dead("", "", 0, 100)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, d := range all {
		out = append(out, d.Letter.Seq)
	}
	return out
}

var errDown = errors.New("dial tcp 203.0.113.7:443: connect: connection refused")

func down(int, post) (int, http.Header, string, error) { return 0, nil, "", errDown }

func label(n int) string { return fmt.Sprintf("call-%d", n) }

// snapshot is what lies on disk.
func (s *fakeStore) snapshot() map[string]fakePlace {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make(map[string]fakePlace)
	for id, p := range s.place {
		out[id] = fakePlace{p.cursor, maps.Clone(p.waiting), maps.Clone(p.dead)}
	}
	return out
}

func (s *fakeStore) restore(disk map[string]fakePlace) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, p := range disk {
		s.place[id] = &p
	}
}

// set changes the store beside the relay.
func (s *fakeStore) set(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

// onDisk is what is written down of the target crm.
func (s *fakeStore) onDisk() fakePlace { return s.snapshot()["crm"] }

func (s *fakeStore) saved() (n int) {
	s.set(func() { n = s.saves })
	return n
}

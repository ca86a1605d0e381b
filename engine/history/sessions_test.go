package history_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"switchboard/engine"
	"switchboard/engine/history"
)

const (
	courier = "9876500001"
	other   = "9876500002"
)

// pairing is a session of the caller and the courier for an hour.
func pairing(ref string) engine.Session {
	return engine.Session{Ref: ref, DID: did, Parties: [2]string{caller, courier}, Expires: noon.Add(time.Hour).UnixNano()}
}

func putSession(t testing.TB, s *history.Store, in engine.Session, pool ...string) *engine.Session {
	t.Helper()
	out, err := s.PutSession(t.Context(), in, pool, "backend")
	if err != nil {
		t.Fatalf("PutSession(%s): %v", in.Ref, err)
	}
	return out
}

func endSession(t testing.TB, s *history.Store, ref string) *engine.Session {
	t.Helper()
	out, err := s.EndSession(t.Context(), ref, "backend")
	if err != nil {
		t.Fatalf("EndSession(%s): %v", ref, err)
	}
	return out
}

// paired are the refs that a new view shows for a number on a DID.
func paired(t testing.TB, s *history.Store, did, number string) []string {
	t.Helper()
	v := view(t, s, nil)
	defer v.Close()
	list, err := v.Sessions(did, number)
	if err != nil {
		t.Fatal(err)
	}
	out := []string{}
	for _, p := range list {
		out = append(out, p.Ref)
	}
	return out
}

func records(s *history.Store) uint64 { return s.Status().Records }

func TestASessionJoinsTwoPeople(t *testing.T) {
	s := open(t, options(t, newPath(t)))
	in := pairing("order-1")
	in.Data = json.RawMessage(` {"order": 17} `)
	in.Created, in.LastEnded = 5, 6 // not the caller's to say
	got := putSession(t, s, in)
	if got.Created < noon.UnixNano() || got.LastEnded != 0 || string(got.Data) != `{"order":17}` {
		t.Errorf("got %+v", got)
	}
	for _, n := range []string{caller, courier} {
		equal(t, "sessions of "+n, paired(t, s, did, n), []string{"order-1"})
	}
	equal(t, "on another DID", paired(t, s, did2, caller), []string{})
	equal(t, "of somebody else", paired(t, s, did, other), []string{})
	equal(t, "what can't be a key", paired(t, s, did+"\x00", caller), []string{})
	back, err := s.Session(t.Context(), "order-1")
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "by ref", back, got)
	ended := endSession(t, s, "order-1")
	if ended.Expires < noon.UnixNano() || ended.Expires >= in.Expires {
		t.Errorf("it ended at %d", ended.Expires)
	}
	equal(t, "after the end", paired(t, s, did, caller), []string{})
	if again := endSession(t, s, "order-1"); again != nil {
		t.Errorf("it ended twice: %+v", again)
	}
	if none := endSession(t, s, "order-9"); none != nil {
		t.Errorf("ended what never was: %+v", none)
	}
}

func TestPuttingASessionAgain(t *testing.T) {
	c := newClock()
	o := options(t, newPath(t))
	o.Now = c.now
	s := open(t, o)
	first := putSession(t, s, pairing("order-1"))
	n := records(s)
	c.advance(time.Minute)

	same := pairing("order-1")
	same.Parties[0], same.Parties[1] = same.Parties[1], same.Parties[0]
	same.Data = json.RawMessage("{}")
	equal(t, "the same", putSession(t, s, same), first)
	equal(t, "records", records(s), n)

	longer := pairing("order-1")
	longer.Expires += int64(time.Hour)
	extended := putSession(t, s, longer)
	equal(t, "created", extended.Created, first.Created)
	equal(t, "expires", extended.Expires, longer.Expires)
	equal(t, "records", records(s), n+1)

	moved := pairing("order-1")
	moved.Parties[1] = other
	replaced := putSession(t, s, moved)
	if replaced.Created <= first.Created || replaced.LastEnded != replaced.Created {
		t.Errorf("replaced: %+v", replaced)
	}
	equal(t, "the old courier", paired(t, s, did, courier), []string{})
	equal(t, "the new courier", paired(t, s, did, other), []string{"order-1"})
	equal(t, "the caller", paired(t, s, did, caller), []string{"order-1"})

	endSession(t, s, "order-1")
	c.advance(time.Minute)
	anew := putSession(t, s, pairing("order-1"))
	if anew.Created != c.now().UnixNano() || anew.LastEnded == 0 || anew.LastEnded >= anew.Created {
		t.Errorf("after its end: %+v", anew)
	}
}

func TestSeveralSessionsOfOnePersonNewestFirst(t *testing.T) {
	c := newClock()
	o := options(t, newPath(t))
	o.Now = c.now
	s := open(t, o)
	for i := range 5 {
		in := pairing(fmt.Sprint("order-", i))
		in.Parties[1] = number(i)
		if i == 2 {
			in.Expires = 0
		}
		putSession(t, s, in)
		c.advance(time.Minute)
	}
	equal(t, "newest first", paired(t, s, did, caller), []string{"order-4", "order-3", "order-2", "order-1", "order-0"})
	c.set(noon.Add(time.Hour - time.Second))
	equal(t, "just before they expire", len(paired(t, s, did, caller)), 5)
	v := view(t, s, nil)
	defer v.Close()
	c.set(noon.Add(time.Hour))
	equal(t, "expired", paired(t, s, did, caller), []string{"order-2"})
	list, err := v.Sessions(did, caller)
	if err != nil || len(list) != 5 {
		t.Errorf("a view from before has %d, %v", len(list), err)
	}
	in := pairing("order-9")
	in.Expires = 0
	equal(t, "when the last ended", putSession(t, s, in).LastEnded, noon.Add(time.Hour).UnixNano())
}

// What a decision read of sessions and facts holds it up when it changes.
func TestAChangeOfLiveDataIsAConflict(t *testing.T) {
	s := open(t, options(t, newPath(t)))
	putSession(t, s, pairing("order-1"))
	putFact(t, s, "paused", courier, `true`)
	changes := map[string]func(){
		"a session ends":   func() { endSession(t, s, "order-1") },
		"a session comes":  func() { in := pairing("order-2"); in.Parties[1] = other; putSession(t, s, in) },
		"a session moves":  func() { in := pairing("order-2"); in.DID = did2; putSession(t, s, in) },
		"a fact is set":    func() { putFact(t, s, "paused", courier, `false`) },
		"a fact goes":      func() { deleteFact(t, s, "paused", courier) },
		"a fact is new":    func() { putFact(t, s, "paused", other, `1`) },
		"something else":   nil,
		"another one's":    func() { in := pairing("x"); in.Parties = [2]string{other, "9876500003"}; putSession(t, s, in) },
		"a fact elsewhere": func() { putFact(t, s, "busy", courier, `true`) },
	}
	for _, name := range []string{"something else", "another one's", "a fact elsewhere", "a fact is set", "a fact goes", "a fact is new", "a session comes", "a session moves", "a session ends"} {
		t.Run(name, func(t *testing.T) {
			v := view(t, s, nil)
			defer v.Close()
			for _, err := range []error{
				second(v.Sessions(did, caller)), second(v.Fact("paused", courier)), second(v.Fact("paused", other)),
			} {
				if err != nil {
					t.Fatal(err)
				}
			}
			change := changes[name]
			if change != nil {
				change()
			}
			_, err := s.Publish(v, decision("call "+name, caller, number(1), did, v.At()))
			harmless := change == nil || strings.Contains(name, "else") || strings.Contains(name, "another")
			if harmless != (err == nil) || err != nil && !errors.Is(err, engine.ErrConflict) {
				t.Errorf("Publish: %v", err)
			}
			_, err = v.Sessions(did, caller)
			if strings.HasPrefix(name, "a session") && !errors.Is(err, engine.ErrConflict) {
				t.Errorf("reading again: %v", err)
			}
		})
	}
}

func second[T any](_ T, err error) error { return err }

func TestBadSessionsGetASentence(t *testing.T) {
	s := open(t, options(t, newPath(t)))
	for want, f := range map[string]func(*engine.Session){
		"has no ref":             func(p *engine.Session) { p.Ref = "" },
		"at most 256":            func(p *engine.Session) { p.Ref = strings.Repeat("r", 257) },
		"control characters":     func(p *engine.Session) { p.Ref = "a\x00b" },
		"needs two parties":      func(p *engine.Session) { p.Parties[1] = "" },
		"the same number":        func(p *engine.Session) { p.Parties[1] = caller },
		"own DID":                func(p *engine.Session) { p.Parties[1] = did },
		"canonical form":         func(p *engine.Session) { p.Parties[1] = "98765 00001" },
		"telephone numbers":      func(p *engine.Session) { p.DID = "+" },
		"lies in the past":       func(p *engine.Session) { p.Expires = noon.UnixNano() - 1 },
		"at most 8192":           func(p *engine.Session) { p.Data = json.RawMessage(`{"a":"` + strings.Repeat("x", 9000) + `"}`) },
		"must be a JSON object":  func(p *engine.Session) { p.Data = json.RawMessage(`[1]`) },
		"must be a JSON object,": func(p *engine.Session) { p.Data = json.RawMessage(`{"a":`) },
		"no pool to take":        func(p *engine.Session) { p.DID = "" },
	} {
		in := pairing("order-1")
		f(&in)
		_, err := s.PutSession(t.Context(), in, nil, "backend")
		var bad *engine.BadInputError
		if !errors.As(err, &bad) || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	if _, err := s.PutSession(t.Context(), func() engine.Session { p := pairing("x"); p.DID = ""; return p }(), []string{"main"}, ""); err == nil || !strings.Contains(err.Error(), "pool holds") {
		t.Errorf("a pool of words: %v", err)
	}
	equal(t, "records", records(s), uint64(0))
	for i := range 100 {
		in := pairing(fmt.Sprint("order-", i))
		in.Parties[1] = number(i)
		putSession(t, s, in)
	}
	in := pairing("one more")
	if _, err := s.PutSession(t.Context(), in, nil, "backend"); !errors.Is(err, engine.ErrTooMany) || strings.Contains(err.Error(), caller) {
		t.Errorf("the 101st: %v", err)
	}
	putSession(t, s, func() engine.Session { p := pairing("order-5"); p.Parties[1] = other; return p }())
}

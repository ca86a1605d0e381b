package history_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"switchboard/engine"
	"switchboard/engine/history"
)

func putFact(t testing.TB, s *history.Store, collection, key, value string) *engine.Fact {
	t.Helper()
	f, err := s.PutFact(t.Context(), engine.Fact{Collection: collection, Key: key, Value: json.RawMessage(value), By: "desk"})
	if err != nil {
		t.Fatalf("PutFact(%s, %s): %v", collection, key, err)
	}
	return f
}

func deleteFact(t testing.TB, s *history.Store, collection, key string) bool {
	t.Helper()
	was, err := s.DeleteFact(t.Context(), collection, key, "desk")
	if err != nil {
		t.Fatal(err)
	}
	return was
}

// factOf is a fact's value as a new view shows it; empty where there is none.
func factOf(t testing.TB, s *history.Store, collection, key string) string {
	t.Helper()
	v := view(t, s, nil)
	defer v.Close()
	f, err := v.Fact(collection, key)
	if err != nil {
		t.Fatal(err)
	}
	direct, err := s.Fact(t.Context(), collection, key)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "what the API shows", direct, f)
	if f == nil {
		return ""
	}
	return string(f.Value)
}

func factNames(t testing.TB, s *history.Store, collection string) []string {
	t.Helper()
	out := []string{}
	for filter := (engine.FactFilter{Collection: collection, Limit: 2}); ; { // small, so that all are paged
		page, err := s.Facts(t.Context(), filter)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range page.Facts {
			out = append(out, f.Collection+"/"+f.Key+"="+string(f.Value))
		}
		if filter.Cursor = page.Next; page.Next == "" {
			return out
		}
	}
}

func TestFactsComeAndGo(t *testing.T) {
	c := newClock()
	o := options(t, newPath(t))
	o.Now = c.now
	s := open(t, o, small)
	f := putFact(t, s, "paused", caller, ` {"until" : 1.50} `)
	if string(f.Value) != `{"until":1.50}` || f.Set < noon.UnixNano() || f.By != "desk" {
		t.Errorf("got %+v", f)
	}
	equal(t, "value", factOf(t, s, "paused", caller), `{"until":1.50}`)
	equal(t, "another", factOf(t, s, "paused", courier), "")
	equal(t, "what can't be a key", factOf(t, s, "paused\x00x", "y"), "")
	putFact(t, s, "paused", caller, `false`)
	putFact(t, s, "paused.too", caller, `null`)
	if err := s.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	putFact(t, s, "busy", "a@b.example", `"x"`)
	if _, err := s.PutFact(t.Context(), engine.Fact{Collection: "busy", Key: "soon", Value: json.RawMessage(`1`), Expires: noon.Add(time.Minute).UnixNano()}); err != nil {
		t.Fatal(err)
	}
	equal(t, "all", factNames(t, s, ""), []string{`busy/a@b.example="x"`, "busy/soon=1", "paused/" + caller + "=false", "paused.too/" + caller + "=null"})
	equal(t, "of one", factNames(t, s, "paused"), []string{"paused/" + caller + "=false"})
	c.set(noon.Add(time.Minute))
	equal(t, "expired", factOf(t, s, "busy", "soon"), "")
	equal(t, "of one", factNames(t, s, "busy"), []string{`busy/a@b.example="x"`})
	equal(t, "deleting", deleteFact(t, s, "paused", caller), true)
	equal(t, "deleted", factOf(t, s, "paused", caller), "")
	equal(t, "deleting again", deleteFact(t, s, "paused", caller), false)
	equal(t, "deleting what expired", deleteFact(t, s, "busy", "soon"), false)
	equal(t, "deleting nothing", deleteFact(t, s, "none", "none"), false)
	equal(t, "left", factNames(t, s, ""), []string{`busy/a@b.example="x"`, "paused.too/" + caller + "=null"})
}

func TestBadFactsGetASentence(t *testing.T) {
	s := open(t, options(t, newPath(t)))
	for want, f := range map[string]engine.Fact{
		"collection's name":  {Collection: "a/b", Key: "k", Value: json.RawMessage("1")},
		"the key's name":     {Collection: "c", Key: "", Value: json.RawMessage("1")},
		"1 to 128":           {Collection: "c", Key: strings.Repeat("k", 129), Value: json.RawMessage("1")},
		"letters, digits":    {Collection: "c", Key: "a b", Value: json.RawMessage("1")},
		"has no value":       {Collection: "c", Key: "k"},
		"is not JSON":        {Collection: "c", Key: "k", Value: json.RawMessage("{")},
		"not UTF-8":          {Collection: "c", Key: "k", Value: json.RawMessage("\"\xff\"")},
		"at most 65536":      {Collection: "c", Key: "k", Value: json.RawMessage(`"` + strings.Repeat("x", 1<<16) + `"`)},
		"expires lies in th": {Collection: "c", Key: "k", Value: json.RawMessage("1"), Expires: noon.UnixNano() - 1},
	} {
		_, err := s.PutFact(t.Context(), f)
		var bad *engine.BadInputError
		if !errors.As(err, &bad) || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	equal(t, "records", records(s), uint64(0))
}

func TestFactsAreBounded(t *testing.T) {
	c := newClock()
	path := newPath(t)
	o := options(t, path)
	o.Now = c.now
	tune := func(u *history.Tuning) { u.Facts, u.FactBytes = 5, 1000 }
	s, err := history.OpenTuned(o, tune)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 4 {
		putFact(t, s, "c", fmt.Sprint(i), `1`)
	}
	if _, err := s.PutFact(t.Context(), engine.Fact{Collection: "c", Key: "big", Value: json.RawMessage(`"` + strings.Repeat("x", 990) + `"`)}); !errors.Is(err, engine.ErrTooMany) {
		t.Errorf("too large: %v", err)
	}
	if _, err := s.PutFact(t.Context(), engine.Fact{Collection: "c", Key: "soon", Value: json.RawMessage(`1`), Expires: noon.Add(time.Minute).UnixNano()}); err != nil {
		t.Fatal(err)
	}
	full := func() error {
		_, err := s.PutFact(t.Context(), engine.Fact{Collection: "c", Key: "more", Value: json.RawMessage(`1`)})
		return err
	}
	if err := full(); !errors.Is(err, engine.ErrTooMany) || !strings.Contains(err.Error(), "delete some") {
		t.Errorf("one too many: %v", err)
	}
	putFact(t, s, "c", "0", `2`) // takes the place of the old one
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, o, tune)
	if err := full(); !errors.Is(err, engine.ErrTooMany) {
		t.Errorf("after a restart: %v", err)
	}
	deleteFact(t, s, "c", "3")
	if err := full(); err != nil {
		t.Errorf("after a deletion: %v", err)
	}
	deleteFact(t, s, "c", "more")
	putFact(t, s, "c", "3", `3`)
	c.set(noon.Add(2 * time.Minute))
	if err := errors.Join(s.Flush(t.Context()), s.SweepLive(t.Context())); err != nil {
		t.Fatal(err)
	}
	if err := full(); err != nil {
		t.Errorf("after one expired: %v", err)
	}
}

// Every change is told once, newest first, whoever made it.
func TestTheAuditTrail(t *testing.T) {
	s := open(t, options(t, newPath(t)))
	putSession(t, s, pairing("order-1"))
	putSession(t, s, pairing("order-1")) // nothing new
	route(t, s, "call", caller, number(1), did)
	endSession(t, s, "order-1")
	putFact(t, s, "paused", caller, `1`)
	putFact(t, s, "paused", caller, `2`)
	if _, err := s.DeleteFact(t.Context(), "paused", caller, ""); err != nil {
		t.Fatal(err)
	}
	list := auditTrail(t, s, 0)
	var got []string
	for i, e := range list {
		if i > 0 && e.At > list[i-1].At {
			t.Errorf("entry %d is newer than the one before", i)
		}
		show := func(raw json.RawMessage) string {
			var doc struct {
				Value json.RawMessage
				Ref   string
			}
			if string(raw) == "null" {
				return "null"
			}
			if err := json.Unmarshal(raw, &doc); err != nil {
				t.Error(err)
			}
			return doc.Ref + string(doc.Value)
		}
		got = append(got, fmt.Sprintf("%s %s %s %s>%s", e.By, e.Action, e.Target, show(e.Before), show(e.After)))
	}
	equal(t, "the trail", got, []string{
		"anonymous fact.delete facts/paused/" + caller + " 2>null",
		"desk fact.put facts/paused/" + caller + " 1>2",
		"desk fact.put facts/paused/" + caller + " null>1",
		"backend session.end sessions/order-1 order-1>null",
		"backend session.put sessions/order-1 null>order-1",
	})
	list = auditTrail(t, s, 2)
	if len(list) != 2 || list[0].Action != "fact.delete" {
		t.Errorf("two of it: %v", list)
	}
}

// Many who change the same things at once leave what one of them wanted.
func TestLiveDataUnderConcurrency(t *testing.T) {
	path := newPath(t)
	s, err := history.OpenTuned(options(t, path), small)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for i := range 40 {
				in := pairing(fmt.Sprint("order-", i%5))
				in.Parties[1] = number(w)
				in.Data = json.RawMessage(fmt.Sprintf(`{"w":%d,"i":%d}`, w, i))
				putSession(t, s, in)
				if i%7 == 0 {
					endSession(t, s, in.Ref)
				}
				putFact(t, s, "c", fmt.Sprint(i%3), fmt.Sprint(w))
				if i%10 == 0 {
					if err := s.Flush(t.Context()); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
	want := paired(t, s, did, caller)
	for _, ref := range want {
		p, err := s.Session(t.Context(), ref)
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "the other's", paired(t, s, did, p.Other(caller)), paired(t, s, did, p.Other(caller)))
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	equal(t, "index", verify(t, path).Index, history.IndexEqual)
	remove(t, history.IndexPath(path))
	s = open(t, options(t, path), small)
	eventually(t, "the index is rebuilt", func() bool { return !s.Status().Rebuilding })
	equal(t, "after a rebuild", paired(t, s, did, caller), want)
}

package history_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.etcd.io/bbolt"
	"pgregory.net/rapid"

	"switchboard/engine"
	"switchboard/engine/history"
)

const gone = "9988912345" // who is to be forgotten

func forget(t testing.TB, s *history.Store) *engine.Erasure {
	t.Helper()
	out, err := s.Forget(t.Context(), person(gone), "admin")
	if err != nil {
		t.Fatalf("Forget: %v", err)
	}
	return out
}

// report is a completion as the provider sends it: with the numbers in many
// places.
func report(id, from, to string, end time.Time) *engine.Completion {
	c := completion(id, from, to, did, end)
	c.RecordingURL = "https://rec.example.com/0" + from + "_" + to + ".mp3"
	c.Extra = map[string]json.RawMessage{"agent": json.RawMessage(`{"dialled": "+91 ` + from[:5] + " " + from[5:] + `"}`)}
	c.Raw.Body = []byte(`{"call_id":"` + id + `","caller_number":"+91-` + from + `","receiver_number":"` + to + `"}`)
	return c
}

// wanderer fills a history with all places that a number gets to.
func wanderer(t *testing.T, s *history.Store, c *clock) {
	t.Helper()
	step := func() time.Time { c.advance(time.Second); return c.now() }
	// as a caller
	d := decision("called", gone, number(1), did, step())
	d.Evaluation.Input = json.RawMessage(`{"call_id":"called","caller_number":"` + gone + `","caller":{"e164":"+91` + gone + `"}}`)
	d.Evaluation.Read = []string{"history/callers/" + gone + "/last_answered"}
	d.Raw.Body = []byte(`{"caller_number": "0` + gone + `"}`)
	publish(t, s, d)
	complete(t, s, report("called", gone, number(1), step()))
	masked := completion("called", "99889xxxxx", number(1), did, step())
	masked.Caller = engine.Number{Canonical: "99889xxxxx", Raw: "99889xxxxx"}
	masked.RecordingURL = "https://rec.example.com/secret"
	complete(t, s, masked)
	publish(t, s, decision("in flight", gone, number(1), did, step()))
	complete(t, s, report("orphan", gone, number(2), step()))
	publish(t, s, decision("id-"+gone, gone, number(2), did, step()))
	complete(t, s, report("id-"+gone, gone, number(2), step()))
	// as a receiver
	publish(t, s, decision("reached", caller, gone, did, step()))
	complete(t, s, report("reached", caller, gone, step()))
	// passed by
	other := decision("passed", caller, number(1), did, step())
	other.Decision.Skipped = []engine.Skipped{{Number: gone, Why: "busy"}}
	other.Decision.Tags = map[string]string{"asked for": gone, "order": "17"}
	other.Evaluation.Read = []string{"history/receivers/" + gone + "/in_flight", "history/receivers/" + number(1)}
	publish(t, s, other)
	complete(t, s, report("passed", caller, number(1), step()))
	// live data
	put := func(session engine.Session) {
		if _, err := s.PutSession(t.Context(), session, nil, "backend"); err != nil {
			t.Fatal(err)
		}
		c.advance(time.Second)
	}
	end := c.now().Add(time.Hour).UnixNano()
	put(engine.Session{Ref: "pair", DID: did, Parties: [2]string{gone, number(5)}, Expires: end, Data: json.RawMessage(`{"name":"Asha"}`)})
	put(engine.Session{Ref: "ended", DID: did2, Parties: [2]string{number(5), gone}})
	if _, err := s.EndSession(t.Context(), "ended", "backend"); err != nil {
		t.Fatal(err)
	}
	put(engine.Session{Ref: "moved", DID: did, Parties: [2]string{gone, number(6)}})
	put(engine.Session{Ref: "moved", DID: did, Parties: [2]string{number(7), number(6)}})
	put(engine.Session{Ref: "others", DID: did, Parties: [2]string{number(8), number(9)}, Data: json.RawMessage(`{"for":"` + gone + `","n":1}`)})
	put(engine.Session{Ref: "ref-" + gone, DID: did2, Parties: [2]string{number(8), number(9)}})
	fact := func(collection, key, value string) {
		if _, err := s.PutFact(t.Context(), engine.Fact{Collection: collection, Key: key, Value: json.RawMessage(value), By: "backend"}); err != nil {
			t.Fatal(err)
		}
	}
	fact("paused", gone, `true`)
	fact("teams", "sales", `{"members":["`+gone+`","`+number(1)+`"]}`)
	fact("teams", "other", `["`+number(1)+`"]`)
	// the archive
	keep(t, s, engine.QuarantineItem{Kind: "completion", Cause: "unreadable", Raw: engine.Payload{Body: []byte(`{"caller":"+91 99889 12345`)}})
	keep(t, s, unreadable("of somebody else"))
	for id, text := range map[string]string{"with": `numbers: ["` + gone + `"]`, "without": "x: 1"} {
		if err := s.SaveRevision(t.Context(), &engine.Revision{ID: id, At: c.now().UnixNano(), Files: map[string][]byte{"data.yaml": []byte(text)}}); err != nil {
			t.Fatal(err)
		}
	}
}

// remains looks for the number in the raw bytes of a file, as it is and in the
// base64 that payloads are kept in.
func remains(t testing.TB, path string) int {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	n := bytes.Count(b, []byte(gone)) + bytes.Count(b, []byte("99889 12345"))
	for shift := range 3 { // where in a group of three bytes the number begins
		enc := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("x", shift) + gone))
		n += bytes.Count(b, []byte(enc[shift+1:len(enc)-4]))
	}
	return n
}

// held looks for the number in the keys and values of a database, which is less
// than the bytes of its file.
func held(t testing.TB, path string) (n int) {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	var in func(b *bbolt.Bucket) error
	in = func(b *bbolt.Bucket) error {
		return b.ForEach(func(k, v []byte) error {
			n += bytes.Count(k, []byte(gone)) + bytes.Count(v, []byte(gone))
			if v != nil {
				return nil
			}
			return in(b.Bucket(k))
		})
	}
	err = db.View(func(tx *bbolt.Tx) error {
		return tx.ForEach(func(_ []byte, b *bbolt.Bucket) error { return in(b) })
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestForgetLeavesNothing(t *testing.T) {
	for _, written := range []string{"in memory", "written behind"} {
		t.Run(written, func(t *testing.T) {
			path, c := newPath(t), newClock()
			o := options(t, path)
			o.Now = c.now
			s, err := history.OpenTuned(o, small)
			if err != nil {
				t.Fatal(err)
			}
			wanderer(t, s, c)
			if written == "written behind" {
				if err := s.Flush(t.Context()); err != nil {
					t.Fatal(err)
				}
				s.Sweep()
			}
			totals := profile(t, s, engine.DIDs, did).Totals
			of1 := profile(t, s, engine.Receivers, number(1)).Totals
			if remains(t, path) < 30 {
				t.Fatal("the number did not get everywhere")
			}
			got := forget(t, s)
			equal(t, "what was erased", *got, engine.Erasure{
				Calls: 6, Records: got.Records, Sessions: 1, Facts: 2, Quarantined: 1, Revisions: []string{"with"},
			})
			equal(t, "found again", forget(t, s).Empty(), true)
			stands(t, s, totals, of1)
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			equal(t, "index", verify(t, path).Index, history.IndexEqual)
			equal(t, "held by the index", held(t, history.IndexPath(path)), 0)
			if err := history.Compact(t.Context(), path, nil); err != nil {
				t.Fatal(err)
			}
			for _, file := range []string{path, history.IndexPath(path)} {
				if n := remains(t, file); n > 0 {
					t.Errorf("%s holds the number %d times", filepath.Base(file), n)
				}
			}
			equal(t, "index after compaction", verify(t, path).Index, history.IndexEqual)
			s = open(t, o, small)
			equal(t, "no rebuild", s.Status().Rebuilding, false)
			stands(t, s, totals, of1)
		})
	}
}

// stands checks what is left for everybody else.
func stands(t *testing.T, s *history.Store, did1, receiver1 engine.Totals) {
	t.Helper()
	for _, kind := range []engine.ProfileKind{engine.Callers, engine.Receivers} {
		if p := profile(t, s, kind, gone); p != nil {
			t.Errorf("%s: a profile is left: %+v", kind, p.Totals)
		}
		if p := profile(t, s, kind, engine.Erased); p != nil {
			t.Errorf("%s: strangers meet in %+v", kind, p.Totals)
		}
	}
	equal(t, "the DID's totals", profile(t, s, engine.DIDs, did).Totals, did1)
	equal(t, "a receiver's totals", profile(t, s, engine.Receivers, number(1)).Totals, receiver1)
	equal(t, "sums", sums(t, s, engine.StatsFilter{DID: did}).Totals.Offered, did1.Offered)
	calls, _ := list(t, s, engine.CallFilter{Caller: engine.Erased})
	equal(t, "erased callers", len(calls), 4)
	calls, _ = list(t, s, engine.CallFilter{})
	for _, c := range calls {
		d, err := s.Call(t.Context(), c.CallID)
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(d)
		if err != nil || bytes.Contains(text, []byte(gone)) {
			t.Errorf("call %s still tells: %s, %v", c.CallID, text, err)
		}
		for _, r := range d.Completions {
			if r.RecordingURL != "" && c.CallID != "passed" {
				t.Errorf("call %s still has the recording %s", c.CallID, r.RecordingURL)
			}
		}
	}
	if d, _ := s.Call(t.Context(), "passed"); d == nil || d.Decision.Decision.Tags["order"] != "17" || d.Decision.Caller.Canonical != caller || d.Decision.Decision.Number != number(1) {
		t.Errorf("somebody else's call became %+v", d)
	}
	audit := auditTrail(t, s, 100)
	text, err := json.Marshal(audit)
	if err != nil || bytes.Contains(text, []byte(gone)) || !bytes.Contains(text, []byte(`"forget"`)) {
		t.Errorf("the audit trail says %s, %v", text, err)
	}
	if f, err := s.Fact(t.Context(), "paused", gone); f != nil || err != nil {
		t.Errorf("the fact is there: %+v, %v", f, err)
	}
	if f, err := s.Fact(t.Context(), "teams", "sales"); err != nil || f == nil || string(f.Value) != `{"members":["erased","`+number(1)+`"]}` {
		t.Errorf("the team's fact is %+v, %v", f, err)
	}
	if p, err := s.Session(t.Context(), "pair"); err != nil || p == nil || p.Live(noon.Add(time.Hour).UnixNano()) || p.Parties != [2]string{engine.Erased, number(5)} {
		t.Errorf("the pair is %+v, %v", p, err)
	}
	if p, err := s.Session(t.Context(), "moved"); err != nil || p == nil || p.Parties != [2]string{number(7), number(6)} || p.Expires != 0 {
		t.Errorf("the session that had moved on is %+v, %v", p, err)
	}
	v := view(t, s, nil)
	defer v.Close()
	for _, of := range []string{gone, number(5)} {
		if l, err := v.Sessions(did, of); err != nil || len(l) > 0 {
			t.Errorf("%s has sessions %v, %v", of, l, err)
		}
	}
	if l, err := v.Sessions(did, number(8)); err != nil || len(l) != 1 || string(l[0].Data) != `{"for":"erased","n":1}` {
		t.Errorf("the others have %+v, %v", l, err)
	}
	if l, err := v.Sessions(did2, number(8)); err != nil || len(l) != 1 || !strings.HasPrefix(l[0].Ref, "erased-") {
		t.Errorf("the session with another ref: %+v, %v", l, err)
	}
	all, err := s.Revisions(t.Context())
	if err != nil || len(all) != 1 || all[0].ID != "without" {
		t.Errorf("revisions %v, %v", all, err)
	}
	equal(t, "quarantined", s.Status().Quarantined, 1)
}

// A retry gets the same answer; a report that comes late does not bring the
// person back.
func TestForgetWhileACallIsOn(t *testing.T) {
	path, c := newPath(t), newClock()
	o := options(t, path)
	o.Now = c.now
	s, err := history.OpenTuned(o, small)
	if err != nil {
		t.Fatal(err)
	}
	first := decision("on", gone, number(1), did, noon)
	publish(t, s, first)
	publish(t, s, decision("rung", caller, gone, did, noon.Add(time.Second)))
	complete(t, s, report("orphan", gone, number(2), noon.Add(time.Minute)))
	forget(t, s)
	equal(t, "in flight", profile(t, s, engine.Receivers, number(1)).InFlight, int64(1))
	rec, _ := s.Answered("on", did)
	if rec == nil || string(rec.Reply.Body) != string(first.Reply.Body) || rec.Caller.Canonical != engine.Erased {
		t.Errorf("a retry of the caller's call gets %+v", rec)
	}
	if rec, _ := s.Answered("rung", did); rec != nil {
		t.Errorf("a retry would ring %q", rec.Decision.Number)
	}
	equal(t, "the report", complete(t, s, report("on", gone, number(1), noon.Add(2*time.Minute))), engine.Stored)
	equal(t, "again", complete(t, s, report("on", gone, number(1), noon.Add(2*time.Minute))), engine.Duplicate)
	equal(t, "of the receiver", complete(t, s, report("rung", caller, gone, noon.Add(3*time.Minute))), engine.Stored)
	equal(t, "of the orphan, again", complete(t, s, report("orphan", gone, number(2), noon.Add(time.Minute))), engine.Duplicate)
	equal(t, "in flight afterwards", profile(t, s, engine.Receivers, number(1)).InFlight, int64(0))
	equal(t, "talk", profile(t, s, engine.DIDs, did).Totals.Answered, int64(3))
	if p := profile(t, s, engine.Callers, gone); p != nil {
		t.Errorf("the person is back: %+v", p.Totals)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	verify(t, path)
	if err := history.Compact(t.Context(), path, nil); err != nil {
		t.Fatal(err)
	}
	equal(t, "remains", remains(t, path)+remains(t, history.IndexPath(path)), 0)
}

func TestForgetThatACrashCutsShort(t *testing.T) {
	path, c := newPath(t), newClock()
	o := options(t, path)
	o.Now = c.now
	var d disk
	s, err := history.OpenTuned(o, small, func(u *history.Tuning) { u.Round = d.commit })
	if err != nil {
		t.Fatal(err)
	}
	wanderer(t, s, c)
	if err := s.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	d.full.Store(true) // the index still has the person
	forget(t, s)
	if err := s.Crash(); err != nil {
		t.Fatal(err)
	}
	s = open(t, o, small)
	eventually(t, "the index is made anew", func() bool { return !s.Status().Rebuilding })
	if p := profile(t, s, engine.Callers, gone); p != nil {
		t.Errorf("an old index brought back %+v", p.Totals)
	}
	equal(t, "left to erase", forget(t, s).Empty(), true)
}

func TestForgetOnAFullDisk(t *testing.T) {
	var d disk
	s := open(t, options(t, newPath(t)), d.tune)
	route(t, s, "c1", gone, number(1), did)
	d.full.Store(true)
	if _, err := s.Forget(t.Context(), person(gone), "admin"); !errors.Is(err, engine.ErrUnavailable) || !strings.Contains(err.Error(), "ask again") {
		t.Errorf("Forget: %v", err)
	}
	d.full.Store(false)
	forget(t, s)
	eventually(t, "all is erased", func() bool { return profile(t, s, engine.Callers, gone) == nil })
}

func TestNobodyToForget(t *testing.T) {
	s := open(t, options(t, newPath(t)))
	route(t, s, "c1", caller, number(1), did)
	equal(t, "a stranger", forget(t, s).Empty(), true)
	bad := (*engine.BadInputError)(nil)
	if _, err := s.Forget(t.Context(), engine.Number{Canonical: "anonymous", Raw: "Anonymous"}, ""); !errors.As(err, &bad) {
		t.Errorf("Forget(anonymous): %v", err)
	}
}

// Whatever happened: after erasure nothing is left, others' sums are as they
// were, and a fresh fold gives what memory and index hold.
func TestForgetIsAFold(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		path, c := newPath(t), newClock()
		o := options(t, path)
		o.Now = c.now
		s, err := history.OpenTuned(o, small)
		if err != nil {
			rt.Fatal(err)
		}
		people := []string{gone, caller, number(1), number(2)}
		for i := range rapid.IntRange(1, 25).Draw(rt, "records") {
			c.advance(time.Second)
			id := fmt.Sprint("c", rapid.IntRange(0, 6).Draw(rt, "call"))
			from, to := rapid.SampledFrom(people).Draw(rt, "from"), rapid.SampledFrom(people).Draw(rt, "to")
			on := rapid.SampledFrom([]string{did, did2}).Draw(rt, "did")
			switch rapid.IntRange(0, 5).Draw(rt, "kind") {
			case 0, 1:
				d := decision(id, from, to, on, c.now())
				d.Evaluation.Read = []string{"history/receivers/" + rapid.SampledFrom(people).Draw(rt, "read")}
				publish(t, s, d)
			case 2, 3:
				complete(t, s, report(id, from, to, c.now()))
			case 4:
				if from != to {
					session := engine.Session{Ref: "r" + id, DID: on, Parties: [2]string{from, to}}
					if i%2 == 0 {
						session.Expires = c.now().Add(time.Minute).UnixNano()
					}
					if _, err := s.PutSession(t.Context(), session, nil, ""); err != nil {
						rt.Fatal(err)
					}
				}
			case 5:
				if rapid.Bool().Draw(rt, "flushed") {
					if err := s.Flush(t.Context()); err != nil {
						rt.Fatal(err)
					}
					s.Sweep()
				}
			}
		}
		before := sums(t, s, engine.StatsFilter{}).Totals
		var sums2 engine.StatsTotals
		forget(t, s)
		sums2 = sums(t, s, engine.StatsFilter{}).Totals
		if d := cmp.Diff(before, sums2); d != "" {
			rt.Fatalf("the sums changed:\n%s", d)
		}
		if err := s.Close(); err != nil {
			rt.Fatal(err)
		}
		if r := verify(t, path); r.Index != history.IndexEqual {
			rt.Fatalf("the index is %s", r.Index)
		}
		if err := history.Compact(t.Context(), path, nil); err != nil {
			rt.Fatal(err)
		}
		if n := remains(t, path) + remains(t, history.IndexPath(path)); n > 0 {
			rt.Fatalf("the number is left %d times", n)
		}
	})
}

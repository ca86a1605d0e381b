package history_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"switchboard/engine"
	"switchboard/engine/history"
)

// pastIDs is how many call_ids chronicle uses.
const pastIDs = 60

// sight is all that a view shows of the numbers and keys that chronicle uses.
func sight(t testing.TB, v engine.View) map[string]string {
	t.Helper()
	out := make(map[string]string)
	note := func(name string, got any, err error) {
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		text, err := json.Marshal(got)
		if err != nil {
			t.Fatal(err)
		}
		if s := string(text); s != "null" && s != "[]" {
			out[name] = s
		}
	}
	for i := range 6 {
		for _, kind := range []engine.ProfileKind{engine.Callers, engine.Receivers} {
			p, err := v.Profile(kind, number(i))
			note(fmt.Sprint(kind, i), p, err)
		}
		f, err := v.Fact("c", fmt.Sprint(i))
		note(fmt.Sprint("fact ", i), f, err)
		for _, d := range []string{did, did2} {
			s, err := v.Sessions(d, number(i))
			note(fmt.Sprint("pair ", d, i), s, err)
		}
	}
	for _, d := range []string{did, did2} {
		p, err := v.Profile(engine.DIDs, d)
		note("did "+d, p, err)
		note("known "+d, v.KnowsDID(d), nil)
	}
	for i := range pastIDs {
		c, err := v.Call(fmt.Sprint("call-", i))
		note(fmt.Sprint("call ", i), c, err)
	}
	return out
}

// chronicle plays what a server lives through, by chance: decisions, reports
// early, late, twice and without any decision, live data, time that passes, and
// a store that forgets what is idle. It returns what each decision's view
// showed, by call_id and DID.
func chronicle(t testing.TB, s *history.Store, c *clock, rnd *rand.Rand, steps int) map[string]map[string]string {
	t.Helper()
	saw := make(map[string]map[string]string)
	pick := func(n int) string { return number(rnd.IntN(n)) }
	for range steps {
		c.advance(time.Duration(rnd.IntN(300)) * time.Second)
		id, on := fmt.Sprint("call-", rnd.IntN(pastIDs)), []string{did, did2}[rnd.IntN(2)]
		switch n := rnd.IntN(20); {
		case n < 9:
			if rec, _ := s.Answered(id, on); rec != nil {
				continue // a retry is not decided again
			}
			v := view(t, s, nil)
			saw[id+on] = sight(t, v)
			rec := decision(id, pick(6), pick(6), on, v.At())
			rec.Evaluation.Read = []string{"history/dids/" + on, "history/callers/" + pick(6) + "/calls", "sessions/" + on + "/" + pick(6), "facts/c/1"}
			switch rnd.IntN(8) {
			case 0:
				rec.Decision = engine.Decision{Reject: true, Reason: "blocked", Source: engine.SourceRejected}
			case 1:
				rec.Decision.Source, rec.Decision.Reason = engine.SourceFallback, "fallback"
			}
			if _, err := s.Publish(v, rec); err != nil {
				t.Fatal(err)
			}
		case n < 15:
			r := completion(id, pick(6), pick(6), on, c.now())
			r.Status = []engine.Status{engine.StatusAnswered, engine.StatusNotAnswered, engine.StatusOther}[rnd.IntN(3)]
			complete(t, s, r)
		case n < 17:
			change(t, s, rnd.IntN(60))
		case n < 18:
			if err := s.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
			s.Sweep()
			if err := s.SweepLive(t.Context()); err != nil {
				t.Fatal(err)
			}
		case n < 19:
			c.advance(40 * time.Minute)
		default:
			rev := &engine.Revision{ID: fmt.Sprint("r", rnd.IntN(4)), At: c.now().UnixNano(), Files: map[string][]byte{"a": []byte("b")}}
			if err := s.SaveRevision(t.Context(), rev); err != nil {
				t.Fatal(err)
			}
		}
	}
	return saw
}

// told is what a timeline shows of each decision, by call_id and DID.
func told(t testing.TB, tl *history.Timeline) map[string]map[string]string {
	t.Helper()
	out := make(map[string]map[string]string)
	for r, err := range tl.Decisions(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		out[r.Record.CallID+r.Record.DID.Canonical] = sight(t, r.View)
	}
	if err := tl.Close(); err != nil {
		t.Error(err)
	}
	return out
}

// TestThePastIsAsItWas holds both ways into the past against what the views of
// the time showed: all of it, exactly.
func TestThePastIsAsItWas(t *testing.T) {
	for range 2 {
		seed := rand.Uint64()
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			path, c := newPath(t), newClock()
			o := options(t, path)
			o.Now = c.now
			tiny := func(u *history.Tuning) { u.EpochBits, u.FilterEvery, u.Timeline = 4, 5, 20 }
			s, err := history.OpenTuned(o, tiny)
			if err != nil {
				t.Fatal(err)
			}
			saw := chronicle(t, s, c, rand.New(rand.NewPCG(seed, 1)), 200)
			if len(saw) < 30 {
				t.Fatalf("only %d decisions", len(saw))
			}
			settle(s)
			tl, err := s.Timeline(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(saw, told(t, tl)); diff != "" {
				t.Errorf("the timeline shows another past (-live +timeline):\n%s", diff)
			}
			for i := range pastIDs {
				for _, on := range []string{did, did2} {
					id := fmt.Sprint("call-", i)
					r, err := s.Past(t.Context(), id, on)
					if err != nil {
						t.Fatal(err)
					}
					if want := saw[id+on]; (r != nil) != (want != nil) {
						t.Errorf("Past(%s, %s) found a decision: %v", id, on, r != nil)
					} else if r != nil {
						if diff := cmp.Diff(want, sight(t, r.View)); diff != "" {
							t.Errorf("Past shows another past of %s (-live +past):\n%s", id, diff)
						}
					}
				}
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			shelved, err := history.OpenShelved(o)
			if err != nil {
				t.Fatal(err)
			}
			defer shelved.Close()
			if tl, err = shelved.Timeline(t.Context()); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(saw, told(t, tl)); diff != "" {
				t.Errorf("the timeline of the file shows another past:\n%s", diff)
			}
		})
	}
}

func TestATimelineEndsWhereTheLogEndedWhenItWasOpened(t *testing.T) {
	s := open(t, options(t, newPath(t)))
	route(t, s, "c1", caller, number(1), did)
	tl, err := s.Timeline(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	route(t, s, "c2", caller, number(1), did)
	if left, err := filepath.Glob(filepath.Join(filepath.Dir(s.Path), "switchboard-timeline-*")); err != nil || len(left) > 0 {
		t.Errorf("a crash would leave %v", left)
	}
	equal(t, "decisions told", len(told(t, tl)), 1)
	for _, err := range tl.Decisions(t.Context()) {
		if err == nil {
			t.Error("a timeline is told twice")
		}
	}
}

func TestNewestOfAPeriod(t *testing.T) {
	o, c := options(t, newPath(t)), newClock()
	o.Now = c.now
	s := open(t, o)
	for i := range 10 {
		c.set(noon.Add(time.Duration(i) * time.Hour))
		route(t, s, fmt.Sprint("c", i), caller, number(1), did)
	}
	tl, err := s.Timeline(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer tl.Close()
	for _, c := range []struct {
		from, to time.Time
		n        int
		first    uint64
		last     uint64
		more     bool
	}{
		{time.Time{}, time.Time{}, 100, 1, 10, false},
		{time.Time{}, time.Time{}, 3, 8, 10, true},
		{noon.Add(2 * time.Hour), noon.Add(5 * time.Hour), 100, 3, 5, false},
		{noon.Add(2 * time.Hour), noon.Add(5 * time.Hour), 2, 4, 5, true},
		{noon.Add(20 * time.Hour), time.Time{}, 2, 0, 0, false},
	} {
		first, last, more, err := tl.Newest(t.Context(), c.from, c.to, c.n)
		if first != c.first || last != c.last || more != c.more || err != nil {
			t.Errorf("Newest(%v, %v, %d) = %d, %d, %v, %v; want %d, %d, %v", c.from, c.to, c.n, first, last, more, err, c.first, c.last, c.more)
		}
	}
}

func TestThePastBehindRetention(t *testing.T) {
	o, c := options(t, newPath(t)), newClock()
	o.Now, o.Retention = c.now, 10*time.Hour
	s := open(t, o, func(u *history.Tuning) { u.TrimEvery, u.TrimBatch = time.Hour, 2 })
	rev := &engine.Revision{ID: "r1", At: noon.UnixNano(), Files: map[string][]byte{"a": []byte("b")}}
	if err := s.SaveRevision(t.Context(), rev); err != nil {
		t.Fatal(err)
	}
	for i := range 8 {
		route(t, s, fmt.Sprint("c", i), caller, number(1), did)
		c.advance(2 * time.Hour)
	}
	tl, err := s.Timeline(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if past := tl.Past(); past.Trimmed || past.First != 1 || !past.From.Equal(noon) {
		t.Errorf("before retention the log is said to begin at %+v", past)
	}
	if err := s.Trim(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, err = range tl.Decisions(t.Context()) {
		if err != nil {
			break
		}
	}
	if !errors.Is(err, history.ErrOvertaken) {
		t.Errorf("a timeline whose records were taken: %v", err)
	}
	if err := tl.Close(); err != nil {
		t.Error(err)
	}

	if tl, err = s.Timeline(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer tl.Close()
	if past := tl.Past(); !past.Trimmed || !past.From.After(noon) {
		t.Errorf("behind retention the log is said to begin at %+v", past)
	}
	first := true
	for r, err := range tl.Decisions(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		p, err := r.View.Profile(engine.DIDs, did)
		if err != nil || (p == nil) != first {
			t.Errorf("before %s the DID's profile is %v, %v", r.Record.CallID, p, err)
		}
		equal(t, "policy set in force", r.InForce, "r1")
		first = false
	}
	if r, err := s.Past(t.Context(), "c0", ""); r != nil || err != nil {
		t.Errorf("a decision that was deleted: %v, %v", r, err)
	}
	if reach, err := s.Reach(t.Context()); err != nil || !reach.Trimmed || reach != tl.Past() {
		t.Errorf("Reach %+v, %v; the timeline says %+v", reach, err, tl.Past())
	}
}

func TestShelved(t *testing.T) {
	path := newPath(t)
	o := options(t, path)
	s, err := history.OpenTuned(o)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"r1", "r2", "r1"} {
		rev := &engine.Revision{ID: id, At: noon.UnixNano(), Files: map[string][]byte{"a": []byte(id)}}
		if err := s.SaveRevision(t.Context(), rev); err != nil {
			t.Fatal(err)
		}
	}
	route(t, s, "c1", caller, number(1), did)
	if _, err := history.OpenShelved(o); !errors.Is(err, history.ErrInUse) {
		t.Errorf("a file in use: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	before := read(t, path)
	shelved, err := history.OpenShelved(o)
	if err != nil {
		t.Fatal(err)
	}
	if got := shelved.Revisions(); len(got) != 2 || got[0] != "r1" {
		t.Errorf("revisions %v", got)
	}
	if r, err := shelved.Revision(t.Context(), "r2"); err != nil || string(r.Files["a"]) != "r2" {
		t.Errorf("revision r2: %+v, %v", r, err)
	}
	if r, err := shelved.Revision(t.Context(), "r3"); r != nil || err != nil {
		t.Errorf("revision r3: %+v, %v", r, err)
	}
	tl, err := shelved.Timeline(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "decisions told", len(told(t, tl)), 1)
	if err := shelved.Close(); err != nil {
		t.Error(err)
	}
	if read(t, path) != before {
		t.Error("reading changed the file")
	}
	o.Path += ".none"
	if _, err := history.OpenShelved(o); err == nil {
		t.Error("a file that is not there is opened")
	}
}

// A timeline reads of a record what counts, whatever is written around it.
func TestATimelineReadsWhatCounts(t *testing.T) {
	s := open(t, options(t, newPath(t)))
	v := view(t, s, nil)
	want := decision("~made-up", "9988912345", number(1), did, v.At())
	want.Caller.Raw, want.Caller.Anonymous = `+91 "99889" <12345>`, true
	want.Decision = engine.Decision{Number: number(1), Timeout: 30, Reason: "sticky \u00e9", Source: engine.SourceFallback, Cause: engine.CauseError, Detail: "a\nb"}
	want.Evaluation.Input = json.RawMessage(`{"call_id":"~made-up"}`)
	want.Evaluation.Fired = []engine.Fired{{Rule: "routed_at", Labels: map[string]any{"decision": 1}}}
	if _, err := s.Publish(v, want); err != nil {
		t.Fatal(err)
	}
	settle(s)
	tl, err := s.Timeline(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer tl.Close()
	for r, err := range tl.Decisions(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		got := *r.Record
		lean := *want
		lean.Evaluation = engine.Evaluation{Revision: "r1", Input: want.Evaluation.Input}
		lean.Tries, lean.Reply, lean.Raw = 0, engine.Reply{}, engine.Payload{}
		if diff := cmp.Diff(lean, got); diff != "" {
			t.Error(diff)
		}
		equal(t, "call_id of the question", got.Question().CallID, "~made-up") // the provider sent it
	}
}

package history_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"go.etcd.io/bbolt"
	"pgregory.net/rapid"

	"switchboard/engine"
	"switchboard/engine/history"
)

// play lets a store see calls with everything that happens to them: orphans,
// duplicates, reports before initiations, several DIDs under one call_id.
func play(t testing.TB, s *history.Store, from, n int) {
	t.Helper()
	for i := from; i < from+n; i++ {
		id, at := fmt.Sprintf("call-%d", i), noon.Add(time.Duration(i)*time.Second)
		c := completion(id, number(i%7), number(100+i%3), did, at.Add(time.Minute))
		switch i % 5 {
		case 0: // completion first
			complete(t, s, c)
			publish(t, s, decision(id, number(i%7), number(100+i%4), did, at))
		case 1: // orphan
			complete(t, s, c)
		case 2: // in flight, and on a second DID
			publish(t, s, decision(id, number(i%7), number(100+i%3), did, at))
			publish(t, s, decision(id, number(i%7), number(100+i%3), did2, at.Add(time.Second)))
		default:
			publish(t, s, decision(id, number(i%7), number(100+i%3), did, at))
			complete(t, s, c)
			c2 := *c
			c2.EndedAt += int64(time.Second)
			complete(t, s, &c2)
			complete(t, s, c)
		}
	}
}

func publish(t testing.TB, s *history.Store, rec *engine.DecisionRecord) {
	t.Helper()
	if _, err := s.Publish(nil, rec); err != nil {
		t.Fatal(err)
	}
}

// picture is what a store tells of the numbers and calls of play.
func picture(t testing.TB, s *history.Store) map[string]any {
	t.Helper()
	out := make(map[string]any)
	for i := range 110 {
		for _, kind := range []engine.ProfileKind{engine.Callers, engine.Receivers} {
			if p := profile(t, s, kind, number(i)); p != nil {
				out[fmt.Sprint(kind, i)] = p
			}
		}
	}
	out["did"], out["did2"] = profile(t, s, engine.DIDs, did), profile(t, s, engine.DIDs, did2)
	out["stats"] = sums(t, s, engine.StatsFilter{})
	page, err := s.Calls(t.Context(), engine.CallFilter{Limit: engine.MaxPage})
	if err != nil {
		t.Fatal(err)
	}
	out["calls"] = page.Calls
	for _, c := range page.Calls {
		d, err := s.Call(t.Context(), c.CallID)
		if err != nil || d == nil {
			t.Fatalf("Call(%s): %v, %v", c.CallID, d, err)
		}
		out["detail "+c.CallID] = d
	}
	return out
}

func small(u *history.Tuning) {
	u.EpochBits, u.FilterEvery, u.PileKeys, u.RoundEvery = 4, 5, 6, time.Hour
}

func TestAllIsThereAfterACrash(t *testing.T) {
	path := newPath(t)
	s, err := history.OpenTuned(options(t, path), small)
	if err != nil {
		t.Fatal(err)
	}
	play(t, s, 0, 40)
	if err := s.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	play(t, s, 40, 40) // the index does not get these
	c, err := s.Publish(nil, decision("last", caller, number(1), did, noon.Add(time.Hour)))
	if err != nil {
		t.Fatal(err)
	}
	<-c.Done()
	want := picture(t, s)
	if err := s.Crash(); err != nil {
		t.Fatal(err)
	}
	equal(t, "the index as it was left", verify(t, path).Index, history.IndexEqual)
	s = open(t, options(t, path), small)
	equal(t, "rebuilding", s.Status().Rebuilding, false)
	equal(t, "history", picture(t, s), want)
	if err := s.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.Sweep()
	equal(t, "history from the index alone", picture(t, s), want)
}

func TestALostIndexIsRebuiltBesideRouting(t *testing.T) {
	spoil := map[string]func(t *testing.T, path string, o *history.Options){
		"missing": func(t *testing.T, path string, _ *history.Options) { remove(t, history.IndexPath(path)) },
		"garbage": func(t *testing.T, path string, _ *history.Options) {
			if err := os.WriteFile(history.IndexPath(path), []byte("no index"), 0o600); err != nil {
				t.Fatal(err)
			}
		},
		"truncated": func(t *testing.T, path string, _ *history.Options) {
			if err := os.Truncate(history.IndexPath(path), 3*4096); err != nil {
				t.Fatal(err)
			}
		},
		"without the directories of its piles": func(t *testing.T, path string, _ *history.Options) {
			damage(t, history.IndexPath(path), spoilPiles(0))
		},
		"another TTL":  func(_ *testing.T, _ string, o *history.Options) { o.CallTTL += time.Second },
		"another zone": func(_ *testing.T, _ string, o *history.Options) { o.Zone = time.UTC },
		"another log's": func(t *testing.T, path string, _ *history.Options) {
			if err := os.Rename(history.IndexPath(filled(t)), history.IndexPath(path)); err != nil {
				t.Fatal(err)
			}
		},
	}
	for name, f := range spoil {
		t.Run(name, func(t *testing.T) {
			path := newPath(t)
			s, err := history.OpenTuned(options(t, path), small)
			if err != nil {
				t.Fatal(err)
			}
			play(t, s, 0, 60)
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			o := options(t, path)
			f(t, path, &o)
			s, err = history.OpenTuned(o, small)
			if err != nil {
				t.Fatal(err)
			}
			play(t, s, 60, 40) // while it is rebuilt
			eventually(t, "the index is rebuilt", func() bool { return !s.Status().Rebuilding })
			got := picture(t, s)
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			equal(t, "index", verify(t, path).Index, history.IndexEqual)

			straight, err := history.OpenTuned(options2(o, newPath(t)), small)
			if err != nil {
				t.Fatal(err)
			}
			play(t, straight, 0, 100)
			want := picture(t, straight)
			if err := straight.Close(); err != nil {
				t.Fatal(err)
			}
			delete(got, "calls") // their order is that of arrival, which differs
			delete(want, "calls")
			equal(t, "history", got, want)
		})
	}
}

func options2(o history.Options, path string) history.Options {
	o.Path = path
	return o
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

func TestARebuildThatIsCutShortBeginsAnew(t *testing.T) {
	path := newPath(t)
	s, err := history.OpenTuned(options(t, path), small)
	if err != nil {
		t.Fatal(err)
	}
	play(t, s, 0, 50)
	want := picture(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	remove(t, history.IndexPath(path))
	for range 3 {
		s, err := history.OpenTuned(options(t, path), small)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Crash(); err != nil {
			t.Fatal(err)
		}
	}
	if err := history.Rebuild(t.Context(), options(t, path), nil); err != nil {
		t.Fatal(err)
	}
	equal(t, "index", verify(t, path).Index, history.IndexEqual)
	s = open(t, options(t, path))
	eventually(t, "the index is rebuilt", func() bool { return !s.Status().Rebuilding })
	equal(t, "history", picture(t, s), want)
}

// TestRestartsChangeNothing plays random histories with flushes, evictions,
// crashes and lost indexes in between.
func TestRestartsChangeNothing(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		path := newPath(t)
		o := options(t, path)
		s, err := history.OpenTuned(o, small)
		if err != nil {
			rt.Fatal(err)
		}
		plain, err := history.OpenTuned(options(t, newPath(t)), small)
		if err != nil {
			rt.Fatal(err)
		}
		next := 0
		for range rapid.IntRange(1, 8).Draw(rt, "steps") {
			switch rapid.SampledFrom([]string{"play", "play", "flush", "sweep", "crash", "close", "lose"}).Draw(rt, "step") {
			case "play":
				n := rapid.IntRange(1, 30).Draw(rt, "calls")
				play(t, s, next, n)
				play(t, plain, next, n)
				next += n
			case "flush":
				err = s.Flush(t.Context())
			case "sweep":
				s.Sweep()
			case "crash":
				settle(s) // what is not on disk may be lost
				if err = s.Crash(); err == nil {
					s, err = history.OpenTuned(o, small)
				}
			case "close":
				if err = s.Close(); err == nil {
					s, err = history.OpenTuned(o, small)
				}
			case "lose":
				if err = s.Close(); err == nil {
					remove(t, history.IndexPath(path))
					s, err = history.OpenTuned(o, small)
				}
				if err == nil {
					eventually(t, "rebuilt", func() bool { return !s.Status().Rebuilding })
				}
			}
			if err != nil {
				rt.Fatal(err)
			}
		}
		// A crash right after a rebuild has the next start rebuild again.
		eventually(t, "rebuilt", func() bool { return !s.Status().Rebuilding })
		equal(t, "history", picture(t, s), picture(t, plain))
		if err := s.Close(); err != nil {
			rt.Fatal(err)
		}
		verify(t, path)
		if err := plain.Close(); err != nil {
			rt.Fatal(err)
		}
	})
}

func TestReadersAndWritersAtOnce(t *testing.T) {
	s := open(t, options(t, newPath(t)), func(u *history.Tuning) {
		u.EpochBits, u.PileKeys, u.RoundEvery, u.EvictEvery = 4, 5, time.Millisecond, 2*time.Millisecond
	})
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() { play(t, s, w*1000, 60) })
	}
	for range 2 {
		wg.Go(func() {
			for range 30 {
				picture(t, s)
			}
		})
	}
	wg.Wait()
	equal(t, "calls to the DIDs", profile(t, s, engine.DIDs, did).Totals.Offered, int64(240))
}

func TestCompletionsWaitForAnIndexThatLags(t *testing.T) {
	s := open(t, options(t, newPath(t)), func(u *history.Tuning) { u.MaxDirty, u.RoundEvery = 10, time.Hour })
	for i := range 50 {
		complete(t, s, completion(fmt.Sprint("c", i), number(i), number(100), did, noon))
		if n := s.Status().Dirty; n > 2*10+4 {
			t.Fatalf("%d changes wait for the index", n)
		}
	}
}

func TestAnIndexDamagedWhileItIsOpen(t *testing.T) {
	path := newPath(t)
	s, err := history.OpenTuned(options(t, path), small)
	if err != nil {
		t.Fatal(err)
	}
	play(t, s, 0, 50)
	if err := s.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := picture(t, s)
	s.Sweep()
	damageIndex(t, path)
	route(t, s, "goes on", caller, number(109), did2)
	if w := s.Status().Warnings; len(w) == 0 || !strings.Contains(w[0].Message, "The index was damaged") {
		t.Errorf("warnings: %q", w)
	}
	eventually(t, "the index is made anew", func() bool {
		_, err := s.Call(t.Context(), "goes on")
		return err == nil && !s.Status().Rebuilding && s.Status().Dirty == 0
	})
	got := picture(t, s)
	for _, k := range []string{"did2", "calls", "stats", "detail goes on", fmt.Sprint(engine.Receivers, 109), "callers9876543210"} {
		delete(got, k) // the new call's
		delete(want, k)
	}
	equal(t, "history", got, want)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	equal(t, "index", verify(t, path).Index, history.IndexEqual)
}

// spoilPiles overwrites a part of all piles of an index: 0 for their directories, 1
// for their values.
func spoilPiles(part byte) func(tx *bbolt.Tx) error {
	return func(tx *bbolt.Tx) error {
		all, spoiled := tx.Bucket([]byte("piles")), 0
		err := all.ForEachBucket(func(name []byte) error {
			if name[len(name)-1] != part {
				return nil
			}
			b := all.Bucket(name)
			return b.ForEach(func(k, v []byte) error {
				spoiled++
				return b.Put(bytes.Clone(k), bytes.Repeat([]byte{0xff}, len(v)))
			})
		})
		if spoiled < 2 {
			err = errors.Join(err, errors.New("the piles are empty"))
		}
		return err
	}
}

// withSpoiledPiles is a database whose index has values in its piles that can't be
// read, and what it told before.
func withSpoiledPiles(t *testing.T) (path string, want map[string]any) {
	t.Helper()
	path = newPath(t)
	s, err := history.OpenTuned(options(t, path), small)
	if err != nil {
		t.Fatal(err)
	}
	play(t, s, 0, 50)
	want = picture(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	damage(t, history.IndexPath(path), spoilPiles(1))
	return path, want
}

// Opening does not read the values of piles, so that what is wrong with them is
// found later: where they are read, and where they are brought to their place.
func TestValuesOfPilesThatAreSpoiled(t *testing.T) {
	for name, do := range map[string]func(t *testing.T, s *history.Store){
		"read": func(t *testing.T, s *history.Store) { profile(t, s, engine.DIDs, did) },
		"brought to their place": func(t *testing.T, s *history.Store) {
			if err := s.Settle(t.Context()); err == nil {
				t.Error("they were brought to their place")
			}
		},
		"brought there by a round": func(t *testing.T, s *history.Store) {
			route(t, s, "of others", number(500), number(501), "918645658699")
			eventually(t, "the damage is found", func() bool { return len(s.Status().Warnings) > 0 })
		},
	} {
		t.Run(name, func(t *testing.T) {
			path, want := withSpoiledPiles(t)
			s := open(t, options(t, path), small, func(u *history.Tuning) { u.RoundEvery = time.Millisecond })
			equal(t, "rebuilding", s.Status().Rebuilding, false)
			do(t, s)
			if w := s.Status().Warnings; len(w) == 0 || !strings.Contains(w[0].Message, "The index was damaged") {
				t.Errorf("warnings: %q", w)
			}
			eventually(t, "the index is made anew", func() bool {
				return s.Flush(t.Context()) == nil && !s.Status().Rebuilding && s.Status().Dirty == 0
			})
			s.Sweep()
			got := picture(t, s)
			for _, k := range []string{"calls", "stats", "detail of others"} { // which another call may be in
				delete(got, k)
				delete(want, k)
			}
			equal(t, "history", got, want)
		})
	}
	t.Run("verified and compacted", func(t *testing.T) {
		path, _ := withSpoiledPiles(t)
		r, err := history.Verify(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "index", r.Index, history.IndexDifferent)
		if len(r.Problems) != 1 || !strings.Contains(r.Problems[0], "has not brought to its place yet can't be read") {
			t.Errorf("problems: %q", r.Problems)
		}
		if err := history.Compact(t.Context(), path, nil); err != nil {
			t.Fatal(err)
		}
		equal(t, "index", verify(t, path).Index, history.IndexAbsent)
	})
}

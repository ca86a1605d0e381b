package history_test

import (
	"errors"
	"fmt"
	"testing"

	"switchboard/engine"
	"switchboard/engine/history"
)

// While the index is made anew live data change; the latest change counts, not
// the one that is found last.
func TestLiveDataChangeWhileTheIndexIsMadeAnew(t *testing.T) {
	path := newPath(t)
	s, err := history.OpenTuned(options(t, path), small)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 300 {
		change(t, s, i)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	remove(t, history.IndexPath(path))
	if s, err = history.OpenTuned(options(t, path), small); err != nil {
		t.Fatal(err)
	}
	for i := range 40 {
		in := pairing(fmt.Sprint("order-", i%11))
		in.Parties[1] = number(200 + i)
		in.Data = []byte(fmt.Sprintf(`{"i":%d}`, i))
		putSession(t, s, in)
		putFact(t, s, "c", fmt.Sprint(i%6), fmt.Sprint(-i))
		if i%9 == 0 {
			// What is not found yet is not said not to be there.
			if _, err := s.EndSession(t.Context(), "never", ""); err != nil && !errors.Is(err, engine.ErrUnavailable) {
				t.Error(err)
			}
			if _, err := s.DeleteFact(t.Context(), "c", "never", ""); err != nil && !errors.Is(err, engine.ErrUnavailable) {
				t.Error(err)
			}
		}
	}
	eventually(t, "the index is rebuilt", func() bool { return !s.Status().Rebuilding })
	for i := 29; i < 40; i++ {
		p, err := s.Session(t.Context(), fmt.Sprint("order-", i%11))
		if err != nil || p == nil || string(p.Data) != fmt.Sprintf(`{"i":%d}`, i) {
			t.Errorf("order-%d is %+v, %v", i%11, p, err)
		}
	}
	want := livePicture(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	equal(t, "index", verify(t, path).Index, history.IndexEqual)
	s = open(t, options(t, path), small)
	equal(t, "after a restart", livePicture(t, s), want)
}

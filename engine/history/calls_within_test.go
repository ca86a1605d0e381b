package history_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"switchboard/engine"
)

// A search that has no time still gets on, page by page, and misses nothing.
func TestSearchForAWhile(t *testing.T) {
	s := open(t, options(t, newPath(t)), small)
	var want []string
	for i := range 30 {
		id := fmt.Sprintf("c%d", i)
		publish(t, s, decision(id, number(i%10), number(100+i%3), did, noon.Add(time.Duration(i)*time.Second)))
		if i%10 == 3 {
			want = append(want, id)
		}
	}
	slices.Reverse(want)
	got, pages := list(t, s, engine.CallFilter{Caller: number(3), Limit: 50, Within: 1})
	equal(t, "what was found", ids(got), want)
	if pages < 10 {
		t.Errorf("it took %d pages: the time did not count", pages)
	}
	page, err := s.Calls(t.Context(), engine.CallFilter{Caller: number(3), Within: 1})
	if err != nil || !page.Partial || page.Next == "" {
		t.Errorf("a page: %+v, %v", page, err)
	}
	page, err = s.Calls(t.Context(), engine.CallFilter{Caller: number(3), Within: time.Hour})
	if err != nil || page.Partial || page.Next != "" || len(page.Calls) != len(want) {
		t.Errorf("with time enough: %+v, %v", page, err)
	}
}

// Calls that a search passes over take its time as well.
func TestSearchEndsAmongCallsOfOthers(t *testing.T) {
	s := open(t, options(t, newPath(t)))
	for i := range 10_000 {
		who := number(1)
		if i == 0 || i == 9_999 {
			who = number(2)
		}
		if _, err := s.Publish(nil, decision(fmt.Sprintf("c%d", i), who, number(100), did, noon.Add(time.Duration(i)*time.Millisecond))); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	got, pages := list(t, s, engine.CallFilter{Caller: number(2), Within: 1})
	equal(t, "what was found", ids(got), []string{"c9999", "c0"})
	if pages < 3 {
		t.Errorf("it took %d pages: the time did not count", pages)
	}
}

package policy

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"switchboard/engine"
)

// shelf is an archive that counts who asks.
type shelf struct {
	sets  map[string]*engine.Revision
	asked int
	err   error
}

func (s *shelf) Revision(_ context.Context, id string) (*engine.Revision, error) {
	s.asked++
	return s.sets[id], s.err
}

func numbered(i int) Tree {
	return Tree{"routing/routing.rego": fmt.Appendf(nil, "package routing\n\ndecision := {\"call_forwarding_number\": \"98765432%02d\"}\n", i)}
}

func libraryOf(t *testing.T, n int) (*Library, *shelf, *Set) {
	t.Helper()
	numbers, err := engine.NewNumbers("IN")
	if err != nil {
		t.Fatal(err)
	}
	opts := Options{Numbers: numbers, Zone: kolkata}
	active, report := Load(t.Context(), numbered(99), opts, Checks{SkipTests: true})
	if active == nil {
		t.Fatal(report.Errors)
	}
	archive := &shelf{sets: map[string]*engine.Revision{}}
	for i := range n {
		tree := numbered(i)
		archive.sets[tree.Revision()] = &engine.Revision{ID: tree.Revision(), Files: tree}
	}
	return NewLibrary(LibraryOptions{Options: opts, Active: func() *Set { return active }, Archive: archive, Builtin: numbered(50)}), archive, active
}

// says is the number that a set answers.
func says(t *testing.T, s *Set, err error) string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	ev, err := s.Evaluate(t.Context(), testQuestion(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return ev.Answer.Number
}

func TestLibrary(t *testing.T) {
	l, archive, active := libraryOf(t, 8)
	for _, revision := range []string{"", active.Revision()} {
		if set, err := l.Set(t.Context(), revision, nil); set != active || err != nil {
			t.Errorf("the set in force by %q: %v, %v", revision, set, err)
		}
	}
	set, err := l.Set(t.Context(), numbered(50).Revision(), nil)
	if got := says(t, set, err); got != "9876543250" || archive.asked != 0 {
		t.Errorf("the built-in set says %s, the archive was asked %d times", got, archive.asked)
	}
	for range 2 {
		set, err = l.Set(t.Context(), numbered(3).Revision(), nil)
		if got := says(t, set, err); got != "9876543203" || archive.asked != 1 {
			t.Errorf("the archived set says %s, the archive was asked %d times", got, archive.asked)
		}
	}
	for i := range 8 {
		set, err = l.Set(t.Context(), numbered(i).Revision(), nil)
		if got, want := says(t, set, err), fmt.Sprintf("98765432%02d", i); got != want {
			t.Errorf("set %d says %s", i, got)
		}
	}
	if len(l.kept) > keptSets {
		t.Errorf("%d sets are held ready", len(l.kept))
	}
	over := map[string]string{"routing/routing.rego": string(numbered(77)["routing/routing.rego"])}
	for _, revision := range []string{"", numbered(3).Revision()} {
		set, err = l.Set(t.Context(), revision, over)
		if got := says(t, set, err); got != "9876543277" {
			t.Errorf("what lies over %q says %s", revision, got)
		}
	}
}

func TestLibraryHasNot(t *testing.T) {
	l, archive, _ := libraryOf(t, 0)
	if _, err := l.Set(t.Context(), "gone", nil); !errors.Is(err, engine.ErrNoRevision) {
		t.Errorf("a revision that is not archived: %v", err)
	}
	archive.sets["broken"] = &engine.Revision{ID: "broken", Files: map[string][]byte{"routing/routing.rego": []byte("package routing\n\ndecision := {")}}
	var broken *engine.PoliciesError
	if _, err := l.Set(t.Context(), "broken", nil); !errors.As(err, &broken) {
		t.Errorf("a set that does not load: %v", err)
	}
	if _, err := l.Set(t.Context(), "", map[string]string{"routing/routing.rego": "package routing\n\ndecision := {"}); !errors.As(err, &broken) {
		t.Errorf("an edit that does not load: %v", err)
	}
	archive.err = errors.New("disk")
	if _, err := l.Set(t.Context(), "other", nil); !errors.Is(err, archive.err) {
		t.Errorf("an archive that can't be read: %v", err)
	}
	l.o.Active = func() *Set { return nil }
	if _, err := l.Set(t.Context(), "", nil); !errors.Is(err, engine.ErrNoPolicy) {
		t.Errorf("no set in force: %v", err)
	}
	set, err := l.Set(t.Context(), "", map[string]string{"routing/routing.rego": string(numbered(77)["routing/routing.rego"])})
	if got := says(t, set, err); got != "9876543277" {
		t.Errorf("a whole set over none says %s", got)
	}
}

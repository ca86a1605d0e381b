package history_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"switchboard/engine/history"
)

// cutOff are the log before and after one commit, and the index beside it.
type cutOff struct{ before, after, index []byte }

// oneCommit plays some calls, and keeps what the commit of one more writes.
func oneCommit(t *testing.T) cutOff {
	t.Helper()
	var c cutOff
	var armed atomic.Bool
	path := newPath(t)
	s, err := history.OpenTuned(options(t, path), small, func(u *history.Tuning) {
		u.Commit = func(next func() error) error {
			if !armed.Swap(false) {
				return next()
			}
			var unread [2]error
			c.before, unread[0] = os.ReadFile(path)
			err := next()
			c.after, unread[1] = os.ReadFile(path)
			return errors.Join(err, unread[0], unread[1])
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	play(t, s, 0, 30)
	settle(s)
	if err := s.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.index = []byte(read(t, history.IndexPath(path)))
	armed.Store(true)
	route(t, s, "last", caller, number(1), did)
	if err := s.Crash(); err != nil {
		t.Fatal(err)
	}
	if len(c.before) == 0 || bytes.Equal(c.before, c.after) {
		t.Fatal("the commit wrote nothing")
	}
	return c
}

// start opens a log as it was left, beside the index, and tells all it holds.
func (c cutOff) start(t *testing.T, log []byte) map[string]any {
	t.Helper()
	path := newPath(t)
	for name, content := range map[string][]byte{path: log, history.IndexPath(path): c.index} {
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s, err := history.OpenTuned(options(t, path), small)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	out := picture(t, s)
	// What was cut off can be done again.
	route(t, s, "again", caller, number(2), did)
	if err := s.Crash(); err != nil {
		t.Fatal(err)
	}
	verify(t, path)
	for _, leftover := range []string{path, history.IndexPath(path)} {
		if err := os.Remove(leftover); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// The machine loses power at each step of a commit: any of its pages may be on
// the disk and any not, and the last that is written, which makes it valid, may
// be there in part. The history is then that from before or that from after the
// commit, whole, and never set aside.
func TestPowerIsCutAtEveryStepOfACommit(t *testing.T) {
	c := oneCommit(t)
	page := os.Getpagesize()
	blank := slices.Grow(bytes.Clone(c.before), len(c.after))[:len(c.after)]
	var changed []int // data pages; 0 and 1 say which state is valid
	meta := -1
	for at := 0; at < len(c.after); at += page {
		switch end := min(at+page, len(c.after)); {
		case bytes.Equal(blank[at:end], c.after[at:end]):
		case at < 2*page && meta >= 0:
			t.Fatal("a commit that writes both of the pages that make it valid")
		case at < 2*page:
			meta = at
		default:
			changed = append(changed, at)
		}
	}
	if meta < 0 || len(changed) < 2 {
		t.Fatalf("the commit wrote %d pages, and page %d to make it valid", len(changed), meta)
	}
	before, after := c.start(t, c.before), c.start(t, c.after)
	if cmp.Equal(before, after) {
		t.Fatal("the commit changed nothing that could be seen")
	}
	with := func(pages []int) []byte {
		log := bytes.Clone(blank)
		for _, at := range pages {
			copy(log[at:at+page], c.after[at:])
		}
		return log
	}
	for n := range len(changed) + 1 {
		equal(t, fmt.Sprintf("%d pages written", n), c.start(t, with(changed[:n])), before)
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 5 {
		some := slices.DeleteFunc(slices.Clone(changed), func(int) bool { return random.IntN(2) == 0 })
		equal(t, fmt.Sprintf("pages %v written", some), c.start(t, with(some)), before)
	}
	for written := 8; written <= 96; written += 8 {
		log := with(changed)
		copy(log[meta:meta+written], c.after[meta:])
		want := before
		if bytes.Equal(log, c.after) {
			want = after
		}
		equal(t, fmt.Sprintf("%d bytes of the valid page written", written), c.start(t, log), want)
	}
}

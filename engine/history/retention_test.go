package history_test

import (
	"testing"

	"switchboard/engine/history"
)

func TestDeletingRestsOnlyWhileItKeepsUp(t *testing.T) {
	for _, c := range []struct {
		deleted, came int
		rests         bool
	}{
		{16, 0, true},       // nothing comes in
		{1600, 800, true},   // half as much as goes
		{1600, 801, false},  // more than that: the log would hardly shrink
		{1600, 5000, false}, // it grows
	} {
		if got := history.KeepsUp(c.deleted, c.came); got != c.rests {
			t.Errorf("%d deleted while %d came in: rests %v", c.deleted, c.came, got)
		}
	}
}

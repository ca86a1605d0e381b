package policy

import (
	"context"
	"testing"
)

func TestDeadlineAsksTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	d := deadline{ctx: ctx}
	for range 3 * askEvery {
		if d.Cancelled() {
			t.Fatal("cancelled before its context")
		}
	}
	cancel()
	asked := 0
	for !d.Cancelled() {
		if asked++; asked > askEvery {
			t.Fatal("the context's end is not seen")
		}
	}
	other := deadline{ctx: t.Context()}
	if other.Cancel(); !other.Cancelled() {
		t.Error("Cancel does nothing")
	}
}

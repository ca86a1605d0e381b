package server_test

import (
	"testing"
	"time"

	"switchboard/engine"
)

func TestTheClockIsConfirmed(t *testing.T) {
	w, live := beginLive(t, nil)
	w.store.confirmed = time.Date(2025, 11, 22, 9, 5, 0, 0, time.UTC)
	var got struct{ Clock string }
	w.send("POST", w.private+"/api/v1/retention/confirm", "").decode(200, &got)
	if got.Clock != "2025-11-22T14:35:00+05:30" {
		t.Errorf("the answer is %+v", got)
	}
	if noted := live.noted(); len(noted) != 1 || noted[0] != "anonymous clock.confirm "+got.Clock {
		t.Errorf("noted %q", noted)
	}
	w.store.fail = engine.ErrUnavailable
	w.send("POST", w.private+"/api/v1/retention/confirm", "").isProblem(503, "Try again")
}

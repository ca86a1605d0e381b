package server_test

import (
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"switchboard/engine"
)

// niceNow is the nice value of the thread that runs the caller.
func niceNow(t *testing.T) int {
	level, err := unix.Getpriority(unix.PRIO_PROCESS, 0)
	if err != nil {
		t.Error(err)
	}
	return 20 - level
}

// What computes for long steps back for calls; what a call waits for does not.
func TestLongWorkRunsBehindCalls(t *testing.T) {
	usual := niceNow(t)
	if usual >= 19 {
		t.Skip("there is nothing nicer")
	}
	w := begin(t, nil)
	var mu sync.Mutex
	var seen []int
	look := func() {
		n := niceNow(t)
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, n)
	}
	w.store.looking = look
	w.store.page = engine.CallPage{Calls: []*engine.Call{{CallID: "c1", Duration: engine.NoDuration, Status: engine.StatusInFlight}}}
	route, whatIf := w.router.route, w.router.whatIf
	w.router.route = func(in *engine.Initiation) engine.Reply { look(); return route(in) }
	w.router.whatIf = func(q engine.WhatIf) (*engine.WhatIfResult, error) { look(); return whatIf(q) }
	for _, c := range []struct {
		method, path, body string
		aside              bool
	}{
		{"GET", "/api/v1/calls", "", true},
		{"GET", "/api/v1/calls.csv", "", true},
		{"GET", "/api/v1/calls.ndjson", "", true},
		{"GET", "/api/v1/decisions.ndjson", "", true},
		{"GET", "/api/v1/stats", "", true},
		{"GET", "/api/v1/backup", "", true},
		{"POST", "/api/v1/forget", `{"number": "9988912345"}`, true},
		{"POST", "/api/v1/route", `{"caller_number": "9988912345", "did": "918645658689"}`, true},
		{"GET", "/statistics", "", true},
		{"GET", "/calls", "", true},
		{"GET", "/", "", true},
		{"POST", "/alohaa/get-receiver-details", `{"caller_number": "9988912345", "did": "918645658689", "call_id": "c1"}`, false},
	} {
		mu.Lock()
		seen = nil
		mu.Unlock()
		base := w.private
		if !c.aside {
			base = w.public
		}
		w.send(c.method, base+c.path, c.body).is200()
		mu.Lock()
		if len(seen) == 0 {
			t.Errorf("%s %s asked nobody", c.method, c.path)
		}
		for _, nice := range seen {
			if nice > usual != c.aside {
				t.Errorf("%s %s ran on a thread with nice %d, usual is %d", c.method, c.path, nice, usual)
			}
		}
		mu.Unlock()
	}
}

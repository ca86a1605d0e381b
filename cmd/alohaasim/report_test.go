package main

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestTextReport(t *testing.T) {
	o := flags(t)
	tally := newTally()
	tally.started, tally.played, tally.abandoned = 12, 10, 1
	for i := range 3 {
		tally.initiations.sent++
		tally.initiations.replied(reply{status: 200, took: time.Duration(i+1) * time.Millisecond})
	}
	tally.initiations.replied(reply{status: 403})
	tally.decided(answer{number: "9876543210"})
	tally.decided(answer{number: "9876543211"})
	tally.decided(answer{number: "9876543211"})
	tally.decided(answer{rejected: true})
	tally.decided(answer{})
	tally.breakPromise("p-7", fault{answerShape, `got {"x": "9876543210"}`})
	r := tally.report(o, "p", 2*time.Second)
	r.Interrupted = true
	text := r.text()
	for _, want := range []string{
		"10 of 100 calls played against http://127.0.0.1:8080 in 2.00 s (5.0 calls/s, 1.5 requests/s)",
		"call_ids p-…, seed 1, 1 without completion, 2 cut off, interrupted",
		"3 sent, 3 calls answered, 1 rejected, 0 retries",
		"200: 3  403: 1", "max 3.00 ms", "receivers    2",
		"  …3211            2\n  …3210            1\n",
		"BROKEN answer_shape: 1 times\n  p-7  got {\"x\": \"…3210\"}\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if strings.Contains(text, "none") || strings.Contains(text, "9876") {
		t.Errorf("says too much:\n%s", text)
	}
	o.ShowNumbers = true
	shown := tally.report(o, "p", 0)
	if text := shown.text(); strings.Count(text, "9876543210") != 2 || shown.CallsRate != 0 {
		t.Errorf("numbers are hidden:\n%s", text)
	}
}

// The memory of a run has bounds, its counts have none.
func TestTallyIsBounded(t *testing.T) {
	tally := newTally()
	for i := range 5000 {
		tally.decided(answer{number: fmt.Sprintf("98%08d", i)})
		tally.breakPromise("p", fault{noAnswer, "silence"})
	}
	tally.breakPromise("p")
	r := tally.report(flags(t, "--show-numbers"), "p", time.Second)
	if len(r.Receivers) != maxReceivers+1 || r.Receivers[0] != (receiverCount{otherReceivers, 5000 - maxReceivers}) {
		t.Errorf("%d receivers, first %v", len(r.Receivers), r.Receivers[0])
	}
	if b := r.Broken[0]; b.Count != 5000 || len(b.Examples) != maxExamples {
		t.Errorf("%d times, %d examples", b.Count, len(b.Examples))
	}
	if text := r.text(); !strings.Contains(text, "… and 981 more") {
		t.Errorf("list not cut:\n%.2000s", text)
	}
}

func TestExitCodes(t *testing.T) {
	broken := func(ps ...promise) (list []brokenPromise) {
		for _, p := range ps {
			list = append(list, brokenPromise{Promise: p})
		}
		return list
	}
	for name, test := range map[string]struct {
		r    report
		want int
	}{
		"good":                    {report{}, exitGood},
		"silence":                 {report{Broken: broken(noAnswer)}, exitBroken},
		"gone":                    {report{Unreachable: "gone"}, exitUnreachable},
		"gone with a cut":         {report{Unreachable: "gone", Broken: broken(noAnswer)}, exitUnreachable},
		"broken, then gone":       {report{Unreachable: "gone", Broken: broken(answerShape, noAnswer)}, exitBroken},
		"interrupted in the good": {report{Interrupted: true}, exitGood},
	} {
		var stderr bytes.Buffer
		if got := test.r.exitCode(&stderr); got != test.want || strings.Contains(stderr.String(), "gone") != (test.r.Unreachable != "") {
			t.Errorf("%s: exit %d, want %d, %q", name, got, test.want, &stderr)
		}
	}
}

type closedPipe struct{}

func (closedPipe) Write([]byte) (int, error) { return 0, errors.New("nobody reads") }

func TestUnwritableReportIsNoSuccess(t *testing.T) {
	var stderr bytes.Buffer
	for _, args := range [][]string{nil, {"--json"}} {
		if code := emulate(t.Context(), flags(t, args...), inMemory{newGoodServer()}, closedPipe{}, &stderr); code != exitUsage {
			t.Errorf("%v: exit %d", args, code)
		}
	}
}

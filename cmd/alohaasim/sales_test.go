package main

import (
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// emptyStage is one on which nothing was played yet.
func emptyStage(t *testing.T, args ...string) *stage {
	t.Helper()
	o := flags(t, args...)
	return newStage(&player{opts: o, tally: newTally()}, newPlanner(o, "t"), nil)
}

// heard makes up a call that was answered with a number; an empty one was rejected.
func heard(caller, did, number string) *rung {
	return &rung{call: call{id: "t-1", caller: caller, did: did}, answer: answer{number: number, rejected: number == ""}, heard: true}
}

func TestJudgingASalesCall(t *testing.T) {
	a, b := salesTeam[0], salesTeam[1]
	for name, test := range map[string]struct {
		reached, spoke string
		there          []string
		want           promise
	}{
		"new caller, any agent":            {a, "", salesTeam, ""},
		"known caller, the same agent":     {a, a, salesTeam, ""},
		"known caller, another":            {b, a, salesTeam, stickyLost},
		"known caller, theirs is away":     {b, a, salesTeam[1:], ""},
		"known caller of the overflow":     {b, salesOverflow, salesTeam, ""},
		"the one who is away":              {a, "", salesTeam[1:], pausedRung},
		"the one who is away, and theirs":  {a, a, salesTeam[1:], pausedRung},
		"the overflow while agents are in": {salesOverflow, "", salesTeam, teamMissed},
		"rejected":                         {"", "", salesTeam, teamMissed},
		"the overflow, nobody is there":    {salesOverflow, a, nil, ""},
		"an agent, nobody is there":        {a, a, nil, pausedRung},
		"a stranger, nobody is there":      {"9000000001", "", nil, overflowMissed},
		"rejected, nobody is there":        {"", "", nil, overflowMissed},
	} {
		d := &salesDay{stage: emptyStage(t)}
		d.judge(heard("9988912345", salesDID, test.reached), test.spoke, test.there)
		want := map[promise]int{}
		if test.want != "" {
			want[test.want] = 1
		}
		if diff := cmp.Diff(want, d.player.tally.breakages()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// Who got no answer at all is reported as that, and as nothing else.
func TestSilenceIsNotJudgedTwice(t *testing.T) {
	silent := &rung{call: call{caller: "9988912345", did: "918645658691"}}
	s := emptyStage(t)
	(&salesDay{stage: s}).judge(silent, salesTeam[0], salesTeam)
	c := &courier{stage: s, number: "9876543210"}
	c.judgeOpen(silent, c.number)
	c.judgeEnded(silent, c.number)
	s.judgeWave([]*rung{silent}, 6)
	if broken := s.player.tally.breakages(); len(broken) > 0 {
		t.Errorf("broken %v", broken)
	}
}

func TestRotationIsFairWithinOneCall(t *testing.T) {
	for name, test := range map[string]struct {
		got, there []string
		unfair     bool
	}{
		"no call":                  {nil, nil, false},
		"one call":                 {salesTeam[:1], nil, false},
		"one round":                {salesTeam, nil, false},
		"one round and a half":     {slices.Concat(salesTeam, salesTeam[2:]), nil, false},
		"one twice, another never": {append([]string{salesTeam[0]}, salesTeam[:3]...), nil, true},
		"three, one is away":       {slices.Concat(salesTeam[1:], salesTeam[1:]), salesTeam[1:], false},
		"all four, one is away":    {slices.Concat(salesTeam[1:], salesTeam[1:]), nil, true},
	} {
		d := &salesDay{stage: emptyStage(t)}
		var calls []*rung
		for _, number := range test.got {
			calls = append(calls, heard("9988912345", salesDID, number))
		}
		d.fair(calls, test.there...)
		if got := d.player.tally.breakages()[rotationUnfair] == 1; got != test.unfair {
			t.Errorf("%s: unfair is %t", name, got)
		}
	}
}

func TestStrangersAreNeverTheSame(t *testing.T) {
	d := &salesDay{stage: emptyStage(t)}
	seen := map[string]bool{}
	for _, caller := range slices.Concat(d.strangers(5), d.strangers(1), d.strangers(7)) {
		seen[caller] = true
	}
	if len(seen) != 13 {
		t.Errorf("%d strangers: %v", len(seen), slices.Sorted(maps.Keys(seen)))
	}
	other := newStage(d.player, newPlanner(d.opts, "another run"), nil)
	if seen[other.callers.number(0)] {
		t.Error("the next run's caller is known from this one")
	}
}

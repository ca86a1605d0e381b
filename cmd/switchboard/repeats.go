package main

import (
	"context"

	"switchboard/engine/history"
	"switchboard/engine/policy"
	"switchboard/engine/replay"
)

// replayShare is the part of one processor that a replay takes beside live
// calls.
const replayShare = 0.5

// sets gives a library's sets as replays ask for them.
type sets struct{ *policy.Library }

// Set finds a set; see [policy.Library.Set].
func (s sets) Set(ctx context.Context, revision string, over map[string]string) (replay.Set, error) {
	set, err := s.Library.Set(ctx, revision, over)
	if err != nil {
		return nil, err // and no Set that holds a nil
	}
	return set, nil
}

// repeats is what asks recorded decisions once more.
type repeats struct {
	explainer *replay.Explainer
	replayer  *replay.Replayer
}

func (c *serveCmd) repeats(f *settled, store *history.Store, manager *policy.Manager) (repeats, error) {
	builtin, err := policy.FromFS(f.builtin)
	if err != nil {
		return repeats{}, err
	}
	library := sets{policy.NewLibrary(policy.LibraryOptions{
		Options: policy.Options{Numbers: f.judge.Numbers, Zone: f.zone, PolicyDeadline: c.PolicyDeadline, TestTimeout: c.TestTimeout},
		Active:  manager.Active, Archive: store, Builtin: builtin,
	})}
	replayer, err := replay.New(replay.Options{
		Sets: library, Judge: f.judge, PolicyDeadline: c.PolicyDeadline, Share: replayShare,
		Open: func(ctx context.Context) (replay.Timeline, error) { return store.Timeline(ctx) },
	})
	return repeats{
		explainer: &replay.Explainer{Sets: library, Past: store, Judge: f.judge, PolicyDeadline: c.PolicyDeadline},
		replayer:  replayer,
	}, err
}

package console

import (
	"context"
	"errors"
	"net/http"
	"time"

	"switchboard/engine"
)

const (
	day = 24 * time.Hour
	// replayCalls and replayTime bound a replay that somebody waits for in the
	// browser; `switchboard replay` has no such bounds.
	replayCalls = 10_000
	replayTime  = 90 * time.Second
)

// replayView is the difference that the edits make to recorded calls.
type replayView struct {
	*engine.Difference
	Share    string
	Reasons  []engine.ReasonChange // those that change
	Examples []exampleView
	Moves    []moveView
	Broken   *reportView
	Wrong    string
	Edited   int
	Archived string // the revision that was tried, in place of edits
}

type exampleView struct {
	CallID   string
	At       int64
	Caller   shown
	Old, New outcomeView
}

type outcomeView struct {
	Number shown
	Kind   string // said where there is no number: reject, fallback, ...
	Reason string
}

type moveView struct {
	From, To shown
	Calls    int
}

// replay tries the edits, or an archived revision, on the calls of a period.
func (c *Console) replay(a *asked) error {
	edits, err := a.edits()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(a.Context(), replayTime)
	defer cancel()
	req := engine.ReplayRequest{Policies: edits, Limit: replayCalls, Revision: a.PostFormValue("revision")}
	for _, p := range replayPeriods {
		if p.Name == a.PostFormValue("period") {
			req.From = c.o.Now().Add(-p.length)
		}
	}
	d, err := c.o.Replay.Replay(ctx, req, nil)
	v := replayView{Difference: d, Edited: len(edits), Archived: req.Revision}
	var broken *engine.PoliciesError
	switch {
	case errors.As(err, &broken):
		r := a.report(broken.Report)
		v.Broken = &r
	case errors.Is(err, engine.ErrNoRevision):
		v.Wrong = "There is no such revision in the archive any more."
	case errors.Is(err, engine.ErrReplaying):
		v.Wrong = "Another replay is running. Wait until it is done."
	case errors.Is(err, context.DeadlineExceeded):
		v.Wrong = "The replay took too long. Choose a shorter period, or run `switchboard replay`, which takes its time."
	case err != nil:
		return err
	default:
		a.showDifference(&v)
	}
	return a.part(http.StatusOK, "replay", v)
}

func (a *asked) showDifference(v *replayView) {
	d := v.Difference
	v.Share = share(int64(d.Moved), int64(d.Compared))
	for _, r := range d.Reasons {
		if r.Old != r.New {
			v.Reasons = append(v.Reasons, r)
		}
	}
	for _, r := range d.Receivers {
		v.Moves = append(v.Moves, moveView{a.eyes.outcome(r.Old), a.eyes.outcome(r.New), r.Calls})
	}
	for _, e := range d.Examples {
		v.Examples = append(v.Examples, exampleView{CallID: e.CallID, At: e.At.UnixNano(), Caller: a.eyes.number(e.Caller),
			Old: outcomeView{a.eyes.number(e.Old.Number), string(e.Old.Kind), e.Old.Reason},
			New: outcomeView{a.eyes.number(e.New.Number), string(e.New.Kind), e.New.Reason}})
	}
}

// outcome shows whom a call reaches: a number, or a word.
func (e eyes) outcome(text string) shown {
	if text == "" || text[0] >= 'a' {
		return shown{Text: text}
	}
	return e.number(text)
}

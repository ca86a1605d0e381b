package replay

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"switchboard/engine"
)

// Bounds of a result: it is for a person, or for a program that holds it against
// a limit.
const (
	examplesEach = 5   // of one change of reasons
	maxExamples  = 60  // in all; each takes as long as hundreds of calls
	maxReasons   = 200 // rows; a policy may make reasons up
	maxErrors    = 20
)

// otherReasons stands for reasons beyond maxReasons.
const otherReasons = "(other)"

// historyNote says as of what the history was.
const historyNote = "History is as of each call, with the outcomes that were recorded up to it: not with those that the tried policies would have brought about."

// tally counts.
type tally struct {
	engine.Difference
	reasons   map[[2]string]*engine.ReasonChange
	receivers map[[2]string]int
	builtin   map[string]int
	taken     map[[2]string]int // examples, by reasons
}

func newTally(req *engine.ReplayRequest, revision string, past engine.Past) *tally {
	t := &tally{reasons: map[[2]string]*engine.ReasonChange{}, receivers: map[[2]string]int{},
		builtin: map[string]int{}, taken: map[[2]string]int{}}
	t.Revision, t.From, t.To = revision, moment(req.From), moment(req.To)
	t.Recorded, t.NotCompared, t.Recomputed = map[string]int{}, map[string]int{}, map[engine.Cause]int{}
	t.Examples = []engine.ReplayExample{}
	t.History = historyNote
	if past.Trimmed {
		t.Note = fmt.Sprintf("What happened before %s is deleted by age; calls that it mattered to may come out otherwise than they did.",
			past.From.UTC().Format(time.RFC3339))
	}
	return t
}

func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

// call counts a decision of the period.
func (t *tally) call(rec *engine.DecisionRecord) {
	t.Calls++
	t.Recorded[rec.Evaluation.Revision]++
}

// errors counts a call's failures of builtins, each once.
func (t *tally) errors(texts []string) {
	for _, text := range texts {
		if _, known := t.builtin[text]; known || len(t.builtin) < maxErrors {
			t.builtin[text]++
		}
	}
}

// pair is a call with both answers.
type pair struct {
	record   *engine.DecisionRecord
	old, new engine.Outcome
}

// compared counts a call, and returns it as an example where it is wanted as one.
func (t *tally) compared(p pair) *engine.ReplayExample {
	t.Compared++
	at := time.Unix(0, p.record.RoutedAt).UTC()
	if t.First == nil || at.Before(*t.First) {
		t.First = &at
	}
	if t.Last == nil || at.After(*t.Last) {
		t.Last = &at
	}
	moves := moved(p.old, p.new)
	t.reason(p, moves)
	if !moves {
		t.unmoved(p)
		return nil
	}
	t.Moved++
	if p.old.Kind != p.new.Kind {
		switch p.new.Kind {
		case engine.OutcomeFallback:
			t.ToFallback++
		case engine.OutcomeReject:
			t.ToReject++
		case engine.OutcomeForward:
			t.ToForward++
		}
	}
	t.receivers[[2]string{receiver(p.old), receiver(p.new)}]++
	return t.example(p)
}

func (t *tally) unmoved(p pair) {
	switch {
	case reason(p.old) != reason(p.new):
		t.OtherReason++
	case p.old.Timeout != p.new.Timeout:
		t.OtherTimeout++
	default:
		t.Same++
	}
}

func (t *tally) reason(p pair, moves bool) {
	key := [2]string{reason(p.old), reason(p.new)}
	row := t.reasons[key]
	if row == nil && len(t.reasons) >= maxReasons {
		key = [2]string{otherReasons, otherReasons}
		row = t.reasons[key]
	}
	if row == nil {
		row = &engine.ReasonChange{Old: key[0], New: key[1]}
		t.reasons[key] = row
	}
	row.Calls++
	if moves {
		row.Moved++
	}
}

// example keeps a moved call as an example, where more of its kind are wanted;
// nil where they are not.
func (t *tally) example(p pair) *engine.ReplayExample {
	key := [2]string{reason(p.old), reason(p.new)}
	if t.taken[key] >= examplesEach || len(t.Examples) >= maxExamples {
		return nil
	}
	t.taken[key]++
	t.Examples = append(t.Examples, engine.ReplayExample{CallID: p.record.CallID, DID: p.record.DID.Canonical, Caller: p.record.Caller.Canonical,
		At: time.Unix(0, p.record.RoutedAt).UTC(), Old: p.old, New: p.new})
	return &t.Examples[len(t.Examples)-1]
}

// result puts the tables in order.
func (t *tally) result() *engine.Difference {
	d := t.Difference
	if d.Compared > 0 {
		d.MovedShare = float64(d.Moved) / float64(d.Compared)
	}
	if d.NotCompared[erasedPerson] > 0 {
		d.Note = strings.TrimSpace(d.Note + " People were erased from the history; calls of others that they mattered to may come out otherwise than they did.")
	}
	d.Reasons = make([]engine.ReasonChange, 0, len(t.reasons))
	for _, row := range t.reasons {
		d.Reasons = append(d.Reasons, *row)
	}
	slices.SortFunc(d.Reasons, func(a, b engine.ReasonChange) int {
		return cmp.Or(cmp.Compare(b.Moved, a.Moved), cmp.Compare(b.Calls, a.Calls), cmp.Compare(a.Old, b.Old), cmp.Compare(a.New, b.New))
	})
	d.Receivers = make([]engine.ReceiverChange, 0, len(t.receivers))
	for key, calls := range t.receivers {
		d.Receivers = append(d.Receivers, engine.ReceiverChange{Old: key[0], New: key[1], Calls: calls})
	}
	slices.SortFunc(d.Receivers, func(a, b engine.ReceiverChange) int {
		return cmp.Or(cmp.Compare(b.Calls, a.Calls), cmp.Compare(a.Old, b.Old), cmp.Compare(a.New, b.New))
	})
	d.Receivers = d.Receivers[:min(len(d.Receivers), engine.MaxReceiverChanges)]
	d.BuiltinErrors = []engine.BuiltinError{}
	for _, text := range slices.Sorted(maps.Keys(t.builtin)) {
		d.BuiltinErrors = append(d.BuiltinErrors, engine.BuiltinError{Text: text, Calls: t.builtin[text]})
	}
	return &d
}

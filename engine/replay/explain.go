package replay

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"time"

	"switchboard/engine"
)

// Explainer explains recorded decisions.
type Explainer struct {
	Sets  Sets
	Past  Past
	Judge engine.Judge
	// PolicyDeadline is that of live calls; zero is engine.DefaultPolicyDeadline.
	PolicyDeadline time.Duration
}

var _ engine.Explainer = (*Explainer)(nil)

// Explain repeats a recorded decision; see [engine.Explainer].
func (e *Explainer) Explain(ctx context.Context, callID, did string) (*engine.Explanation, error) {
	r, err := e.Past.Past(ctx, callID, did)
	if err != nil || r == nil {
		return nil, err
	}
	reach, err := e.Past.Reach(ctx)
	if err != nil {
		return nil, err
	}
	rec := r.Record
	out := &engine.Explanation{
		CallID: rec.CallID, DID: rec.DID.Canonical, At: time.Unix(0, rec.RoutedAt).UTC().Format(time.RFC3339Nano),
		Revision: r.InForce, Decision: rec.Decision, Steps: []engine.Step{}, Trace: []string{},
		Read: rec.Evaluation.Read, Fired: rec.Evaluation.Fired, History: asOf(rec, reach),
	}
	set, err := e.set(ctx, r.InForce)
	if err != nil {
		out.Why = cannotRepeat(r.InForce, err)
		return out, context.Cause(ctx)
	}
	deadline := e.PolicyDeadline
	if deadline == 0 {
		deadline = engine.DefaultPolicyDeadline
	}
	again, err := repeat(ctx, set, &e.Judge, deadline, *r)
	if err != nil {
		return nil, err
	}
	walk := set.Walk(ctx, rec.Question(), r.View)
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	out.Repeated, out.Steps, out.Trace = &again.decision, walk.Steps, walk.Lines
	if rec.Evaluation.Revision == "" {
		out.Read, out.Fired = again.evaluation.Read, again.evaluation.Fired
	}
	out.Same = same(outcomeOf(&rec.Decision), outcomeOf(&again.decision))
	if !out.Same {
		out.Why = whyNot(rec, &again, reach)
	}
	return out, nil
}

func (e *Explainer) set(ctx context.Context, revision string) (Set, error) {
	if revision == "" {
		return nil, engine.ErrNoRevision
	}
	return e.Sets.Set(ctx, revision, nil)
}

func asOf(rec *engine.DecisionRecord, reach engine.Past) string {
	text := "History is as of " + time.Unix(0, rec.RoutedAt).UTC().Format(time.RFC3339Nano) +
		", just before the decision was published: what had been decided and reported up to then."
	if reach.Trimmed {
		text += " What happened before " + reach.From.UTC().Format(time.RFC3339) + " is deleted by age."
	}
	return text
}

// cannotRepeat says why a decision can't be made again.
func cannotRepeat(revision string, err error) string {
	var broken *engine.PoliciesError
	switch {
	case revision == "":
		return "No policy set was in force, so there is none to ask again."
	case errors.Is(err, engine.ErrNoRevision):
		return fmt.Sprintf("The policy set %s that decided is not in the archive any more, so it can't be asked again; what is recorded of it stands here.", revision)
	case errors.As(err, &broken):
		return fmt.Sprintf("This version of the program can't load the policy set %s that decided (%v); what is recorded of it stands here.", revision, broken)
	}
	return fmt.Sprintf("The policy set %s that decided can't be read (%v); what is recorded of it stands here.", revision, err)
}

// whyNot says why a repeat may have come out otherwise.
func whyNot(rec *engine.DecisionRecord, again *repeated, reach engine.Past) string {
	switch cause := rec.Decision.Cause; {
	case byCircumstances(cause) && again.decision.Cause != cause:
		return fmt.Sprintf("The fallback answered by circumstances (%s: %s), not by the policies; this is what they say to the call.", cause, rec.Decision.Detail)
	case erased(rec):
		return "A person in this call was erased, so that the question can't be asked as it was."
	case len(rec.Evaluation.Input) > 0 && !sameJSON(rec.Evaluation.Input, again.evaluation.Input):
		return "The policies' input comes out otherwise today than it is recorded: the time zone was set otherwise, or another version of the program decided."
	case reach.Trimmed:
		return "Some of what the decision may have read is deleted by age (see history), and without it the policies say something else."
	}
	return "The policies say something else today to the same question and history: a person in the history was erased since, the server ran with another --call-ttl or --timezone, was rebuilding its index, or another version of the program decided."
}

// sameJSON compares values: the log may spell them otherwise.
func sameJSON(a, b []byte) bool {
	var x, y any
	return json.Unmarshal(a, &x) == nil && json.Unmarshal(b, &y) == nil && reflect.DeepEqual(x, y)
}

package policy

import (
	"context"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/storage"

	"switchboard/engine"
	"switchboard/engine/giveway"
)

// WhatIf tells how the active set, with w's changes laid over it, would answer;
// see [engine.Previewer]. Nothing that serves is touched.
func (m *Manager) WhatIf(ctx context.Context, w engine.WhatIf, view engine.View) (*engine.WhatIfOutcome, error) {
	return whatIf(ctx, m.Active(), m.o.Options, w, view)
}

// whatIf evaluates w against set; a nil set is none at all, and w.Policies are
// then a set of their own.
func whatIf(ctx context.Context, set *Set, opts Options, w engine.WhatIf, view engine.View) (*engine.WhatIfOutcome, error) {
	document, err := historyDocument(w.History, opts.Numbers)
	if err != nil {
		return nil, err
	}
	if len(w.Policies) > 0 {
		if set, err = laidOver(ctx, set, opts, w.Policies); err != nil {
			return nil, err
		}
	}
	if set == nil {
		return &engine.WhatIfOutcome{Err: engine.ErrNoPolicy, IsDID: func(string) bool { return false }}, nil
	}
	if w.Question.At.IsZero() {
		w.Question.At = time.Now()
	}
	bounded, stop := context.WithTimeout(ctx, opts.withDefaults().PolicyDeadline)
	defer stop()
	x, r := set.question(w.Question), newRun(view)
	defer r.release()
	r.document = document
	out := &engine.WhatIfOutcome{IsDID: knownDIDs(set, document)}
	out.Evaluation, out.Err = set.evaluate(bounded, x, r)
	if w.Explain {
		walk := set.explain(ctx, x, view, document)
		out.Steps, out.Trace = walk.Steps, walk.Lines
	}
	return out, nil
}

// laidOver loads set's files with others over them. Its tests are not run: what
// is asked is what the policies say, not whether they may go live.
func laidOver(ctx context.Context, set *Set, opts Options, policies map[string]string) (*Set, error) {
	var tree Tree
	if set != nil {
		tree = set.Tree()
	}
	var next *Set
	var report engine.Report
	// A set that is compiled for one question leaves garbage; the question does not.
	giveway.Heavy(func() { next, report = Load(ctx, tree.Overlay(policies), opts, Checks{SkipTests: true}) })
	if next == nil {
		if set != nil {
			report.Active = set.Revision()
		}
		return nil, &engine.PoliciesError{Report: report}
	}
	return next, nil
}

// knownDIDs are the set's own and, in a made-up history, those it tells of.
func knownDIDs(set *Set, document ast.Object) func(string) bool {
	return func(did string) bool {
		if set.IsDID(did) {
			return true
		}
		if document == nil {
			return false
		}
		_, err := documentValue(document, storage.Path{string(engine.DIDs), did})
		return err == nil
	}
}

// documentValue is what lies at path in a document.
func documentValue(document ast.Object, path storage.Path) (ast.Value, error) {
	return valueAt(document, path)
}

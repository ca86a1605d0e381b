package policy

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/util"

	"switchboard/engine"
)

// WhatIf tells how the active set, with w's changes laid over it, would answer;
// see [engine.Previewer]. Nothing that serves is touched.
func (m *Manager) WhatIf(ctx context.Context, w engine.WhatIf, view engine.View) (*engine.WhatIfOutcome, error) {
	return whatIf(ctx, m.Active(), m.o.Options, w, view)
}

// whatIf evaluates w against set; a nil set is none at all, and w.Policies are
// then a set of their own.
func whatIf(ctx context.Context, set *Set, opts Options, w engine.WhatIf, view engine.View) (*engine.WhatIfOutcome, error) {
	document, err := historyDocument(w.History)
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
	next, report := Load(ctx, tree.Overlay(policies), opts, Checks{SkipTests: true})
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

// historyDocument reads a document for data.history; nil is the live one. It
// may leave out whatever the policies don't look at, as `with data.history as`
// in a test may.
func historyDocument(raw json.RawMessage) (ast.Object, error) {
	if raw = bytes.TrimSpace(raw); len(raw) == 0 || string(raw) == "null" {
		return nil, nil
	}
	decoder := util.NewJSONDecoder(bytes.NewReader(raw)) // keeps numbers as they are written
	var doc any
	if err := decoder.Decode(&doc); err != nil {
		return nil, fmt.Errorf("history is not JSON: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("history is not JSON: something follows the document")
	}
	collections, ok := doc.(map[string]any)
	if !ok {
		return nil, errors.New(`history must be an object such as {"callers": {"9988912345": {...}}}`)
	}
	for _, name := range slices.Sorted(maps.Keys(collections)) {
		if !isCollection(name) {
			return nil, fmt.Errorf("history has no collection %q; it may hold callers, receivers and dids by number, and calls by call_id", name)
		}
		entries, ok := collections[name].(map[string]any)
		if !ok {
			return nil, fmt.Errorf("history.%s must be an object keyed by %s", name, keyOf(name))
		}
		for _, key := range slices.Sorted(maps.Keys(entries)) {
			if _, ok := entries[key].(map[string]any); !ok {
				return nil, fmt.Errorf("history.%s[%q] must be an object", name, brief(key))
			}
		}
	}
	v, err := ast.InterfaceToValue(collections)
	if err != nil {
		return nil, fmt.Errorf("history: %w", err)
	}
	return v.(ast.Object), nil
}

func keyOf(collection string) string {
	if collection == callsCollection {
		return "call_id"
	}
	return strings.TrimSuffix(collection, "s") + " number"
}

// documentValue is what lies at path in a document.
func documentValue(document ast.Object, path storage.Path) (ast.Value, error) {
	return valueAt(document, path)
}

package policy

import (
	"strings"
	"testing"

	"github.com/open-policy-agent/opa/v1/storage"

	"switchboard/engine"
)

func testMount(t *testing.T) *mount {
	t.Helper()
	m, err := newMount(&documents{data: map[string]any{"directory": map[string]any{"dids": map[string]any{calledDID: map[string]any{"team": []any{receiverNumber}}}}}})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestMountReads(t *testing.T) {
	m := testMount(t)
	r := newRun(sampleView(2))
	for path, want := range map[string]string{
		"/directory/dids/918645658689/team/0":              `"9876543210"`,
		"/history/callers/9988912345/in_flight":            `1`,
		"/history/callers/9988912345/last_answered/did":    `"918645658689"`,
		"/history/receivers/9876543210/totals/answered":    `9`,
		"/history/calls/call01/status":                     `"answered"`,
		"/history/dids/918645658689/days/2025-11-22/other": `0`,
	} {
		parsed, _ := storage.ParsePath(path)
		v, err := m.Read(t.Context(), r, parsed)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		if got := v.(interface{ String() string }).String(); got != want {
			t.Errorf("%s is %s, want %s", path, got, want)
		}
	}
	for _, path := range []string{
		"/directory/people", "/sessions/918645658689/9988912345", "/sessions/918645658689/9988912345/0/ref", "/facts/vip/9988912345", "/history/sessions", "/history/nothing/at/all",
		"/history/callers/9000000000", "/history/callers/9000000000/totals", "/history/calls/none", "/history/receivers/9988912345",
	} {
		parsed, _ := storage.ParsePath(path)
		if v, err := m.Read(t.Context(), r, parsed); !storage.IsNotFound(err) {
			t.Errorf("%s: %v, %v, want not found", path, v, err)
		}
	}
	if r.err != nil {
		t.Errorf("a path that leads nowhere counts as a failure: %v", r.err)
	}
}

func TestMountRefusesWholeCollections(t *testing.T) {
	m := testMount(t)
	for path, want := range map[string]string{
		"/history":           "data.history.callers[number]",
		"/history/callers":   "data.history.callers[number]",
		"/history/receivers": "data.history.receivers[number]",
		"/history/dids":      "data.history.dids[number]",
		"/history/calls":     "data.history.calls[call_id]",

		"/sessions":              "data.sessions[did][number]",
		"/sessions/918645658689": `data.sessions["918645658689"][number]`,
		"/facts":                 "data.facts[collection][key]",
		"/facts/paused":          `data.facts["paused"][key]`,
	} {
		parsed, _ := storage.ParsePath(path)
		r := newRun(sampleView(1))
		_, err := m.Read(t.Context(), r, parsed)
		if err == nil || !strings.Contains(err.Error(), "by key: "+want) || r.err == nil {
			t.Errorf("%s: error %v, want one that names %s", path, err, want)
		}
	}
}

func TestMountRootIsTheFiles(t *testing.T) {
	m := testMount(t)
	v, err := m.Read(t.Context(), newRun(sampleView(1)), storage.Path{})
	if err != nil || strings.Contains(v.(interface{ String() string }).String(), historyRoot) {
		t.Errorf("the root is %v, error %v", v, err)
	}
}

func TestMountAsksTheViewOncePerNumber(t *testing.T) {
	m, view := testMount(t), sampleView(1)
	r := newRun(view)
	for _, field := range []string{"in_flight", "totals", "last_answered", "in_flight"} {
		if _, err := m.Read(t.Context(), r, storage.Path{historyRoot, string(engine.Callers), callerNumber, field}); err != nil {
			t.Fatal(err)
		}
	}
	if len(view.asked) != 1 || len(r.paths) != 3 {
		t.Errorf("asked %q, noted %q", view.asked, r.paths)
	}
}

func TestMountIsReadOnly(t *testing.T) {
	m, ctx := testMount(t), t.Context()
	txn, err := m.NewTransaction(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []storage.Path{{historyRoot, "callers", "1"}, {"directory"}, {}} {
		if err := m.Write(ctx, txn, storage.AddOp, path, map[string]any{}); err == nil {
			t.Errorf("%v was written", path)
		}
	}
	if err := m.Truncate(ctx, txn, storage.TransactionParams{}, nil); err == nil {
		t.Error("it was truncated")
	}
	if _, err := m.NewTransaction(ctx, storage.WriteParams); err == nil {
		t.Error("a transaction to write was opened")
	}
	if err := m.Commit(ctx, txn); err != nil {
		t.Error(err)
	}
	m.Abort(ctx, txn)
}

func TestMountTakesTheHistoryPath(t *testing.T) {
	m := testMount(t)
	taken := storage.NonEmpty(t.Context(), m, nil)
	for path, want := range map[string]bool{
		"/history": true, "/history/callers": true, "/history/anything/else": true, "/directory/dids": true, "/routing": false, "/directory/people": false,
	} {
		parsed, _ := storage.ParsePath(path)
		if got, err := taken(parsed); got != want || err != nil {
			t.Errorf("%s taken: %t, %v", path, got, err)
		}
	}
	if _, err := newMount(&documents{data: map[string]any{"history": map[string]any{}}}); err == nil || !strings.Contains(err.Error(), "data.history") {
		t.Errorf("a data file took the history's place: %v", err)
	}
}

func TestMountOutsideAnEvaluation(t *testing.T) {
	m := testMount(t)
	var foreign storage.Transaction
	if _, err := m.Read(t.Context(), foreign, storage.Path{historyRoot, "callers", "1"}); err == nil || storage.IsNotFound(err) {
		t.Errorf("error %v, want one that says so", err)
	}
}

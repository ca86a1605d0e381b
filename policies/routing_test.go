package policies_test

import (
	"bytes"
	"context"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"
	_ "time/tzdata"

	"github.com/google/go-cmp/cmp"
	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/metrics"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
	"github.com/open-policy-agent/opa/v1/topdown"

	"switchboard/policies"
)

const did = "918645658689"

// recordingStore remembers which paths of the mounted documents were read.
type recordingStore struct {
	storage.Store
	read []string
}

func (s *recordingStore) Read(ctx context.Context, txn storage.Transaction, path storage.Path) (any, error) {
	if len(path) > 0 && slices.Contains([]string{"history", "sessions", "facts"}, path[0]) {
		s.read = append(s.read, strings.Join(path, "/"))
	}
	return s.Store.Read(ctx, txn, path)
}

// router decides calls by a set and a history.
type router struct {
	query  rego.PreparedEvalQuery
	store  *recordingStore
	errors []topdown.Error // of builtins, of the last decision
}

func newRouter(t testing.TB, set fs.FS, history map[string]any) *router {
	t.Helper()
	loaded := load(t, set)
	compiler, err := compile(loaded.ParsedModules())
	if err != nil {
		t.Fatal(err)
	}
	documents := maps.Clone(loaded.Documents)
	documents["history"] = history
	r := &router{store: &recordingStore{
		Store: inmem.NewFromObjectWithOpts(documents, inmem.OptReturnASTValuesOnRead(true), inmem.OptRoundTripOnWrite(false)),
	}}
	r.query, err = rego.New(rego.Query("data.routing.decision"), rego.Compiler(compiler), rego.Store(r.store),
		rego.BuiltinErrorList(&r.errors)).PrepareForEval(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// decide returns nil where the policy is undefined.
func (r *router) decide(t testing.TB, input map[string]any) map[string]any {
	t.Helper()
	r.errors, r.store.read = nil, nil
	results, err := r.query.Eval(t.Context(), rego.EvalInput(input))
	if err != nil {
		t.Fatal(err)
	}
	if len(results) == 0 {
		return nil
	}
	return results[0].Expressions[0].Value.(map[string]any)
}

// call is the input of a call at a moment, as the server makes it.
func call(caller, did string, at time.Time) map[string]any {
	return map[string]any{
		"call_id": "1ascaba13abcaav", "caller_number": caller, "did": did,
		"caller": map[string]any{"raw": caller, "e164": "+91" + caller, "country": "IN",
			"valid": len(caller) == 10, "anonymous": caller == ""},
		"time": map[string]any{
			"unix": at.Unix(), "ns": at.UnixNano(), "rfc3339": at.Format(time.RFC3339), "zone": at.Location().String(),
			"date": at.Format(time.DateOnly), "weekday": strings.ToLower(at.Weekday().String()),
			"hour": at.Hour(), "minute": at.Minute(), "clock": at.Format("15:04"),
		},
		"bucket": 4211, "caller_bucket": 87,
	}
}

func kolkata(t testing.TB, text string) time.Time {
	t.Helper()
	zone, err := time.LoadLocation("Asia/Kolkata")
	if err != nil {
		t.Fatal(err)
	}
	at, err := time.ParseInLocation(time.DateTime, text, zone)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// answered is a call as the history shows it.
func answered(receiver, did string, at time.Time) map[string]any {
	return map[string]any{
		"call_id": "earlier", "caller_number": "9988912345", "did": did, "receiver_number": receiver,
		"status": "answered", "routed_at": at.Unix(), "received_at": at.Unix(), "ended_at": at.Unix() + 69,
		"duration_seconds": 69, "reason": "round_robin", "source": "policy", "hangup_cause": "",
	}
}

// past is a history of one caller's calls, newest first, and of the sample
// DID's rotation; last may be empty.
func past(caller, last string, calls ...any) map[string]any {
	profile := map[string]any{"calls": calls, "in_flight": 0}
	if len(calls) > 0 {
		profile["last_answered"] = calls[0]
	}
	line := map[string]any{"calls": []any{}, "last_by_reason": map[string]any{}}
	if last != "" {
		line["last_by_reason"] = map[string]any{"round_robin": map[string]any{"did": did, "receiver_number": last}}
	}
	return map[string]any{"callers": map[string]any{caller: profile}, "dids": map[string]any{did: line}}
}

func TestDecisions(t *testing.T) {
	const (
		caller = "9988912345"
		open   = "2025-11-22 14:35:00" // a Saturday
	)
	recently := kolkata(t, "2025-11-20 11:00:00")
	tests := map[string]struct {
		caller, did, at string
		history         map[string]any
		number, reason  string // both empty: undefined
		skipped         string // whom the call passed over, the caller themselves
	}{
		"first call ever":         {caller, did, open, nil, "9876543210", "round_robin", ""},
		"second new caller":       {caller, did, open, past(caller, "9876543210"), "9876543211", "round_robin", ""},
		"after the last, first":   {caller, did, open, past(caller, "9876543212"), "9876543210", "round_robin", ""},
		"after a removed agent":   {caller, did, open, past(caller, "9876540000"), "9876543210", "round_robin", ""},
		"known caller":            {caller, did, open, past(caller, "9876543210", answered("9876543212", did, recently)), "9876543212", "sticky", ""},
		"known to who left":       {caller, did, open, past(caller, "9876543210", answered("9876540000", did, recently)), "9876543211", "round_robin", ""},
		"known on another DID":    {caller, did, open, past(caller, "9876543210", answered("9876543212", "918645658690", recently)), "9876543211", "round_robin", ""},
		"known too long ago":      {caller, did, open, past(caller, "9876543210", answered("9876543212", did, recently.AddDate(0, 0, -31))), "9876543211", "round_robin", ""},
		"known, after hours":      {caller, did, "2025-11-22 18:30:00", past(caller, "", answered("9876543212", did, recently)), "9876543219", "after_hours", ""},
		"a second before opening": {caller, did, "2025-11-22 09:29:59", nil, "9876543219", "after_hours", ""},
		"opening":                 {caller, did, "2025-11-22 09:30:00", nil, "9876543210", "round_robin", ""},
		"a second before closing": {caller, did, "2025-11-22 18:29:59", nil, "9876543210", "round_robin", ""},
		"closing":                 {caller, did, "2025-11-22 18:30:00", nil, "9876543219", "after_hours", ""},
		"sunday":                  {caller, did, "2025-11-23 12:00:00", nil, "9876543219", "after_hours", ""},
		"holiday":                 {caller, did, "2026-01-26 12:00:00", nil, "9876543219", "after_hours", ""},
		"agent whose turn it is":  {"9876543210", did, open, nil, "9876543211", "round_robin", "9876543210"},
		"agent known to herself":  {"9876543212", did, open, past("9876543212", "", answered("9876543212", did, recently)), "9876543210", "round_robin", "9876543212"},
		"after-hours person":      {"9876543219", did, "2025-11-23 12:00:00", nil, "9876543210", "round_robin", "9876543219"},
		"withheld number":         {"", did, open, nil, "9876543210", "round_robin", ""},
		"masked number":           {"99889xxxxx", did, open, past(caller, "9876543210", answered("9876543212", did, recently)), "9876543211", "round_robin", ""},
		"foreign caller":          {"+12025550123", did, open, nil, "9876543210", "round_robin", ""},
		"blocked number":          {"9876500000", did, open, nil, "", "blocked", ""},
		"blocked prefix, sunday":  {"1401234567", did, "2025-11-23 12:00:00", nil, "", "blocked", ""},
		"unlisted DID":            {caller, "918645650000", open, nil, "", "", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if tt.history == nil {
				tt.history = map[string]any{}
			}
			r := newRouter(t, policies.Files, tt.history)
			got := r.decide(t, call(tt.caller, tt.did, kolkata(t, tt.at)))
			var want map[string]any
			switch {
			case tt.number != "":
				want = map[string]any{"call_forwarding_number": tt.number, "reason": tt.reason, "tags": map[string]any{}}
			case tt.reason != "":
				want = map[string]any{"reject": true, "reason": tt.reason}
			}
			if tt.skipped != "" {
				want["skipped"] = []any{map[string]any{"number": tt.skipped, "why": "caller"}}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("decision (-want +got):\n%s", diff)
			}
			if len(r.errors) > 0 {
				t.Errorf("builtin errors: %v", r.errors)
			}
		})
	}
}

func TestHistoryIsReadByKeyOnly(t *testing.T) {
	at := kolkata(t, "2025-11-22 14:35:00")
	elsewhere := answered("9876543212", "918645658690", at.Add(-time.Hour))
	r := newRouter(t, policies.Files, past("9988912345", "9876543210", elsewhere))
	r.decide(t, call("9988912345", did, at))
	want := []string{
		"facts/override/" + did,
		"facts/override/*",
		"sessions/" + did + "/9988912345",
		"history/callers/9988912345/last_answered",
		"history/callers/9988912345/calls",
		"history/dids/" + did + "/last_by_reason/round_robin/receiver_number",
		"facts/paused/9876543211",
	}
	if diff := cmp.Diff(want, r.store.read); diff != "" {
		t.Errorf("read (-want +got):\n%s", diff)
	}
}

// Whatever the directory asks for, no collection is read as a whole.
func TestEveryRecipeReadsByKeyOnly(t *testing.T) {
	set := starter(t)
	set[directory] = &fstest.MapFile{Data: everything(t)}
	at := kolkata(t, "2025-11-24 14:35:00")
	tried := answered("9876543210", did, at.Add(-time.Minute))
	tried["status"] = "notanswered"
	missed := maps.Clone(tried)
	missed["receiver_number"] = "9876543211"
	history := past("9988912347", "9876543210", tried)
	history["receivers"] = map[string]any{"9876543211": map[string]any{"calls": []any{missed}, "in_flight": 1}}
	for _, caller := range []string{"9988912347", "9988900001", "9876543211", "9988912345", "", "+12025550123", "9812345678"} {
		r := newRouter(t, set, history)
		if got := r.decide(t, call(caller, did, at)); got == nil || len(r.errors) > 0 {
			t.Errorf("%q: decision %v, builtin errors %v", caller, got, r.errors)
		}
		for _, path := range r.store.read {
			if strings.Count(path, "/") < 2 {
				t.Errorf("%q: %s is read as a whole", caller, path)
			}
		}
	}
}

func TestTheSampleDIDIsAnsweredAroundTheClock(t *testing.T) {
	r := newRouter(t, policies.Files, map[string]any{})
	for hour := range 15 * 24 { // every weekday, a holiday, the turn of the year
		at := kolkata(t, "2025-12-20 00:15:00").Add(time.Duration(hour) * time.Hour)
		if got := r.decide(t, call("9988912345", did, at)); got["call_forwarding_number"] == nil {
			t.Fatalf("%s: decision %v, want a number", at, got)
		}
	}
}

func TestAnUnknownZoneIsSeen(t *testing.T) {
	set := starter(t)
	edit(t, set, directory, "# zone: Asia/Dubai", "zone: Mars/Olympus")
	r := newRouter(t, set, map[string]any{})
	got := r.decide(t, call("9988912345", did, kolkata(t, "2025-11-23 12:00:00")))
	if len(r.errors) == 0 || !strings.Contains(r.errors[0].Error(), "Mars/Olympus") {
		t.Errorf("builtin errors %v, want one that names the zone", r.errors)
	}
	if got["reason"] != "round_robin" {
		t.Errorf("decision %v, want the team's: hours step aside", got)
	}
}

func TestAnotherZoneOfTheDID(t *testing.T) {
	set := starter(t)
	edit(t, set, directory, "# zone: Asia/Dubai", "zone: Asia/Dubai")
	r := newRouter(t, set, map[string]any{})
	// 09:30 in Dubai is 11:00 in Kolkata.
	for at, reason := range map[string]string{
		"2025-11-22 10:59:59": "after_hours", "2025-11-22 11:00:00": "round_robin",
		"2025-11-22 19:59:59": "round_robin", "2025-11-22 20:00:00": "after_hours",
	} {
		if got := r.decide(t, call("9988912345", did, kolkata(t, at))); got["reason"] != reason {
			t.Errorf("%s: reason %v, want %s", at, got["reason"], reason)
		}
	}
}

// steps are the lines of the chains in routing.rego that a reader may move.
func steps(t *testing.T, text []byte) (lines [][]byte) {
	t.Helper()
	for line := range bytes.Lines(text) {
		if bytes.HasPrefix(line, []byte("else := recipes.")) && bytes.Contains(line, []byte(" # ")) {
			lines = append(lines, line)
		}
	}
	if len(lines) != 13 {
		t.Fatalf("%d steps in routing.rego, want 13 of one line each", len(lines))
	}
	return lines
}

func TestAStepCanBeDeletedOrMoved(t *testing.T) {
	const file = "routing/routing.rego"
	text := starter(t)[file].Data
	lines := steps(t, text)
	modules := load(t, policies.Files).ParsedModules()
	maps.DeleteFunc(modules, func(name string, _ *ast.Module) bool { return strings.HasSuffix(name, "_test.rego") })
	compiles := func(t *testing.T, text []byte) {
		t.Helper()
		module, err := ast.ParseModuleWithOpts(file, string(text), ast.ParserOptions{ProcessAnnotation: true})
		if err != nil {
			t.Fatalf("%v in:\n%s", err, text)
		}
		edited := maps.Clone(modules)
		edited[file] = module
		if _, err := compile(edited); err != nil {
			t.Fatalf("%v in:\n%s", err, text)
		}
	}
	without := text // the choice of a team
	for i, line := range lines {
		compiles(t, bytes.Replace(text, line, nil, 1))
		team := bytes.Contains(line, []byte(".team if"))
		if team {
			without = bytes.Replace(without, line, nil, 1)
		}
		if i > 0 && team == bytes.Contains(lines[i-1], []byte(".team if")) {
			swapped := bytes.Replace(text, line, []byte("@\n"), 1)
			swapped = bytes.Replace(swapped, lines[i-1], line, 1)
			compiles(t, bytes.Replace(swapped, []byte("@\n"), lines[i-1], 1))
		}
	}
	compiles(t, without)
	set := starter(t)
	edit(t, set, file, string(lines[0]), "")
	r := newRouter(t, set, map[string]any{})
	if got := r.decide(t, call("9876500000", did, kolkata(t, "2025-11-22 14:35:00"))); got["reason"] != "round_robin" {
		t.Errorf("without the blocklist's step: %v, want round_robin", got)
	}
}

func BenchmarkDecision(b *testing.B) {
	at := kolkata(b, "2025-11-22 14:35:00")
	calls := make([]any, 20)
	for i := range calls {
		calls[i] = answered("9876543212", "918645658690", at.Add(-time.Duration(i+1)*time.Hour))
	}
	for name, history := range map[string]map[string]any{
		"sticky": past("9988912345", "9876543210", answered("9876543212", did, at.Add(-time.Hour))),
		"scan":   past("9988912345", "9876543210", calls...),
		"new":    past("9988900000", "9876543210"),
	} {
		b.Run(name, func(b *testing.B) {
			r := newRouter(b, policies.Files, history)
			input, err := ast.InterfaceToValue(call("9988912345", did, at))
			if err != nil {
				b.Fatal(err)
			}
			cancel := topdown.NewCancel()
			b.ReportAllocs()
			for b.Loop() {
				if _, err := r.query.Eval(b.Context(), rego.EvalParsedInput(input), rego.EvalExternalCancel(cancel),
					rego.EvalMetrics(metrics.NoOp())); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

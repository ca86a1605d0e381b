package policy

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/topdown"
	"pgregory.net/rapid"
)

// genRef draws references that often meet again, and prefixes of each other.
var genRef = rapid.Custom(func(t *rapid.T) ast.Ref {
	ref := ast.Ref{ast.DefaultRootDocument}
	for range rapid.IntRange(1, 4).Draw(t, "length") {
		ref = append(ref, rapid.OneOf(
			rapid.Map(rapid.SampledFrom([]string{"a", "b", "recipes"}), ast.StringTerm),
			rapid.Map(rapid.IntRange(0, 2), func(n int) *ast.Term { return ast.IntNumberTerm(n) }),
			rapid.Just(ast.NumberTerm("1.0")),
			rapid.Just(ast.BooleanTerm(true)),
			rapid.Map(rapid.IntRange(0, 1), func(n int) *ast.Term { return ast.ArrayTerm(ast.IntNumberTerm(n)) }),
		).Draw(t, "part"))
	}
	return ref
})

// TestAnswersAreOPAsOwn holds the cache against the one that it replaces.
func TestAnswersAreOPAsOwn(t *testing.T) {
	var ours answers // one for all, as it is with calls
	rapid.Check(t, func(t *rapid.T) {
		ours.reset()
		theirs := topdown.NewVirtualCache()
		depth := 0
		check := func(ref ast.Ref) {
			got, gotUndefined := ours.Get(ref)
			want, wantUndefined := theirs.Get(ref)
			if got != want || gotUndefined != wantUndefined {
				t.Fatalf("Get(%v) is %v, %t; want %v, %t", ref, got, gotUndefined, want, wantUndefined)
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"put": func(t *rapid.T) {
				ref := genRef.Draw(t, "ref")
				value := rapid.SampledFrom([]*ast.Term{nil, ast.StringTerm("x"), ast.BooleanTerm(false)}).Draw(t, "value")
				theirs.Put(ref.Copy(), value)
				ours.Put(ref, value)
				check(ref)
				ref[len(ref)-1] = ast.StringTerm("the evaluator uses its slices again")
			},
			"get": func(t *rapid.T) { check(genRef.Draw(t, "ref")) },
			"keys": func(t *rapid.T) {
				// 1 and 1.0 are one key, spelt as it came first in either.
				if got, want := sortedRefs(ours.Keys()), sortedRefs(theirs.Keys()); !slices.Equal(got, want) {
					t.Fatalf("Keys are %v, want %v", got, want)
				}
			},
			"with": func(*rapid.T) { ours.Push(); theirs.Push(); depth++ },
			"end of with": func(t *rapid.T) {
				if depth == 0 {
					t.Skip("there is no with")
				}
				ours.Pop()
				theirs.Pop()
				depth--
			},
		})
	})
}

func sortedRefs(refs []ast.Ref) (texts []string) {
	for _, ref := range refs {
		texts = append(texts, strings.ReplaceAll(ref.String(), "1.0", "1"))
	}
	slices.Sort(texts)
	return texts
}

func TestAnswersGrowAndForget(t *testing.T) {
	var cache answers
	cache.reset()
	ref := func(i int) ast.Ref { return ast.Ref{ast.DefaultRootDocument, ast.IntNumberTerm(i)} }
	for i := range 3 * keepEntries {
		cache.Put(ref(i), ast.IntNumberTerm(i))
	}
	for i := range 3 * keepEntries {
		if got, _ := cache.Get(ref(i)); got == nil || got.Value.Compare(ast.Number(fmt.Sprint(i))) != 0 {
			t.Fatalf("Get of %d among many is %v", i, got)
		}
	}
	cache.reset()
	if got, undefined := cache.Get(ref(1)); got != nil || undefined {
		t.Errorf("Get after reset is %v, %t; want nothing", got, undefined)
	}
	if n := len(cache.frames[0].slots); n != firstSlots {
		t.Errorf("%d slots are kept after a large evaluation, want %d", n, firstSlots)
	}
	for range 100 {
		cache.Push()
	}
	cache.reset()
	if n := len(cache.frames) + len(cache.spare); n > 10 {
		t.Errorf("%d frames are kept after a deep evaluation, want 10 or fewer", n)
	}
}

// baseData is a data document with everything that JSON has.
const baseData = `{"directory": {"dids": {"1": {"team": ["a", "b"], "zone": null, "n": 5}, "2": {}}, "on": false}}`

func baseMount(t testing.TB) *mount {
	t.Helper()
	data := ast.MustParseTerm(baseData).Value
	native, err := ast.JSON(data)
	if err != nil {
		t.Fatal(err)
	}
	m, err := newMount(native.(map[string]any))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestBaseDocsAreTheStores asks for every path twice: as the evaluator does, by
// the cache and then the store, and of the store alone.
func TestBaseDocsAreTheStores(t *testing.T) {
	m := baseMount(t)
	parts := []*ast.Term{
		ast.StringTerm("directory"), ast.StringTerm("dids"), ast.StringTerm("1"), ast.StringTerm("team"), ast.StringTerm("zone"),
		ast.StringTerm("on"), ast.StringTerm("none"), ast.IntNumberTerm(1), ast.StringTerm("0"), ast.IntNumberTerm(7), ast.StringTerm("n"),
	}
	r := newRun(nil)
	defer r.release()
	r.documents.reset(m.document)
	var ask func(ref ast.Ref)
	ask = func(ref ast.Ref) {
		path, err := storage.NewPathForRef(ref)
		if err != nil {
			t.Fatal(err)
		}
		want, wantErr := m.files.Read(t.Context(), m.read, path)
		var got any = r.documents.Get(ref)
		if v, ok := got.(ast.Value); !ok || v == nil {
			got, err = m.Read(t.Context(), r, path)
		}
		if storage.IsNotFound(err) != storage.IsNotFound(wantErr) || (wantErr == nil) != (err == nil) {
			t.Fatalf("%v fails with %v, want %v", ref, err, wantErr)
		}
		if wantErr == nil && got.(ast.Value).Compare(want.(ast.Value)) != 0 {
			t.Fatalf("%v is %v, want %v", ref, got, want)
		}
		if len(ref) == 6 || wantErr != nil && len(ref) > 4 {
			return
		}
		for _, part := range parts {
			ask(append(ref[:len(ref):len(ref)], part))
		}
	}
	ask(ast.Ref{ast.DefaultRootDocument, ast.StringTerm("directory")})
}

func TestBaseDocsRememberTheStore(t *testing.T) {
	m := baseMount(t)
	var docs baseDocs
	docs.reset(m.document)
	ref := ast.MustParseRef(`data.history.callers["9988912345"].last_answered`)
	if v := docs.Get(ref); v != nil {
		t.Fatalf("the history is %v before it was read", v)
	}
	docs.Put(ref, ast.MustParseTerm(`{"did": "918645658689"}`).Value)
	if v := docs.Get(ref.Append(ast.StringTerm("did"))); v == nil || v.Compare(ast.String("918645658689")) != 0 {
		t.Errorf("a field of what was read is %v", v)
	}
	if v := docs.Get(ast.MustParseRef(`data.history.callers["9988912346"].last_answered`)); v != nil {
		t.Errorf("another caller's is %v", v)
	}
	docs.reset(m.document)
	if v := docs.Get(ref); v != nil {
		t.Errorf("the history is still %v in the next evaluation", v)
	}
}

// TestEvaluationsShareNothing answers calls with one run's memory after the
// other's: what one call learnt must not show in the next.
func TestEvaluationsShareNothing(t *testing.T) {
	s := compileSet(t, map[string]string{"routing/routing.rego": `package routing

who := number if number := data.history.callers[input.caller_number].last_answered.receiver_number

else := "9876500000"

mocked := number if number := who with input.caller_number as "9000000001"

decision := {"call_forwarding_number": who, "reason": mocked}
`}, map[string]any{"directory": map[string]any{}})
	view := sampleView(1)
	for i := range 50 {
		q := testQuestion()
		want := receiverNumber
		if i%2 == 1 {
			q.Caller.Canonical, want = fmt.Sprintf("90000%05d", i+10), "9876500000"
		}
		ev, err := s.Evaluate(t.Context(), q, view)
		if err != nil || ev.Answer.Number != want || ev.Answer.Reason != "9876500000" {
			t.Fatalf("call %d: %+v %v, want %s", i, ev.Answer, err, want)
		}
		if !strings.Contains(strings.Join(ev.Read, " "), q.Caller.Canonical) {
			t.Fatalf("call %d read %v, not its caller's profile", i, ev.Read)
		}
	}
}

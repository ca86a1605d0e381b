package policy

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"

	"switchboard/engine"
)

// The numbers and the moment that the tests of evaluation share.
const (
	callerNumber   = "9988912345"
	receiverNumber = "9876543210"
	calledDID      = "918645658689"
)

var (
	kolkata = mustZone("Asia/Kolkata")
	callAt  = time.Date(2025, 11, 22, 14, 35, 0, 0, kolkata)
)

func mustZone(name string) *time.Location {
	zone, err := time.LoadLocation(name)
	if err != nil {
		panic(err)
	}
	return zone
}

func testQuestion() engine.Question {
	return engine.Question{
		CallID: "1ascaba13abcaav",
		Caller: engine.Number{Canonical: callerNumber, Raw: "+91 99889 12345", E164: "+919988912345", Country: "IN", Valid: true},
		DID:    engine.Number{Canonical: calledDID, Raw: calledDID, E164: "+918645658689", Country: "IN", Valid: true},
		At:     callAt,
	}
}

// compileSet makes a set of modules and data by the settings that a policy set
// is loaded with, and none of its checks.
func compileSet(t testing.TB, modules map[string]string, data map[string]any) *Set {
	t.Helper()
	s, err := tryCompile(t, modules, data)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func tryCompile(t testing.TB, modules map[string]string, data map[string]any) (*Set, error) {
	t.Helper()
	return tryCompileBy(t, newCompiler(nil).WithStrict(true), modules, data)
}

func tryCompileBy(t testing.TB, compiler *ast.Compiler, modules map[string]string, data map[string]any) (*Set, error) {
	t.Helper()
	tree := Tree{}
	for name, text := range modules {
		tree[name] = []byte(text)
	}
	p, found := parse(tree, nil)
	if found.Failed() {
		return nil, &engine.PoliciesError{Report: engine.Report{Errors: found.Errors}}
	}
	if data == nil {
		data = map[string]any{}
	}
	compiler.WithVirtual(isMounted)
	if err := withConflicts(t.Context(), compiler, data, func() { compiler.Compile(p.modules) }); err != nil {
		return nil, err
	}
	if compiler.Failed() {
		return nil, compiler.Errors
	}
	c := &compiled{tree: tree, revision: tree.Revision(), modules: p.modules, compiler: compiler, documents: &documents{data: data, dids: map[string]bool{calledDID: true}}}
	s, err := prepare(t.Context(), c, Options{Zone: kolkata})
	if err != nil {
		return nil, err
	}
	return s, s.planSet(t.Context())
}

// routing is a set of one module that holds body.
func routing(t testing.TB, body string) *Set {
	t.Helper()
	return compileSet(t, map[string]string{"routing/routing.rego": "package routing\n\n" + body}, nil)
}

// fakeView is a history that a test writes down, and that counts who asks.
type fakeView struct {
	profiles map[engine.ProfileKind]map[string]*engine.Profile
	calls    map[string]*engine.Call
	sessions map[string][]*engine.Session // by DID, "/" and number
	facts    map[string]*engine.Fact      // by collection, "/" and key
	err      error                        // answered to every read
	asked    []string
	onRead   func()
}

func (v *fakeView) At() time.Time { return callAt }

func (v *fakeView) Profile(kind engine.ProfileKind, number string) (*engine.Profile, error) {
	v.asked = append(v.asked, string(kind)+"/"+number)
	if v.onRead != nil {
		v.onRead()
	}
	if v.err != nil {
		return nil, v.err
	}
	return v.profiles[kind][number], nil
}

func (v *fakeView) Call(id string) (*engine.Call, error) {
	v.asked = append(v.asked, "calls/"+id)
	if v.err != nil {
		return nil, v.err
	}
	return v.calls[id], nil
}

func (v *fakeView) Sessions(did, number string) ([]*engine.Session, error) {
	v.asked = append(v.asked, "sessions/"+did+"/"+number)
	return v.sessions[did+"/"+number], v.err
}

func (v *fakeView) Fact(collection, key string) (*engine.Fact, error) {
	v.asked = append(v.asked, "facts/"+collection+"/"+key)
	return v.facts[collection+"/"+key], v.err
}

func (*fakeView) KnowsDID(string) bool { return false }
func (*fakeView) Close()               {}

// sampleView knows the caller, the receiver and the DID, with n calls each.
func sampleView(n int) *fakeView {
	p := sampleProfile(n)
	v := &fakeView{
		profiles: map[engine.ProfileKind]map[string]*engine.Profile{
			engine.Callers:   {callerNumber: p},
			engine.Receivers: {receiverNumber: p},
			engine.DIDs:      {calledDID: p},
		},
		calls: map[string]*engine.Call{},
	}
	for _, c := range p.Calls {
		v.calls[c.CallID] = c
	}
	return v
}

func sampleProfile(n int) *engine.Profile {
	p := &engine.Profile{InFlight: 1, UnansweredStreak: 2, LastByReason: map[string]*engine.Call{}}
	p.Totals = engine.Totals{Offered: 12, Answered: 9, Unanswered: 2, TalkSeconds: 840}
	for i := range 5 {
		p.Days = append(p.Days, engine.Day{Date: callAt.AddDate(0, 0, -i).Format(time.DateOnly), Totals: p.Totals})
	}
	for i := range n {
		at := callAt.Add(-time.Duration(i+1) * time.Minute).UnixNano()
		p.Calls = append(p.Calls, &engine.Call{
			CallID: fmt.Sprintf("call%02d", i), Caller: callerNumber, DID: calledDID, Receiver: receiverNumber,
			Status: engine.StatusAnswered, RoutedAt: at, ReceivedAt: at, EndedAt: at + int64(30*time.Second),
			Duration: 30, Reason: "round_robin", Source: engine.SourcePolicy, HangupCause: "normal_clearing",
			CallerIsNumber: true, DIDIsNumber: true, ReceiverIsNumber: true,
		})
	}
	if n > 0 {
		p.LastOffered, p.LastAnswered = p.Calls[0], p.Calls[0]
		p.LastByReason["round_robin"] = p.Calls[0]
	}
	return p
}

// askedFor are the keys that a view was asked for, each once.
func (v *fakeView) askedFor() []string {
	keys := slices.Clone(v.asked)
	slices.Sort(keys)
	return slices.Compact(keys)
}

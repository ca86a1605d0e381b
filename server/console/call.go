package console

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"switchboard/engine"
)

// callView is everything about one call.
type callView struct {
	Row         callRow
	Story       []string
	Steps       []stepView
	Decision    *decisionView
	Rules       []ruleView
	Skipped     []skippedView
	Tags        []pair
	Read        []readView
	Payloads    []payloadView
	Recording   bool
	Explains    bool // its decision can be repeated
	Remembers   bool // the history of then can be shown
	Completions int
	Others      []callRow
	Caller      shown
}

type decisionView struct {
	Revision  string
	Tries     int
	Eval      string
	Waited    string
	Reply     string
	Status    int
	Timeout   int64
	Cause     engine.Cause
	Detail    string
	Input     string
	BuiltinEr []string
}

type skippedView struct {
	Number shown
	Why    string
}

type pair struct{ Name, Value string }

type readView struct {
	Path   string
	Number shown
	Kind   string
}

type payloadView struct{ Title, Type, Body string }

// stepView is a moment of a call's time line.
type stepView struct {
	At    int64
	Title string
	Note  string
	Since string // since the step before
	Kind  string // good, bad, warn, live, quiet
}

func (c *Console) callPage(a *asked) error {
	ctx, cancel := a.reading()
	defer cancel()
	id := a.FormValue("id")
	detail, err := c.o.History.Call(ctx, id)
	if err != nil {
		return err
	}
	if detail == nil || detail.Call == nil {
		return refuse(http.StatusNotFound, "There is no call with this id. It may have been deleted by age; the list shows what there is.")
	}
	v := callView{Row: a.eyes.callRow(detail.Call, c.o.Now()), Story: a.story(detail), Steps: a.steps(detail),
		Recording: recordingOf(detail) != "", Explains: c.o.Explain != nil, Remembers: c.o.Past != nil, Completions: len(detail.Completions)}
	if d := detail.Decision; d != nil {
		a.showDecision(ctx, d, &v)
	}
	a.showPayloads(detail, &v)
	v.Caller = v.Row.Caller
	if v.Others, err = a.othersOf(ctx, detail.Call); err != nil {
		return err
	}
	return a.render(http.StatusOK, "call", "calls", "Call", v)
}

func (a *asked) showDecision(ctx context.Context, d *engine.DecisionRecord, v *callView) {
	ev := d.Evaluation
	v.Row.Took = milliseconds(d.EvalTime + d.Waited)
	v.Decision = &decisionView{Revision: ev.Revision, Tries: d.Tries, Eval: milliseconds(d.EvalTime), Waited: milliseconds(d.Waited),
		Reply: a.eyes.text(string(d.Reply.Body)), Status: d.Reply.Status, Timeout: d.Decision.Timeout, Cause: d.Decision.Cause,
		Detail: a.eyes.text(d.Decision.Detail), Input: a.eyes.document(ev.Input), BuiltinEr: ev.BuiltinErrors}
	for _, s := range d.Decision.Skipped {
		v.Skipped = append(v.Skipped, skippedView{a.eyes.number(s.Number), a.eyes.text(s.Why)})
	}
	for _, name := range sortedNames(d.Decision.Tags) {
		v.Tags = append(v.Tags, pair{name, a.eyes.text(d.Decision.Tags[name])})
	}
	for _, path := range ev.Read {
		v.Read = append(v.Read, a.eyes.read(path))
	}
	v.Rules = a.rules(ctx, ev)
}

// read shows a history path without the number in it.
func (e eyes) read(path string) readView {
	parts := strings.Split(path, "/")
	v := readView{Path: e.text(path)}
	if len(parts) >= 3 && parts[0] == "history" {
		switch engine.ProfileKind(parts[1]) {
		case engine.Callers:
			v.Kind = "caller"
		case engine.Receivers:
			v.Kind = "receiver"
		case engine.DIDs:
			v.Kind = "did"
		default:
			return v
		}
		v.Number = e.number(parts[2])
	}
	return v
}

func (a *asked) showPayloads(d *engine.CallDetail, v *callView) {
	recording := recordingOf(d)
	add := func(title string, p engine.Payload) {
		if len(p.Body) > 0 || p.Type != "" {
			body := string(p.Body)
			if json.Valid(p.Body) {
				body = indented(p.Body)
			}
			v.Payloads = append(v.Payloads, payloadView{title, p.Type, a.eyes.payload(body, recording)})
		}
	}
	if d.Decision != nil {
		add("Initiation, as it came", d.Decision.Raw)
	}
	for i, c := range d.Completions {
		title := "Completion, as it came"
		if i > 0 {
			title = "A further completion that differs"
		}
		add(title, c.Raw)
	}
}

// recordingOf is the link to a call's recording, empty where there is none.
func recordingOf(d *engine.CallDetail) string {
	if d == nil {
		return ""
	}
	for _, c := range slices.Backward(d.Completions) {
		if c.RecordingURL != "" {
			return c.RecordingURL
		}
	}
	return ""
}

// othersOf are the caller's other calls, as far as their profile shows them.
func (a *asked) othersOf(ctx context.Context, call *engine.Call) ([]callRow, error) {
	if !call.CallerIsNumber {
		return nil, nil
	}
	p, err := a.c.o.History.Profile(ctx, engine.Callers, call.Caller)
	if err != nil || p == nil {
		return nil, err
	}
	var rows []callRow
	for _, other := range p.Calls {
		if other.CallID != call.CallID {
			rows = append(rows, a.eyes.callRow(other, a.c.o.Now()))
		}
	}
	return rows, nil
}

// indented is JSON to be read by people; what is none stays as it is.
func indented(raw json.RawMessage) string {
	var v any
	dec := json.NewDecoder(strings.NewReader(string(raw)))
	dec.UseNumber()
	if dec.Decode(&v) != nil {
		return string(raw)
	}
	var out strings.Builder
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if enc.Encode(v) != nil {
		return string(raw)
	}
	return strings.TrimRight(out.String(), "\n")
}

func sortedNames[V any](m map[string]V) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

package console

import (
	"archive/zip"
	"encoding/json"
	"errors"
	"net/http"
	"path"
	"strings"

	"switchboard/engine"
)

// tryView is the form of the page where a change is tried. Nothing on it ever
// writes into the policies folder: what was edited is downloaded.
type tryView struct {
	Lines    []choice
	Files    []string // of the set in force
	Replay   bool
	Periods  []period
	Revealed bool
	Now      string // local time, for the placeholder
}

var replayPeriods = []period{{"day", "Last 24 hours", day}, {"week", "Last 7 days", 7 * day}, {"month", "Last 30 days", 30 * day}}

func (c *Console) tryPage(a *asked) error {
	now := c.o.Policies.Status()
	v := tryView{Files: sortedNames(now.Files), Replay: c.o.Replay != nil, Periods: replayPeriods, Revealed: a.eyes.revealed(),
		Now: c.o.Now().In(c.o.Zone).Format("2006-01-02 15:04")}
	for i, d := range c.o.Policies.Directory() {
		if i == boardNumbers {
			break
		}
		v.Lines = append(v.Lines, choice{Number: a.eyes.number(d.DID), Name: d.Name})
	}
	return a.render(http.StatusOK, "try", "try", "Try", v)
}

// editView is a file in the editor.
type editView struct {
	Path, Text string
	Masked     bool   // it holds numbers, which cannot be edited while masked
	Again      string // JSON, to open it with the numbers revealed
	New        bool
}

// editFile adds a file to the form: one of the set in force, or a new one.
func (c *Console) editFile(a *asked) error {
	name := strings.TrimSpace(a.PostFormValue("file"))
	if name == "" {
		name = strings.TrimSpace(a.PostFormValue("newfile"))
	}
	name, err := policyPath(name)
	if err != nil {
		return err
	}
	for _, open := range a.PostForm["path"] {
		if open == name {
			return refuse(http.StatusConflict, "%s is open already, further down.", name)
		}
	}
	if a.PostFormValue("reveal") != "" && !a.eyes.revealed() {
		// Here and not by the button above, which would lose the other edits.
		a.revealNumbers()
	}
	text, found := c.o.Policies.Status().Files[name]
	v := editView{Path: name, Text: string(text), New: !found}
	if shown := a.eyes.text(v.Text); shown != v.Text {
		// What is masked would be saved masked, and route nobody.
		again, _ := json.Marshal(map[string]string{"file": name, "reveal": "yes"}) // texts encode
		v.Text, v.Masked, v.Again = "", true, string(again)
	}
	return a.part(http.StatusOK, "edit", v)
}

// policyPath is the path of a file below the policies folder.
func policyPath(name string) (string, error) {
	clean := path.Clean(strings.ReplaceAll(name, `\`, "/"))
	switch {
	case name == "":
		return "", refuse(http.StatusBadRequest, "Choose a file, or write the path of a new one, such as routing/lunch.rego.")
	case path.IsAbs(clean), clean == "..", strings.HasPrefix(clean, "../"), len(clean) > 200:
		return "", refuse(http.StatusBadRequest, "The path must lie below the policies folder, such as routing/lunch.rego.")
	case path.Ext(clean) != ".rego" && path.Ext(clean) != ".yaml" && path.Ext(clean) != ".yml" && path.Ext(clean) != ".json":
		return "", refuse(http.StatusBadRequest, "A policy is a .rego file; data is .yaml or .json. Other files change nothing.")
	}
	return clean, nil
}

// edits are the files of the form that differ from the set in force, by path.
func (a *asked) edits() (map[string]string, error) {
	if err := a.ParseForm(); err != nil {
		return nil, err
	}
	paths, texts := a.PostForm["path"], a.PostForm["text"]
	if len(paths) != len(texts) {
		return nil, refuse(http.StatusBadRequest, "The form is not whole. Load the page again.")
	}
	serving := a.c.o.Policies.Status().Files
	out := make(map[string]string)
	for i, name := range paths {
		name, err := policyPath(name)
		if err != nil {
			return nil, err
		}
		// Browsers send every line's end as two characters.
		text := strings.ReplaceAll(texts[i], "\r\n", "\n")
		if was, ok := serving[name]; !ok || string(was) != text {
			out[name] = text
		}
	}
	return out, nil
}

// answerView is what the policies say to a question.
type answerView struct {
	*engine.WhatIfResult
	Number  shown
	Skipped []skippedView
	Tags    []pair
	Rules   []ruleView
	Trace   string
	Edited  int
	Detail  string
	Broken  *reportView // the edits do not load
	Wrong   string      // what is wrong with the question
}

// ask tells how a call would be routed.
func (c *Console) ask(a *asked) error {
	edits, err := a.edits()
	if err != nil {
		return err
	}
	question, err := a.question()
	if err != nil {
		return a.part(http.StatusOK, "answer", answerView{Wrong: err.Error()})
	}
	ctx, cancel := a.reading()
	defer cancel()
	history := json.RawMessage(strings.TrimSpace(a.PostFormValue("history")))
	if len(history) == 0 {
		history = nil
	}
	result, err := c.o.Router.WhatIf(ctx, engine.WhatIf{Question: question, History: history, Policies: edits, Explain: true})
	v := answerView{Edited: len(edits)}
	var broken *engine.PoliciesError
	switch {
	case errors.As(err, &broken):
		r := a.report(broken.Report)
		v.Broken = &r
	case errors.Is(err, engine.ErrUnavailable), ctx.Err() != nil:
		return err
	case err != nil:
		v.Wrong = a.eyes.text(err.Error())
	default:
		a.showAnswer(&v, result, edits)
	}
	return a.part(http.StatusOK, "answer", v)
}

func (a *asked) showAnswer(v *answerView, r *engine.WhatIfResult, edits map[string]string) {
	v.WhatIfResult, v.Number, v.Detail = r, a.eyes.number(r.Decision.Number), a.eyes.text(r.Decision.Detail)
	for _, s := range r.Decision.Skipped {
		v.Skipped = append(v.Skipped, skippedView{a.eyes.number(s.Number), a.eyes.text(s.Why)})
	}
	for _, name := range sortedNames(r.Decision.Tags) {
		v.Tags = append(v.Tags, pair{name, a.eyes.text(r.Decision.Tags[name])})
	}
	v.Trace = a.eyes.text(strings.Join(r.Trace, "\n"))
	files := make(map[string][]byte)
	for name, text := range a.c.o.Policies.Status().Files {
		files[name] = text
	}
	for name, text := range edits {
		files[name] = []byte(text)
	}
	v.Rules = a.rulesIn(files, r.Fired)
}

// question reads the form. Its errors are sentences.
func (a *asked) question() (q engine.Question, err error) {
	did := strings.TrimSpace(a.PostFormValue("did"))
	if did == "" {
		if did, _ = a.c.seal.number(a.PostFormValue("line")); did == "" {
			return q, refuse(http.StatusBadRequest, "Choose the line that is dialled, or write its number.")
		}
	}
	caller := strings.TrimSpace(a.PostFormValue("caller"))
	if len(caller) > engine.MaxCaller || len(did) > engine.MaxCaller {
		return q, refuse(http.StatusBadRequest, "A number has at most %d characters.", engine.MaxCaller)
	}
	q.Caller, q.DID = a.c.o.Numbers.Person(caller), a.c.o.Numbers.DID(did)
	q.At, err = a.c.localTime("At", a.PostFormValue("at"))
	return q, err
}

// checkView is a report on the edits.
type checkView struct {
	Report reportView
	Edited []string
}

// check runs everything that a reload would run, on the edits.
func (c *Console) check(a *asked) error {
	edits, err := a.edits()
	if err != nil {
		return err
	}
	ctx, cancel := a.reading()
	defer cancel()
	report := c.o.Policies.Check(ctx, edits)
	return a.part(http.StatusOK, "check", checkView{Report: a.report(report), Edited: sortedNames(edits)})
}

// download sends the files that were changed, to be copied into the policies
// folder by hand.
func (c *Console) download(a *asked) error {
	edits, err := a.edits()
	if err != nil {
		return err
	}
	if len(edits) == 0 {
		return refuse(http.StatusBadRequest, "No file differs from the set in force, so there is nothing to download. Go back and edit one.")
	}
	h := a.w.Header()
	h.Set("Content-Type", "application/zip")
	h.Set("Content-Disposition", `attachment; filename="switchboard-policies.zip"`)
	out := zip.NewWriter(a.w)
	for _, name := range sortedNames(edits) {
		f, err := out.Create(name)
		if err != nil {
			return err
		}
		if _, err := f.Write([]byte(edits[name])); err != nil {
			return nil //nolint:nilerr // the visitor has gone
		}
	}
	return out.Close()
}

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"switchboard/engine"
)

// wrongEdit is a slip that somebody makes in the set of
// testdata/policies/edited, and what they are told: at which line, and what
// mends it.
type wrongEdit struct {
	file, old, new string // old empty: new is added at the end; file empty: all files are removed
	exit           int
	code, where    string
	says, hint     string
}

const (
	rules, data, suite = "routing/routing.rego", "directory/data.yaml", "routing/routing_test.rego"
	receiverField      = "last_answered.receiver_number"
)

// wrongEdits are the twelve that issue and design name.
var wrongEdits = map[string]wrongEdit{
	"syntax":           {rules, "} else :=", "else :=", exitBroken, "parse", rules + ":10", "unexpected", "a bracket or a quote that is not closed"},
	"type":             {rules, "entry.team[0]", `count("a") + "b"`, exitBroken, "type", rules + ":10", "plus: invalid argument(s)", "have: (number, string"},
	"input typo":       {rules, "input.caller_number", "input.caller_numbr", exitBroken, "type", rules + ":8", "undefined ref: input.caller_numbr", "did you mean input.caller_number?"},
	"history typo":     {rules, receiverField, "last_answered.reciever_number", exitBroken, "lint", rules + ":8", `last_answered has no "reciever_number"`, "did you mean receiver_number?"},
	"whole collection": {rules, "again := data.history.callers[input.caller_number].", "some caller in data.history.callers\n\tagain := caller.", exitBroken, "lint", rules + ":8", "data.history.callers can't be read as a whole", "look up one entry by its key"},
	"outside builtin":  {rules, "again in entry.team", `again in http.send({"url": "http://127.0.0.1", "method": "get"}).body`, exitBroken, "compile", rules + ":9", "http.send reaches outside the call", "put what the policy needs to know into a data file"},
	"conflict":         {rules, "", "\ndecision := {\"reject\": true} if input.call_id\n", exitBroken, "smoke", rules + ":12", "conflicting values", "chain the rules with `else`"},
	"loop":             {rules, "entry.team[0]", "input.did", exitBroken, "smoke", rules + ":10", "is the DID that was called", "forward to a person's number"},
	"impossible":       {rules, "entry.team[0]", `"98765"`, exitBroken, "smoke", rules + ":10", `"98765" is not a possible phone number`, "check its digits"},
	"unquoted":         {data, `- "9876543211"`, "- 9876543211", exitBroken, "data", data + ":5", "stands without quotes", "put the number in quotes"},
	"failing test":     {rules, `"reason": "first"`, `"reason": "second"`, exitTests, "test", suite + ":9", `does not hold`, "mend the rule, or change the test"},
	"emptied folder":   {"", "", "", exitBroken, "empty", "", "holds no .rego file", "switchboard policies init"},
}

// make writes the set with the edit into dir, over what is there.
func (e wrongEdit) make(t *testing.T, dir string) {
	t.Helper()
	if e.file == "" {
		for _, name := range []string{rules, data, suite} {
			if err := os.Remove(filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
		}
		return
	}
	path := filepath.Join(dir, e.file)
	text, err := os.ReadFile(path)
	if err != nil || !bytes.Contains(text, []byte(e.old)) {
		t.Fatalf("%s does not contain %q: %v", path, e.old, err)
	}
	if e.old == "" {
		text = append(text, e.new...)
	} else {
		text = bytes.Replace(text, []byte(e.old), []byte(e.new), 1)
	}
	if err := os.WriteFile(path, text, 0o644); err != nil {
		t.Fatal(err)
	}
}

// editedSet writes the set as it is meant to be into dir.
func editedSet(t *testing.T, dir string) {
	t.Helper()
	for _, name := range []string{rules, data, suite} {
		text, err := os.ReadFile(filepath.Join("../../testdata/policies/edited", name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func (e wrongEdit) isTold(t *testing.T, report engine.Report) {
	t.Helper()
	if report.OK || report.Changed {
		t.Errorf("it is taken: %+v", report)
	}
	for _, p := range report.Errors {
		where := ""
		if p.File != "" {
			where = fmt.Sprintf("%s:%d", p.File, p.Line)
		}
		if p.Code == e.code && where == e.where && strings.Contains(p.Message, e.says) && strings.Contains(p.Hint, e.hint) {
			return
		}
	}
	t.Errorf("told %+v\nwant %s at %s: %q, %q", report.Errors, e.code, e.where, e.says, e.hint)
}

// Every wrong edit is stopped by check, with the exit code for its kind.
func TestCheckStopsWrongEdits(t *testing.T) {
	if len(wrongEdits) != 12 {
		t.Fatalf("%d edits", len(wrongEdits))
	}
	check := func(t *testing.T, dir string) (int, engine.Report, string) {
		var out, errs bytes.Buffer
		code := run(t.Context(), []string{"check", "--json", dir}, stdio{out: &out, err: &errs})
		var report engine.Report
		if err := json.Unmarshal(out.Bytes(), &report); err != nil {
			t.Fatalf("%v: %s%s", err, out.Bytes(), errs.Bytes())
		}
		var text bytes.Buffer
		if again := run(t.Context(), []string{"check", dir}, stdio{out: &text, err: &errs}); again != code {
			t.Errorf("exit codes %d and %d", code, again)
		}
		return code, report, text.String()
	}
	dir := t.TempDir()
	editedSet(t, dir)
	if code, report, _ := check(t, dir); code != exitOK || len(report.Warnings) != 0 {
		t.Fatalf("the set itself: %d, %+v", code, report)
	}
	for name, e := range wrongEdits {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			editedSet(t, dir)
			e.make(t, dir)
			code, report, text := check(t, dir)
			if code != e.exit {
				t.Errorf("exit code %d, want %d", code, e.exit)
			}
			e.isTold(t, report)
			if !strings.Contains(text, e.where) || !strings.Contains(text, e.hint) || !strings.Contains(text, "refused") {
				t.Errorf("printed %s", text)
			}
		})
	}
}

// A server that is running takes none of them: the call goes on as before, and
// the answer of the reload, the status and the log lead to the line.
func TestServerContainsWrongEdits(t *testing.T) {
	home := t.TempDir()
	dir := filepath.Join(home, "policies")
	editedSet(t, dir)
	p := startProcess(t, home, "--policies", dir)
	ask := func(method, path, body string, into any) int {
		req, err := http.NewRequestWithContext(t.Context(), method, p.private+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err != nil || json.Unmarshal(text, into) != nil {
			t.Fatalf("%s %s: %v, %s", method, path, err, text)
		}
		return resp.StatusCode
	}
	answers := func(t *testing.T) {
		t.Helper()
		var got struct{ Decision engine.Decision }
		ask("POST", "/api/v1/route", `{"caller_number": "9988912345", "did": "918645658689"}`, &got)
		if got.Decision.Number != "9876543210" || got.Decision.Reason != "first" {
			t.Errorf("the call goes to %+v", got.Decision)
		}
	}
	answers(t)
	for name, e := range wrongEdits {
		t.Run(name, func(t *testing.T) {
			e.make(t, dir)
			var report engine.Report
			if status := ask("POST", "/api/v1/policies/reload", "", &report); status != http.StatusUnprocessableEntity {
				t.Errorf("answered %d", status)
			}
			e.isTold(t, report)
			answers(t)
			var status struct{ Reload engine.Report }
			ask("GET", "/api/v1/status", "", &status)
			e.isTold(t, status.Reload)

			editedSet(t, dir)
			if status := ask("POST", "/api/v1/policies/reload", "", &report); status != http.StatusOK || !report.OK {
				t.Errorf("mended: %d, %+v", status, report)
			}
			answers(t)
		})
	}
	p.terminate(t)
}

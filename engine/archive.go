package engine

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Revision is an activated policy set as it is archived in the database.
type Revision struct {
	ID       string            `json:"revision"` // content hash
	At       int64             `json:"at"`       // when it went live last, Unix nanoseconds
	Origin   string            `json:"origin"`   // where its content came from: OriginFolder or OriginBuiltin
	Tests    TestSummary       `json:"tests"`
	Rollback *Rollback         `json:"rollback,omitempty"` // where it went live last by a rollback
	Files    map[string][]byte `json:"files,omitempty"`    // slash-separated path below the folder -> content
}

// TestSummary counts the results of a policy set's own tests.
type TestSummary struct {
	Passed  int           `json:"passed"`
	Failed  int           `json:"failed"`
	Skipped int           `json:"skipped"`
	Took    time.Duration `json:"took_ns"`

	// By is the program that ran the tests, empty where none did.
	By string `json:"by,omitempty"`
	// NotRun says why the tests were not run this time; the counts are then those
	// of the time when they were, if they are known.
	NotRun string `json:"not_run,omitempty"`
}

// Problem is something wrong with a policy set, where, and what to do about it.
type Problem struct {
	File    string `json:"file"`           // below the policies folder; empty when it is no single file
	Line    int    `json:"line"`           // from 1; 0 when unknown
	Column  int    `json:"column"`         // from 1; 0 when unknown
	Code    string `json:"code,omitempty"` // the step that found it: parse, compile, type, lint, data, contract, test, smoke, empty, archive, hold
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
}

// String is the problem as compilers write theirs, without the hint:
// "file:line:column: message", as far as these are known.
func (p Problem) String() string {
	switch {
	case p.File == "":
		return p.Message
	case p.Line == 0:
		return p.File + ": " + p.Message
	case p.Column == 0:
		return fmt.Sprintf("%s:%d: %s", p.File, p.Line, p.Message)
	}
	return fmt.Sprintf("%s:%d:%d: %s", p.File, p.Line, p.Column, p.Message)
}

// Report is the outcome of loading a policy set.
type Report struct {
	Revision string      `json:"revision"` // of the set that was looked at
	Active   string      `json:"active"`   // of the set that serves now; empty where none does
	OK       bool        `json:"ok"`
	Changed  bool        `json:"changed"` // whether another set serves now than before
	At       time.Time   `json:"at"`
	Took     float64     `json:"took_seconds"`
	Origin   string      `json:"origin"`
	Errors   []Problem   `json:"errors"`
	Warnings []Problem   `json:"warnings"`
	Tests    TestSummary `json:"tests"`
}

// The origins of a policy set.
const (
	OriginFolder  = "folder"
	OriginBuiltin = "built-in"
	OriginArchive = "archive"
)

// DirectoryDID is a DID of a policy set's directory, as far as the starter set's
// layout tells: data.directory.dids, with teams by name in data.directory.teams.
type DirectoryDID struct {
	DID  string   // canonical
	Name string   // for people; empty where the directory gives none
	Team []string // canonical, in the order of the rotation
}

// PolicyStatus is how the policies stand.
type PolicyStatus struct {
	Revision string    // serving now; empty where none is
	Origin   string    // where the serving set came from: OriginFolder, OriginBuiltin, OriginArchive or OriginRollback
	Since    time.Time // when it went live
	Folder   string    // the folder watched, which may not be there yet; empty for none
	Rollback *Rollback // in force, nil where none is; must not be changed
	Reload   Report    // the last attempt
	Files    map[string][]byte
}

// WhatIf asks how a call would be routed, without routing it.
type WhatIf struct {
	Question Question
	History  json.RawMessage   // a document for data.history in place of the live one; nil keeps the live one
	Policies map[string]string // path -> text laid over the active set; an empty text removes the file
	Explain  bool
}

// WhatIfOutcome is what the policies said to a WhatIf, before it is judged.
type WhatIfOutcome struct {
	Evaluation Evaluation
	Err        error // as Evaluator.Evaluate answers
	IsDID      func(did string) bool
	Steps      []Step
	Trace      []string
}

// WhatIfResult is the answer to a WhatIf.
type WhatIfResult struct {
	Decision Decision `json:"decision"`
	Revision string   `json:"revision"`
	Fired    []Fired  `json:"fired"`
	Read     []string `json:"read"`
	Steps    []Step   `json:"steps,omitempty"`
	Trace    []string `json:"trace,omitempty"`
}

// PoliciesError says that the policies given with a WhatIf do not load.
type PoliciesError struct{ Report Report }

func (e *PoliciesError) Error() string {
	if len(e.Report.Errors) == 0 {
		return "the policies do not load"
	}
	return "the policies do not load: " + e.Report.Errors[0].String()
}

// CallFilter selects calls; a zero field selects all. Numbers are canonical.
type CallFilter struct {
	Caller, DID, Receiver string
	Status                Status
	Reason                string
	Source                Source
	From, To              time.Time // by Call.At, From inclusive, To exclusive
	Limit                 int       // 1 to MaxPage
	Cursor                string    // CallPage.Next of the page before

	// Within ends the search for matches after so long, with what was found; zero
	// searches to the end.
	Within time.Duration
}

// DefaultPage and MaxPage bound how many calls a page holds.
const (
	DefaultPage = 50
	MaxPage     = 1000
)

// ErrBadCursor: the cursor is none that a page handed out.
var ErrBadCursor = errors.New("the cursor is not one that this server handed out; start again without it")

// CallPage is a page of calls, newest first. Next is empty on the last one.
type CallPage struct {
	Calls []*Call `json:"calls"`
	Next  string  `json:"next"`

	// Partial: the time that the filter gave was over before the page was full.
	// Next goes on where the search stopped.
	Partial bool `json:"-"`
}

// CallDetail is everything kept of one call_id. Parts that never came are nil.
type CallDetail struct {
	Call        *Call
	Decision    *DecisionRecord   // the one that counts, where the call_id came with several DIDs: the newest
	Decisions   []*DecisionRecord // every one: one for each DID, and those of 503s that were decided anew
	Completions []*Completion     // every distinct one, in order of arrival
}

// QuarantineItem is a payload that could not be understood.
type QuarantineItem struct {
	ID    string  `json:"id"`
	At    int64   `json:"-"`    // first arrival, Unix nanoseconds
	Kind  string  `json:"kind"` // "initiation" or "completion"
	Cause string  `json:"cause"`
	Count int     `json:"count"` // how often the same payload came
	Raw   Payload `json:"-"`
}

// StoreStatus is how the history store stands.
type StoreStatus struct {
	Path        string    `json:"path"`
	Bytes       int64     `json:"bytes"`
	IndexBytes  int64     `json:"index_bytes"`
	Records     uint64    `json:"records"`     // in the log
	IndexLag    uint64    `json:"index_lag"`   // records not yet written behind
	Queue       int       `json:"queue"`       // records waiting for the disk
	Dirty       int       `json:"dirty"`       // profiles and calls waiting for the index
	Rebuilding  bool      `json:"rebuilding"`  // the index is being rebuilt; history is incomplete meanwhile
	Unsaved     uint64    `json:"unsaved"`     // decisions that the disk did not take
	Error       string    `json:"error"`       // why the disk does not take records; empty when it does
	Quarantined int       `json:"quarantined"` // items held
	Decisions   uint64    `json:"decisions"`   // since start
	Completions uint64    `json:"completions"` // since start
	Conflicts   uint64    `json:"conflicts"`   // publications refused because history had changed
	InFlight    int64     `json:"in_flight"`   // calls that were decided and have neither ended nor expired
	Warnings    []Warning `json:"warnings"`

	// Retention is the age at which records are deleted; zero keeps them for ever.
	Retention time.Duration `json:"-"`

	LastDecision   int64 `json:"-"` // Unix nanoseconds; zero for none since start
	LastCompletion int64 `json:"-"`
}

package engine

import "context"

// Step is one step of the policies on the way to a decision, in the order in
// which they were tried: one that did not answer and why, or the one that did.
type Step struct {
	Name     string `json:"name"`     // such as "sticky": the recipe, the rule, or the reason it gives
	Answered bool   `json:"answered"` // at most the last one did
	Rule     string `json:"rule"`     // data.routing.step
	File     string `json:"file"`     // of the branch of that rule
	Line     int    `json:"line"`
	// Because is the expression that decided it: the innermost that did not hold
	// or, for the step that answered, the rule that made the answer.
	Because *Because `json:"because,omitempty"`
	// Text is all of it in a sentence for a person.
	Text string `json:"text"`
}

// Because is an expression of a policy with what it was about at that moment.
type Because struct {
	Rule       string            `json:"rule"`
	File       string            `json:"file"`
	Line       int               `json:"line"`
	Expression string            `json:"expression,omitempty"`
	Where      map[string]string `json:"where,omitempty"` // variables and input fields, values as JSON; "undefined" for none
	// Author is what the policy's author wrote behind the expression: the comment
	// "# else: the receiver left the team".
	Author string `json:"author,omitempty"`
}

// Walk is how an evaluation went.
type Walk struct {
	Steps []Step
	Lines []string // every rule that was tried and every expression that failed
}

// Explanation is a recorded decision once more, with how it came about.
type Explanation struct {
	CallID   string   `json:"call_id"`
	DID      string   `json:"did"`
	At       string   `json:"at"`       // RFC 3339, to the nanosecond: the evaluation time
	Revision string   `json:"revision"` // that decided; empty where none was in force
	Decision Decision `json:"decision"` // as recorded
	// Repeated is what the same revision says to the same question with the
	// history as of then; nil where it can't be asked any more.
	Repeated *Decision `json:"repeated"`
	// Same says that the repeat gave the recorded decision.
	Same bool `json:"same"`
	// Why says, where it is not the same, why not, in a sentence; and of a call
	// that circumstances decided (a timeout, too many calls) that they did.
	Why   string   `json:"why,omitempty"`
	Steps []Step   `json:"steps"`
	Read  []string `json:"read"`
	Fired []Fired  `json:"fired"`
	Trace []string `json:"trace"`
	// History says as of what the history was.
	History string `json:"history"`
}

// Explainer explains recorded decisions.
type Explainer interface {
	// Explain repeats the decision recorded for a call_id, or (did not empty) for
	// that call_id and canonical DID. It returns nil where none is recorded, and
	// fails where the history can't be read now.
	Explain(ctx context.Context, callID, did string) (*Explanation, error)
}

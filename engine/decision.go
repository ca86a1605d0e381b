package engine

import (
	"encoding/json"
	"strings"
	"time"
)

// MaxTimeout is the largest call_timeout a decision may carry, in seconds.
const MaxTimeout = 86400

// Skipped is a receiver that a policy passed over, and why.
type Skipped struct {
	Number string `json:"number"`
	Why    string `json:"why"`
}

// Answer is what a policy says at data.routing.decision, before it is judged.
type Answer struct {
	Reject  bool
	Number  string // any spelling; the Router makes it canonical
	Timeout int64  // seconds, 0 to MaxTimeout; 0 is none
	Reason  string
	Tags    map[string]string
	Skipped []Skipped
}

// Decision is what a call was answered with, and by whom.
type Decision struct {
	Reject  bool              `json:"reject,omitempty"`
	Number  string            `json:"call_forwarding_number,omitempty"` // canonical
	Timeout int64             `json:"call_timeout"`
	Reason  string            `json:"reason,omitempty"`
	Source  Source            `json:"source"`
	Cause   Cause             `json:"cause,omitempty"`
	Detail  string            `json:"detail,omitempty"` // why the policy's answer was not used, in a sentence
	Tags    map[string]string `json:"tags,omitempty"`
	Skipped []Skipped         `json:"skipped,omitempty"`
}

// Fired is a rule that took part in an evaluation.
type Fired struct {
	Rule   string         `json:"rule"` // data.routing.decision
	File   string         `json:"file"`
	Line   int            `json:"line"`
	Labels map[string]any `json:"labels,omitempty"` // from the rule's METADATA
}

// Evaluation is what an Evaluator found, whether or not it came to an answer.
type Evaluation struct {
	Answer        Answer
	Revision      string          // content hash of the policy set; empty where none is active
	Input         json.RawMessage // what the policy saw as input
	Read          []string        // history paths read, such as "history/dids/918645658689"
	Fired         []Fired
	BuiltinErrors []string
}

// Reply is what the provider gets, kept so that a retry gets the same bytes.
type Reply struct {
	Status int    `json:"status"` // HTTP status
	Type   string `json:"type"`   // Content-Type
	Body   []byte `json:"body"`
}

// DecisionRecord is a decision with everything needed to explain and repeat it:
// not the history's values, which the fold gives again as of RoutedAt.
type DecisionRecord struct {
	CallID   string `json:"call_id"` // made up, beginning with "~", where the provider sent none
	Caller   Number `json:"caller"`
	DID      Number `json:"did"`
	RoutedAt int64  `json:"routed_at"` // Unix nanoseconds; also the evaluation time
	Arrived  int64  `json:"arrived"`

	Decision   Decision   `json:"decision"`
	Evaluation Evaluation `json:"evaluation"`
	Tries      int        `json:"tries"` // evaluations it took to publish

	EvalTime time.Duration `json:"eval_ns"` // of all tries together
	Waited   time.Duration `json:"waited_ns"`

	Reply Reply   `json:"reply"`
	Raw   Payload `json:"raw"`

	// ReceiverIsNumber is false where the decision names nobody.
	ReceiverIsNumber bool `json:"receiver_is_number,omitempty"`
}

// madeUp begins the ids of calls that the provider gave none.
const madeUp = "~"

// madeUpID reports whether the provider sent no call_id. One that it sent may
// begin with the same sign; the input then has it.
func (d *DecisionRecord) madeUpID() bool {
	if !strings.HasPrefix(d.CallID, madeUp) {
		return false
	}
	var input struct {
		CallID string `json:"call_id"`
	}
	return json.Unmarshal(d.Evaluation.Input, &input) != nil || input.CallID == ""
}

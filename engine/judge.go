package engine

import (
	"errors"
	"fmt"
	"strings"
)

// Judge turns what the policies said into a decision that is safe to answer
// with: a possible number that is neither the caller nor a DID, or a fallback.
type Judge struct {
	Numbers *Numbers
	// Fallback answers where neither the policies nor the DID's own fallback do;
	// canonical, empty for none.
	Fallback string
	// DIDFallbacks are fallbacks by canonical DID.
	DIDFallbacks map[string]string
}

// HasFallback reports whether any call has a fallback, be it one DID's alone.
func (j *Judge) HasFallback() bool { return j.Fallback != "" || len(j.DIDFallbacks) > 0 }

// Decide judges an evaluation. err is what Evaluator.Evaluate answered; isDID
// tells whether a canonical DID is one of ours.
func (j *Judge) Decide(q Question, ev Evaluation, err error, isDID func(string) bool) Decision {
	if err != nil {
		return j.FallBack(q, causeOf(err), err.Error())
	}
	a := ev.Answer
	d := Decision{Reason: a.Reason, Tags: a.Tags, Skipped: a.Skipped}
	if a.Reject {
		d.Reject, d.Source = true, SourceRejected
		return d
	}
	number := j.Numbers.Person(a.Number)
	if cause, why := j.refuse(q, number, a.Timeout, isDID); cause != "" {
		fb := j.FallBack(q, cause, why)
		fb.Tags, fb.Skipped = a.Tags, a.Skipped
		return fb
	}
	d.Number, d.Timeout, d.Source = number.Canonical, a.Timeout, SourcePolicy
	return d
}

// refuse says why an answer must not be given to the provider; an empty cause
// is consent.
func (j *Judge) refuse(q Question, number Number, timeout int64, isDID func(string) bool) (Cause, string) {
	did := strings.TrimPrefix(number.E164, "+")
	switch {
	case !number.Valid:
		return CauseInvalid, fmt.Sprintf("call_forwarding_number %q is not a possible phone number", number.Raw)
	case timeout < 0 || timeout > MaxTimeout:
		return CauseInvalid, fmt.Sprintf("call_timeout %d is not between 0 and %d seconds", timeout, MaxTimeout)
	case q.Caller.Valid && q.Caller.E164 == number.E164:
		return CauseInvalid, fmt.Sprintf("call_forwarding_number %q is the caller's own number", number.Raw)
	case did == q.DID.Canonical:
		return CauseLoop, fmt.Sprintf("call_forwarding_number %q is the DID that was called", number.Raw)
	case isDID(did):
		return CauseLoop, fmt.Sprintf("call_forwarding_number %q is a DID, so the call would come back", number.Raw)
	}
	return "", ""
}

// FallBack is the decision where the policies gave none that can be used.
func (j *Judge) FallBack(q Question, cause Cause, detail string) Decision {
	d := Decision{Cause: cause, Detail: detail}
	own, global := j.DIDFallbacks[q.DID.Canonical], j.Fallback
	// Ringing the caller back on their own line reaches nobody, so such a
	// fallback stands back behind the other one.
	if own != "" && global != "" && own == q.Caller.Canonical {
		own = ""
	}
	switch {
	case own != "":
		d.Number, d.Source = own, SourceDIDFallback
	case global != "":
		d.Number, d.Source = global, SourceFallback
	default:
		d.Source = SourceNone
	}
	if cause == CauseOverload && d.Source != SourceNone {
		d.Source = SourceShed
	}
	d.Reason = string(d.Source)
	return d
}

func causeOf(err error) Cause {
	var invalid *InvalidError
	switch {
	case errors.Is(err, ErrUndefined):
		return CauseUndefined
	case errors.Is(err, ErrTimeout):
		return CauseTimeout
	case errors.Is(err, ErrNoPolicy):
		return CauseNoPolicy
	case errors.As(err, &invalid):
		return CauseInvalid
	}
	return CauseError
}

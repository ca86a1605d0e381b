package hangup

import (
	"fmt"
	"strings"
	"unicode"
)

// Kind is why a call was not hung up.
type Kind string

// The kinds.
const (
	NoKey       Kind = "no_key"      // none is configured
	BadKey      Kind = "bad_key"     // code 1002
	NoCall      Kind = "no_call"     // code 1040
	BadRequest  Kind = "bad_request" // code 1009
	Provider    Kind = "provider"    // code 1000, or one that is not documented
	Late        Kind = "late"        // no answer in time
	Unreachable Kind = "unreachable"
	Unexpected  Kind = "unexpected" // an answer that is none of the API's
)

// Error says why a call was not hung up, and what to do.
type Error struct {
	Kind   Kind
	Code   int    // the provider's; 0 for none
	Reason string // the provider's own words
	Status int    // of its HTTP reply; 0 for none
	cause  error
}

func (e *Error) Error() string {
	switch e.Kind {
	case NoKey:
		return "No key for the provider's API is configured, so no call can be hung up. Set --alohaa-key-file."
	case BadKey:
		return "The provider refuses the API key (1002). Compare --alohaa-key with the one in its dashboard."
	case NoCall:
		return "The provider knows no active call with this id (1040): it is over already, or it is another account's."
	case BadRequest:
		return "The provider did not understand the request (1009). Check that the call_id is the provider's own."
	case Late:
		return "The provider did not answer in time, and the call may have been hung up or not. Look at the call, then try again."
	case Unreachable:
		return "The provider's API cannot be reached. Check --alohaa-url and the network, then try again."
	case Unexpected:
		return fmt.Sprintf("The provider's answer (HTTP %d) is none of its hangup API's. Check --alohaa-url.", e.Status)
	}
	return fmt.Sprintf("The provider failed (code %d%s). Try again.", e.Code, quoted(e.Reason))
}

func (e *Error) Unwrap() error { return e.cause }

// Certain reports whether the call was not hung up for certain: the provider said
// so, or was not asked. Else nobody knows.
func (e *Error) Certain() bool {
	switch e.Kind {
	case Late, Unreachable, Unexpected:
		return false
	}
	return true
}

func kindOf(code int) Kind {
	switch code {
	case 1002:
		return BadKey
	case 1009:
		return BadRequest
	case 1040:
		return NoCall
	}
	return Provider
}

// quoted is what the provider said, as far as a sentence can hold it.
func quoted(reason string) string {
	const most = 120
	reason = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(reason, "?"))
	if runes := []rune(reason); len(runes) > most {
		reason = string(runes[:most]) + "…"
	}
	if reason == "" {
		return ""
	}
	return ", " + reason
}

package alohaa

import (
	"fmt"
	"strings"

	"switchboard/engine"
)

// Parser reads the provider's requests. It is safe for concurrent use.
type Parser struct {
	Numbers *engine.Numbers
}

// Initiation reads "get receiver details"; arrived is in Unix nanoseconds. A
// missing caller or call_id is no error. The error is an *UnreadableError:
// no payload, no DID, or a field over its limit.
func (p Parser) Initiation(r Request, arrived int64) (*engine.Initiation, error) {
	raw := r.Payload()
	f, err := decode(raw)
	if err != nil {
		return nil, err
	}
	id := f.take("call_id")
	caller := f.spelled(anyText, "caller_number")
	did := p.Numbers.DID(f.spelled(anyText, "did", "did_number"))
	if err := limit("did", strings.TrimSpace(did.Raw), engine.MaxCaller); err != nil {
		return nil, err
	}
	if did.Anonymous {
		return nil, &UnreadableError{Cause: CauseNoDID, Message: "the initiation names no DID; send the dialled number as did (or did_number)"}
	}
	if err := limit("caller_number", strings.TrimSpace(caller), engine.MaxCaller); err != nil {
		err.DID = did
		return nil, err
	}
	in := &engine.Initiation{CallID: id, Caller: p.Numbers.Person(caller), DID: did, Arrived: arrived, Raw: raw}
	if err := limit("call_id", id, engine.MaxCallID); err != nil {
		err.Caller, err.DID = in.Caller, did
		return nil, err
	}
	return in, nil
}

// Completion reads "send call details"; arrived is in Unix nanoseconds. Only
// call_id must be there. A value that can't be read counts as unknown and stays
// in Extra as it came. The error is an *UnreadableError.
func (p Parser) Completion(r Request, arrived int64) (*engine.Completion, error) {
	raw := r.Payload()
	f, err := decode(raw)
	if err != nil {
		return nil, err
	}
	c := &engine.Completion{CallID: f.take("call_id"), Arrived: arrived, Raw: raw}
	if c.CallID == "" {
		return nil, &UnreadableError{Cause: CauseNoCallID, Message: "the completion names no call; send the initiation's call_id"}
	}
	if err := limit("call_id", c.CallID, engine.MaxCallID); err != nil {
		return nil, err
	}
	c.Caller = p.Numbers.Person(f.spelled(short, "caller_number"))
	c.Receiver = p.Numbers.Person(f.spelled(short, "receiver_number"))
	c.DID = p.Numbers.DID(f.spelled(short, "did", "did_number"))
	c.Status = read(f, status, "call_status")
	c.Duration = read(f, duration, "call_duration")
	c.ReceivedAt = read(f, instant, "received_at")
	c.AnsweredAt = read(f, instant, "answered_at")
	c.EndedAt = read(f, instant, "ended_at")
	c.HangupCause = read(f, cause, "hangup_cause")
	c.RecordingURL = f.take("call_recording_url", "recording_url")
	if len(f) > 0 {
		c.Extra = f
	}
	return c, nil
}

// limit refuses a field over its bound in bytes.
func limit(name, value string, most int) *UnreadableError {
	if len(value) <= most {
		return nil
	}
	return &UnreadableError{Cause: CauseTooLong, Message: fmt.Sprintf("%s has %d bytes; send at most %d", name, len(value), most)}
}

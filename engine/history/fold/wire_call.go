package fold

import (
	"encoding/binary"

	"switchboard/engine"
)

// The lowest six bits of a call's head are its status and source; these follow.
const (
	headCallerIsNumber = 1 << (iota + 6)
	headDIDIsNumber
	headReceiverIsNumber
	headRouted
	headReceived
	headEnded
	headArrived
	headDuration
	headSameCaller // as in the call before
	headSameDID
	headSameReceiver
	headSameReason
	headSameHangup
)

// appendCall writes a call as it differs from the one before it.
func appendCall(dst []byte, c, prev *engine.Call) []byte {
	status, source := code(statuses[:], c.Status), code(sources[:], c.Source)
	head := status | source<<3 | bits(
		c.CallerIsNumber, c.DIDIsNumber, c.ReceiverIsNumber,
		c.RoutedAt != 0, c.ReceivedAt != 0, c.EndedAt != 0, c.Arrived != 0, c.Duration != engine.NoDuration,
		c.Caller == prev.Caller, c.DID == prev.DID, c.Receiver == prev.Receiver,
		c.Reason == prev.Reason, c.HangupCause == prev.HangupCause,
	)<<6
	dst = binary.AppendUvarint(dst, head)
	dst = appendSpelled(appendSpelled(dst, status, c.Status), source, c.Source)
	dst = appendString(dst, c.CallID)
	for _, s := range [...]struct {
		same uint64
		text string
	}{
		{headSameCaller, c.Caller}, {headSameDID, c.DID}, {headSameReceiver, c.Receiver},
		{headSameReason, c.Reason}, {headSameHangup, c.HangupCause},
	} {
		if head&s.same == 0 {
			dst = appendString(dst, s.text)
		}
	}
	// Each time lies near the one before it.
	near := prev.At()
	for _, t := range [...]int64{c.RoutedAt, c.ReceivedAt, c.EndedAt, c.Arrived} {
		if t != 0 {
			dst = binary.AppendVarint(dst, t-near)
			near = t
		}
	}
	if c.Duration != engine.NoDuration {
		dst = binary.AppendVarint(dst, c.Duration)
	}
	return dst
}

func (r *reader) call(c, prev *engine.Call) {
	head := r.uint()
	c.Status = decoded(r, statuses[:], head&7)
	c.Source = decoded(r, sources[:], head>>3&7)
	c.CallerIsNumber = head&headCallerIsNumber != 0
	c.DIDIsNumber = head&headDIDIsNumber != 0
	c.ReceiverIsNumber = head&headReceiverIsNumber != 0
	c.CallID = r.string()
	c.Caller = r.text(head&headSameCaller != 0, prev.Caller)
	c.DID = r.text(head&headSameDID != 0, prev.DID)
	c.Receiver = r.text(head&headSameReceiver != 0, prev.Receiver)
	c.Reason = r.text(head&headSameReason != 0, prev.Reason)
	c.HangupCause = r.text(head&headSameHangup != 0, prev.HangupCause)
	near := prev.At()
	c.RoutedAt = r.time(head&headRouted != 0, &near)
	c.ReceivedAt = r.time(head&headReceived != 0, &near)
	c.EndedAt = r.time(head&headEnded != 0, &near)
	c.Arrived = r.time(head&headArrived != 0, &near)
	c.Duration = engine.NoDuration
	if head&headDuration != 0 {
		c.Duration = r.int()
	}
}

func (r *reader) text(same bool, prev string) string {
	if same {
		return prev
	}
	return r.string()
}

func (r *reader) time(present bool, near *int64) int64 {
	if !present {
		return 0
	}
	*near += r.int()
	return *near
}

package stats

import (
	"encoding/binary"
	"errors"
	"strings"
	"time"

	"switchboard/engine"
	"switchboard/engine/history/fold"
)

// errCorrupt: bytes that this package did not write.
var errCorrupt = errors.New(`the index holds statistics that are not in their format; rebuild it with "switchboard db rebuild"`)

// maxReason bounds a reason in bytes; a longer one is cut for statistics.
const maxReason = 256

// Cell names a sum.
type Cell struct {
	Hour                  Hour
	DID, Receiver, Reason string // empty for none, and where there is no number
}

// Hour is a local hour, counted from midnight of 1970-01-01.
type Hour int32

// HourAt is the local hour of a moment in Unix nanoseconds; nil is UTC.
func HourAt(ns int64, zone *time.Location) Hour {
	t := time.Unix(0, ns).UTC()
	offset := 0
	if zone != nil {
		_, offset = t.In(zone).Zone()
	}
	return Hour(floorDiv(t.Unix()+int64(offset), 3600))
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// Day is the hour's local date, counted in days from 1970-01-01.
func (h Hour) Day() int64 { return floorDiv(int64(h), 24) }

// Clock is the hour of the day, 0 to 23.
func (h Hour) Clock() int { return int(int64(h) - 24*h.Day()) }

// Weekday is the weekday of the hour's date.
func (h Hour) Weekday() time.Weekday { return time.Weekday(((h.Day()+4)%7 + 7) % 7) }

// Bytes is the hour as a key, in order.
func (h Hour) Bytes() []byte { return binary.BigEndian.AppendUint32(nil, uint32(h)^1<<31) }

// HourOf reads what Bytes wrote.
func HourOf(b []byte) (Hour, error) {
	if len(b) != 4 {
		return 0, errCorrupt
	}
	return Hour(binary.BigEndian.Uint32(b) ^ 1<<31), nil
}

// CellOf is the cell that a call stands in.
func CellOf(c *engine.Call, zone *time.Location) Cell {
	cell := Cell{Hour: HourAt(c.At(), zone), Reason: c.Reason[:min(len(c.Reason), maxReason)]}
	if c.DIDIsNumber {
		cell.DID = c.DID
	}
	if c.ReceiverIsNumber {
		cell.Receiver = c.Receiver
	}
	return cell
}

// Key is the cell as a text; cells in one hour have keys with the same first
// four bytes.
func (c Cell) Key() string {
	var b strings.Builder
	b.Grow(4 + len(c.DID) + len(c.Receiver) + len(c.Reason) + 2)
	b.Write(c.Hour.Bytes())
	b.WriteString(c.DID)
	b.WriteByte(0)
	b.WriteString(c.Receiver)
	b.WriteByte(0)
	b.WriteString(c.Reason)
	return b.String()
}

// ParseKey reads what Key wrote.
func ParseKey(key string) (Cell, error) {
	if len(key) < 4 {
		return Cell{}, errCorrupt
	}
	hour, err := HourOf([]byte(key[:4]))
	did, rest, ok := strings.Cut(key[4:], "\x00")
	receiver, reason, also := strings.Cut(rest, "\x00")
	if err != nil || !ok || !also {
		return Cell{}, errCorrupt
	}
	return Cell{hour, did, receiver, reason}, nil
}

// Tally is a sum of calls. What of Offered is in none of the next three has no
// completion.
type Tally struct {
	Offered, Answered, Unanswered, Other int64
	Rejected, Unrouted                   int64 // not offered
	Talk                                 int64 // seconds
}

// Of is the tally of one call.
func Of(c *engine.Call) Tally {
	switch {
	case c.Status == engine.StatusRejected:
		return Tally{Rejected: 1}
	case !fold.Counted(c):
		return Tally{Unrouted: 1}
	}
	t := Tally{Offered: 1}
	switch c.Status {
	case engine.StatusAnswered:
		t.Answered, t.Talk = 1, max(c.Duration, 0)
	case engine.StatusNotAnswered:
		t.Unanswered = 1
	case engine.StatusOther:
		t.Other = 1
	}
	return t
}

// fields are the numbers of a tally, in the order of their encoding.
func (t *Tally) fields() [7]*int64 {
	return [...]*int64{&t.Offered, &t.Answered, &t.Unanswered, &t.Other, &t.Rejected, &t.Unrouted, &t.Talk}
}

// add adds u, or subtracts it with sign -1.
func (t *Tally) add(u *Tally, sign int64) {
	t.Offered += sign * u.Offered
	t.Answered += sign * u.Answered
	t.Unanswered += sign * u.Unanswered
	t.Other += sign * u.Other
	t.Rejected += sign * u.Rejected
	t.Unrouted += sign * u.Unrouted
	t.Talk += sign * u.Talk
}

// Plus returns the tally with a call more, and Minus with one less: nil for a
// sum of nothing, as the tally itself may be. t does not change.
func (t *Tally) Plus(c *engine.Call) *Tally { return t.sum(c, +1) }

// Minus is the opposite of Plus.
func (t *Tally) Minus(c *engine.Call) *Tally { return t.sum(c, -1) }

func (t *Tally) sum(c *engine.Call, sign int64) *Tally {
	out, one := Tally{}, Of(c)
	if t != nil {
		out = *t
	}
	out.add(&one, sign)
	if out == (Tally{}) {
		return nil
	}
	return &out
}

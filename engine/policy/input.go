package policy

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"math/rand/v2"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/open-policy-agent/opa/v1/ast"

	"switchboard/engine"
)

// Buckets is how many buckets calls and callers are spread over, for
// percentage splits: input.bucket and input.caller_bucket are below it.
const Buckets = 10000

var weekdays = [...]string{"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"}

var (
	keyInputCaller, keyTime                = key("caller"), key("time")
	keyBucket, keyCallerBucket             = key("bucket"), key("caller_bucket")
	keyRaw, keyE164, keyCountry            = key("raw"), key("e164"), key("country")
	keyValid, keyAnonymous                 = key("valid"), key("anonymous")
	keyUnix, keyNS, keyRFC3339             = key("unix"), key("ns"), key("rfc3339")
	keyZone, keyDate, keyWeekday           = key("zone"), key("date"), key("weekday")
	keyHour, keyMinute, keyClock           = key("hour"), key("minute"), key("clock")
	termTrue, termFalse          *ast.Term = ast.InternedTerm(true), ast.InternedTerm(false)
)

// clock is a call's time as the policy sees it, in its texts.
type clock struct {
	at      time.Time // in the zone of the server's configuration
	rfc3339 string
	unix    string
	ns      string
}

func newClock(at time.Time, zone *time.Location) clock {
	at = at.In(zone)
	ns := strconv.FormatInt(at.UnixNano(), 10)
	return clock{
		at:      at,
		rfc3339: at.Format(time.RFC3339),
		unix:    strconv.FormatInt(at.Unix(), 10),
		ns:      ns,
	}
}

// The date and the clock are pieces of the RFC 3339 text: years beyond 9999 do
// not occur.
func (c *clock) date() string    { return c.rfc3339[:len("2006-01-02")] }
func (c *clock) hhmm() string    { return c.rfc3339[len("2006-01-02T"):len("2006-01-02T15:04")] }
func (c *clock) weekday() string { return weekdays[c.at.Weekday()] }

// question is an engine.Question with everything derived from it that an
// evaluation needs.
type question struct {
	engine.Question
	clock
	zone         *ast.Term
	bucket       int64
	callerBucket int64
	seed         [sha256.Size]byte
}

func newQuestion(q engine.Question, zone *time.Location, zoneName *ast.Term) *question {
	x := &question{Question: q, clock: newClock(q.At, zone), zone: zoneName}
	x.seed = sha256.Sum256([]byte(q.CallID))
	x.bucket = bucketOf(x.seed)
	x.callerBucket = x.bucket
	if q.Caller.Valid {
		x.callerBucket = bucketOf(sha256.Sum256([]byte(q.Caller.Canonical)))
	}
	return x
}

func bucketOf(sum [sha256.Size]byte) int64 {
	return int64(binary.BigEndian.Uint64(sum[:8]) % Buckets)
}

// value is the policy's input.
func (q *question) value() ast.Value {
	b := make(block, 0, 13)
	return ast.NewObject(
		ast.Item(keyCallID, b.text(q.CallID)),
		ast.Item(keyCaller, b.text(q.Caller.Canonical)),
		ast.Item(keyDID, b.text(q.DID.Canonical)),
		ast.Item(keyInputCaller, b.term(ast.NewObject(
			ast.Item(keyRaw, b.text(q.Caller.Raw)),
			ast.Item(keyE164, b.text(q.Caller.E164)),
			ast.Item(keyCountry, b.text(q.Caller.Country)),
			ast.Item(keyValid, boolTerm(q.Caller.Valid)),
			ast.Item(keyAnonymous, boolTerm(q.Caller.Anonymous)),
		))),
		ast.Item(keyTime, b.term(ast.NewObject(
			ast.Item(keyUnix, b.term(ast.Number(q.unix))),
			ast.Item(keyNS, b.term(ast.Number(q.ns))),
			ast.Item(keyRFC3339, b.text(q.rfc3339)),
			ast.Item(keyZone, q.zone),
			ast.Item(keyDate, b.text(q.date())),
			ast.Item(keyWeekday, wordTerm(q.weekday())),
			ast.Item(keyHour, intTerm(int64(q.at.Hour()))),
			ast.Item(keyMinute, intTerm(int64(q.at.Minute()))),
			ast.Item(keyClock, b.text(q.hhmm())),
		))),
		ast.Item(keyBucket, intTerm(q.bucket)),
		ast.Item(keyCallerBucket, intTerm(q.callerBucket)),
	)
}

func boolTerm(b bool) *ast.Term {
	if b {
		return termTrue
	}
	return termFalse
}

// json is the same as value, for the decision's record. It is written by hand:
// encoding an ast.Value costs more than the evaluation's own overhead.
func (q *question) json() json.RawMessage {
	b := make([]byte, 0, 448+len(q.CallID)+2*len(q.Caller.Raw))
	b = appendString(append(b, `{"call_id":`...), q.CallID)
	b = appendString(append(b, `,"caller_number":`...), q.Caller.Canonical)
	b = appendString(append(b, `,"did":`...), q.DID.Canonical)
	b = appendString(append(b, `,"caller":{"raw":`...), q.Caller.Raw)
	b = appendString(append(b, `,"e164":`...), q.Caller.E164)
	b = appendString(append(b, `,"country":`...), q.Caller.Country)
	b = strconv.AppendBool(append(b, `,"valid":`...), q.Caller.Valid)
	b = strconv.AppendBool(append(b, `,"anonymous":`...), q.Caller.Anonymous)
	b = append(append(b, `},"time":{"unix":`...), q.unix...)
	b = append(append(b, `,"ns":`...), q.ns...)
	b = appendString(append(b, `,"rfc3339":`...), q.rfc3339)
	b = appendString(append(b, `,"zone":`...), string(q.zone.Value.(ast.String)))
	b = appendString(append(b, `,"date":`...), q.date())
	b = appendString(append(b, `,"weekday":`...), q.weekday())
	b = strconv.AppendInt(append(b, `,"hour":`...), int64(q.at.Hour()), 10)
	b = strconv.AppendInt(append(b, `,"minute":`...), int64(q.at.Minute()), 10)
	b = appendString(append(b, `,"clock":`...), q.hhmm())
	b = strconv.AppendInt(append(b, `},"bucket":`...), q.bucket, 10)
	b = strconv.AppendInt(append(b, `,"caller_bucket":`...), q.callerBucket, 10)
	return append(b, '}')
}

// appendString appends s as a JSON string. Nearly every value here is plain
// ASCII; whatever is not takes the encoder's way.
func appendString(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			quoted, err := json.Marshal(s)
			if err != nil { // strings always encode
				panic(err)
			}
			return append(b, quoted...)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}

// seedReader is the source of a policy's random numbers: an endless stream that
// the call_id determines, so that a repeated decision draws the same.
type seedReader struct {
	seed   [sha256.Size]byte
	stream *rand.ChaCha8 // made on the first read; most policies draw nothing
}

func (r *seedReader) Read(p []byte) (int, error) {
	if r.stream == nil {
		r.stream = rand.NewChaCha8(r.seed)
	}
	return r.stream.Read(p)
}

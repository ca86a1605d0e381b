package policy

import (
	"strconv"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/storage"

	"switchboard/engine"
)

// A profile holds twenty calls and a month of days, and most policies ask it
// for one number. So the values below are made by path: only what was asked
// for is built.

// key is the name of a field as a term that every object shares.
func key(name string) *ast.Term { return ast.StringTerm(name) }

var (
	keyCallID, keyCaller, keyDID        = key("call_id"), key("caller_number"), key("did")
	keyReceiver, keyStatus              = key("receiver_number"), key("status")
	keyRoutedAt, keyReceivedAt          = key("routed_at"), key("received_at")
	keyEndedAt, keyDuration             = key("ended_at"), key("duration_seconds")
	keyReason, keySource, keyHangup     = key("reason"), key("source"), key("hangup_cause")
	keyCalls, keyInFlight, keyStreak    = key("calls"), key("in_flight"), key("unanswered_streak")
	keyTotals, keyDays, keyLastByReason = key("totals"), key("days"), key("last_by_reason")
	keyLastOffered, keyLastAnswered     = key("last_offered"), key("last_answered")
	keyOffered, keyAnswered             = key("offered"), key("answered")
	keyUnanswered, keyOther             = key("unanswered"), key("other")
	keyExpired, keyTalkSeconds          = key("expired"), key("talk_seconds")
)

// words are the texts that calls repeat; their terms are shared.
var words = func() map[string]*ast.Term {
	m := map[string]*ast.Term{"": ast.StringTerm("")}
	for _, s := range []engine.Status{engine.StatusInFlight, engine.StatusAnswered, engine.StatusNotAnswered,
		engine.StatusOther, engine.StatusExpired, engine.StatusRejected} {
		m[string(s)] = ast.StringTerm(string(s))
	}
	for _, s := range []engine.Source{engine.SourcePolicy, engine.SourceDIDFallback, engine.SourceFallback,
		engine.SourceShed, engine.SourceRejected, engine.SourceNone} {
		m[string(s)] = ast.StringTerm(string(s))
	}
	for d := time.Sunday; d <= time.Saturday; d++ {
		m[weekdays[d]] = ast.StringTerm(weekdays[d])
	}
	return m
}()

// block makes the terms of one object in one piece of memory: they come and go
// together.
type block []ast.Term

func (b *block) term(v ast.Value) *ast.Term {
	*b = append(*b, ast.Term{Value: v})
	return &(*b)[len(*b)-1]
}

func (b *block) text(s string) *ast.Term { return b.term(ast.String(s)) }

// seconds is a moment in whole Unix seconds, null where it is unknown.
func (b *block) seconds(ns int64) *ast.Term {
	if ns == 0 {
		return ast.InternedNullTerm
	}
	return b.term(ast.Number(strconv.FormatInt(time.Unix(0, ns).Unix(), 10)))
}

func wordTerm(s string) *ast.Term {
	if t, ok := words[s]; ok {
		return t
	}
	return ast.StringTerm(s)
}

func intTerm(n int64) *ast.Term {
	if ast.HasInternedIntNumberTerm(int(n)) {
		return ast.InternedTerm(int(n))
	}
	return &ast.Term{Value: ast.Number(strconv.FormatInt(n, 10))}
}

func durationTerm(seconds int64) *ast.Term {
	if seconds == engine.NoDuration {
		return ast.InternedNullTerm
	}
	return intTerm(seconds)
}

// scalar is the value of t where the path ends there: nothing lies below a
// number or a text.
func scalar(t *ast.Term, rest storage.Path) (ast.Value, error) {
	if len(rest) > 0 {
		return nil, errNotFound
	}
	return t.Value, nil
}

// profileValue is what lies at path in a profile; nil is a number never seen.
func profileValue(p *engine.Profile, path storage.Path) (ast.Value, error) {
	if p == nil {
		return nil, errNotFound
	}
	if len(path) == 0 {
		return profileObject(p), nil
	}
	rest := path[1:]
	switch path[0] {
	case "calls":
		return callsValue(p.Calls, rest)
	case "in_flight":
		return scalar(intTerm(p.InFlight), rest)
	case "unanswered_streak":
		return scalar(intTerm(p.UnansweredStreak), rest)
	case "totals":
		return totalsValue(&p.Totals, rest)
	case "days":
		return daysValue(p.Days, rest)
	case "last_offered":
		return callValue(p.LastOffered, rest)
	case "last_answered":
		return callValue(p.LastAnswered, rest)
	case "last_by_reason":
		if len(rest) == 0 {
			return reasonsObject(p.LastByReason), nil
		}
		return callValue(p.LastByReason[rest[0]], rest[1:])
	}
	return nil, errNotFound
}

func profileObject(p *engine.Profile) ast.Value {
	calls, _ := callsValue(p.Calls, nil)
	days, _ := daysValue(p.Days, nil)
	items := make([][2]*ast.Term, 0, 8)
	items = append(items,
		ast.Item(keyCalls, ast.NewTerm(calls)),
		ast.Item(keyInFlight, intTerm(p.InFlight)),
		ast.Item(keyStreak, intTerm(p.UnansweredStreak)),
		ast.Item(keyTotals, totalsTerm(&p.Totals)),
		ast.Item(keyDays, ast.NewTerm(days)),
		ast.Item(keyLastByReason, ast.NewTerm(reasonsObject(p.LastByReason))),
	)
	if p.LastOffered != nil {
		items = append(items, ast.Item(keyLastOffered, callTerm(p.LastOffered)))
	}
	if p.LastAnswered != nil {
		items = append(items, ast.Item(keyLastAnswered, callTerm(p.LastAnswered)))
	}
	return ast.NewObject(items...)
}

func reasonsObject(byReason map[string]*engine.Call) ast.Value {
	items := make([][2]*ast.Term, 0, len(byReason))
	for reason, c := range byReason {
		items = append(items, ast.Item(wordTerm(reason), callTerm(c)))
	}
	return ast.NewObject(items...)
}

func callsValue(calls []*engine.Call, path storage.Path) (ast.Value, error) {
	if len(path) > 0 {
		i, err := strconv.Atoi(path[0])
		if err != nil || i < 0 || i >= len(calls) {
			return nil, errNotFound
		}
		return callValue(calls[i], path[1:])
	}
	terms := make([]*ast.Term, len(calls))
	for i, c := range calls {
		terms[i] = callTerm(c)
	}
	return ast.NewArray(terms...), nil
}

func daysValue(days []engine.Day, path storage.Path) (ast.Value, error) {
	if len(path) > 0 {
		for i := range days {
			if days[i].Date == path[0] {
				return totalsValue(&days[i].Totals, path[1:])
			}
		}
		return nil, errNotFound
	}
	items := make([][2]*ast.Term, len(days))
	for i := range days {
		items[i] = ast.Item(ast.StringTerm(days[i].Date), totalsTerm(&days[i].Totals))
	}
	return ast.NewObject(items...), nil
}

func totalsTerm(t *engine.Totals) *ast.Term {
	return ast.ObjectTerm(
		ast.Item(keyOffered, intTerm(t.Offered)),
		ast.Item(keyAnswered, intTerm(t.Answered)),
		ast.Item(keyUnanswered, intTerm(t.Unanswered)),
		ast.Item(keyOther, intTerm(t.Other)),
		ast.Item(keyExpired, intTerm(t.Expired)),
		ast.Item(keyTalkSeconds, intTerm(t.TalkSeconds)),
	)
}

func totalsValue(t *engine.Totals, path storage.Path) (ast.Value, error) {
	if len(path) == 0 {
		return totalsTerm(t).Value, nil
	}
	var n int64
	switch path[0] {
	case "offered":
		n = t.Offered
	case "answered":
		n = t.Answered
	case "unanswered":
		n = t.Unanswered
	case "other":
		n = t.Other
	case "expired":
		n = t.Expired
	case "talk_seconds":
		n = t.TalkSeconds
	default:
		return nil, errNotFound
	}
	return scalar(intTerm(n), path[1:])
}

func callTerm(c *engine.Call) *ast.Term {
	b := make(block, 0, 8)
	return b.term(ast.NewObject(
		ast.Item(keyCallID, b.text(c.CallID)),
		ast.Item(keyCaller, b.text(c.Caller)),
		ast.Item(keyDID, b.text(c.DID)),
		ast.Item(keyReceiver, b.text(c.Receiver)),
		ast.Item(keyStatus, wordTerm(string(c.Status))),
		ast.Item(keyRoutedAt, b.seconds(c.RoutedAt)),
		ast.Item(keyReceivedAt, b.seconds(c.ReceivedAt)),
		ast.Item(keyEndedAt, b.seconds(c.EndedAt)),
		ast.Item(keyDuration, durationTerm(c.Duration)),
		ast.Item(keyReason, wordTerm(c.Reason)),
		ast.Item(keySource, wordTerm(string(c.Source))),
		ast.Item(keyHangup, wordTerm(c.HangupCause)),
	))
}

// callValue is what lies at path in a call; nil is a call that never was.
func callValue(c *engine.Call, path storage.Path) (ast.Value, error) {
	if c == nil {
		return nil, errNotFound
	}
	if len(path) == 0 {
		return callTerm(c).Value, nil
	}
	var t *ast.Term
	switch path[0] {
	case "call_id":
		t = ast.StringTerm(c.CallID)
	case "caller_number":
		t = ast.StringTerm(c.Caller)
	case "did":
		t = ast.StringTerm(c.DID)
	case "receiver_number":
		t = ast.StringTerm(c.Receiver)
	case "status":
		t = wordTerm(string(c.Status))
	case "routed_at":
		t = new(block).seconds(c.RoutedAt)
	case "received_at":
		t = new(block).seconds(c.ReceivedAt)
	case "ended_at":
		t = new(block).seconds(c.EndedAt)
	case "duration_seconds":
		t = durationTerm(c.Duration)
	case "reason":
		t = wordTerm(c.Reason)
	case "source":
		t = wordTerm(string(c.Source))
	case "hangup_cause":
		t = wordTerm(c.HangupCause)
	default:
		return nil, errNotFound
	}
	return scalar(t, path[1:])
}

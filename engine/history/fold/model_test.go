package fold

import (
	"maps"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"switchboard/engine"
)

// book is the smallest store there is: groups by call_id, profiles by number.
type book struct {
	rules    Rules
	groups   map[string]*Group
	profiles map[Key]*Profile
}

func newBook(r Rules) *book {
	return &book{rules: r, groups: map[string]*Group{}, profiles: map[Key]*Profile{}}
}

func (b *book) fold(e Entry) engine.CompletionResult {
	id := e.callID()
	after, result := b.groups[id].With(e)
	for _, ch := range Diff(b.groups[id], after) {
		b.replace(ch.Old, ch.New)
	}
	b.groups[id] = after
	return result
}

func (e Entry) callID() string {
	if e.Decision != nil {
		return e.Decision.CallID
	}
	return e.Completion.CallID
}

func (b *book) replace(old, new *engine.Call) {
	keys := map[Key]bool{}
	for _, c := range []*engine.Call{old, new} {
		if c == nil {
			continue
		}
		for _, k := range Keys(c) {
			keys[k] = true
		}
	}
	for k := range keys {
		if p := b.profiles[k].Replace(k, old, new, b.rules); p != nil {
			b.profiles[k] = p
		} else {
			delete(b.profiles, k)
		}
	}
}

func (b *book) calls() []*engine.Call {
	var all []*engine.Call
	for _, g := range b.groups {
		all = append(all, g.Calls()...)
	}
	return all
}

// recode sends everything through its encoding.
func (b *book) recode(t fataler) {
	t.Helper()
	for id, g := range b.groups {
		got, err := DecodeGroup(AppendGroup(nil, g))
		if err != nil {
			t.Fatalf("group %s: %v", id, err)
		}
		b.groups[id] = got
	}
	for k, p := range b.profiles {
		got, err := DecodeProfile(AppendProfile(nil, p))
		if err != nil {
			t.Fatalf("profile %v: %v", k, err)
		}
		b.profiles[k] = got
	}
}

type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

// at shows every profile at a moment.
func (b *book) at(now int64) map[Key]*engine.Profile {
	out := map[Key]*engine.Profile{}
	for k, p := range b.profiles {
		out[k] = p.At(now, b.rules)
	}
	return out
}

// model says what all profiles must be, from all calls at once, by the letter of
// the contract and with no regard for cost.
func model(calls []*engine.Call, now int64, r Rules) map[Key]*engine.Profile {
	byKey := map[Key][]*engine.Call{}
	for _, c := range calls {
		if c.Status == engine.StatusRejected || c.Source == engine.SourceNone {
			continue
		}
		c = Resolve(c, now, r.TTL)
		for k, isNumber := range map[Key]bool{
			{engine.Callers, c.Caller}:     c.CallerIsNumber,
			{engine.Receivers, c.Receiver}: c.ReceiverIsNumber,
			{engine.DIDs, c.DID}:           c.DIDIsNumber,
		} {
			if isNumber {
				byKey[k] = append(byKey[k], c)
			}
		}
	}
	out := map[Key]*engine.Profile{}
	for k, calls := range byKey {
		out[k] = modelProfile(calls, r)
	}
	return out
}

func modelProfile(calls []*engine.Call, r Rules) *engine.Profile {
	slices.SortFunc(calls, func(c, d *engine.Call) int {
		switch {
		case c.Newer(d):
			return -1
		case d.Newer(c):
			return 1
		case c.DID > d.DID: // one call_id, one moment, two DIDs
			return -1
		}
		return 1
	})
	p := &engine.Profile{Calls: calls[:min(len(calls), 20)]}
	days := map[string]*engine.Totals{}
	for _, c := range calls {
		date := time.Unix(0, c.At()).In(r.Zone).Format("2006-01-02")
		if days[date] == nil {
			days[date] = &engine.Totals{}
		}
		modelCount(&p.Totals, c)
		modelCount(days[date], c)
		if c.Status == engine.StatusInFlight {
			p.InFlight++
		}
		if c.Status == engine.StatusAnswered && p.LastAnswered == nil {
			p.LastAnswered = c
		}
		if c.Source != engine.SourcePolicy {
			continue
		}
		if p.LastOffered == nil {
			p.LastOffered = c
		}
		if p.LastByReason == nil {
			p.LastByReason = map[string]*engine.Call{}
		}
		if p.LastByReason[c.Reason] == nil && c.Reason != "" {
			p.LastByReason[c.Reason] = c
		}
	}
	for _, c := range calls {
		callerSide := c.HangupCause == "initiator_disconnected" || c.HangupCause == "initiator_hangup"
		newer := p.LastAnswered == nil || c.At() > p.LastAnswered.At()
		if c.Status == engine.StatusNotAnswered && !callerSide && newer {
			p.UnansweredStreak = min(p.UnansweredStreak+1, 64)
		}
	}
	dates := slices.Sorted(maps.Keys(days))
	slices.Reverse(dates)
	newest, _ := time.Parse("2006-01-02", dates[0])
	p.Days = []engine.Day{}
	for _, date := range dates {
		if date > newest.AddDate(0, 0, -31).Format("2006-01-02") {
			p.Days = append(p.Days, engine.Day{Date: date, Totals: *days[date]})
		}
	}
	return p
}

func modelCount(t *engine.Totals, c *engine.Call) {
	t.Offered++
	switch c.Status {
	case engine.StatusAnswered:
		t.Answered++
		t.TalkSeconds += max(c.Duration, 0)
	case engine.StatusNotAnswered:
		t.Unanswered++
	case engine.StatusOther:
		t.Other++
	case engine.StatusExpired:
		t.Expired++
	}
}

func kolkata(t testing.TB) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("Asia/Kolkata")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

func wantEqual(t fataler, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(want, got) {
		t.Fatalf("%s (-want +got):\n%s", what, cmp.Diff(want, got))
	}
}

package fold

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"switchboard/engine"
)

var base = time.Date(2025, 11, 22, 14, 35, 0, 0, time.UTC).UnixNano()

func num(text string) engine.Number {
	return engine.Number{Canonical: text, Valid: true}
}

func masked(text string) engine.Number { return engine.Number{Canonical: text} }

// someone is a number, or one of two strangers that must not merge into one.
func someone(numbers ...string) *rapid.Generator[engine.Number] {
	all := []engine.Number{masked("98765xxxxx"), masked("")}
	for _, n := range numbers {
		all = append(all, num(n), num(n))
	}
	return rapid.SampledFrom(all)
}

// moments crowd within seconds and spread over days, around midnight too.
var moments = rapid.Custom(func(t *rapid.T) int64 {
	day := rapid.Int64Range(0, 3).Draw(t, "day")
	sec := rapid.SampledFrom([]int64{0, 1, 2, 60, 1799, 1800, 14100, 14099}).Draw(t, "second")
	ms := rapid.Int64Range(0, 3).Draw(t, "ms")
	return base + day*86400e9 + sec*1e9 + ms*1e6
})

var decisions = rapid.Custom(func(t *rapid.T) *engine.DecisionRecord {
	d := &engine.DecisionRecord{
		CallID:   fmt.Sprint("c", rapid.IntRange(0, 7).Draw(t, "call")),
		Caller:   someone("9988912345", "9988912346").Draw(t, "caller"),
		DID:      num(rapid.SampledFrom([]string{"918645658689", "918645658690"}).Draw(t, "did")),
		RoutedAt: moments.Draw(t, "routed"),
	}
	d.Arrived = d.RoutedAt - rapid.SampledFrom([]int64{0, 1e6}).Draw(t, "waited")
	d.Decision.Source = rapid.SampledFrom([]engine.Source{
		engine.SourcePolicy, engine.SourcePolicy, engine.SourcePolicy, engine.SourceFallback,
		engine.SourceShed, engine.SourceRejected, engine.SourceNone,
	}).Draw(t, "source")
	switch d.Decision.Source {
	case engine.SourceRejected:
		d.Decision.Reject, d.Decision.Reason = true, "blocked"
	case engine.SourceNone:
	default:
		d.Decision.Number = rapid.SampledFrom([]string{"9876543210", "9876543211"}).Draw(t, "receiver")
		d.ReceiverIsNumber = true
		d.Decision.Reason = rapid.SampledFrom([]string{"", "sticky", "round_robin"}).Draw(t, "reason")
	}
	return d
})

var completions = rapid.Custom(func(t *rapid.T) *engine.Completion {
	c := &engine.Completion{
		CallID:   fmt.Sprint("c", rapid.IntRange(0, 9).Draw(t, "call")),
		Caller:   someone("9988912345", "9988912347").Draw(t, "caller"),
		Receiver: someone("9876543210", "9876543212").Draw(t, "receiver"),
		DID:      someone("918645658689", "918645658690", "918645658691").Draw(t, "did"),
		Status: rapid.SampledFrom([]engine.Status{
			engine.StatusAnswered, engine.StatusNotAnswered, engine.StatusNotAnswered, engine.StatusOther,
		}).Draw(t, "status"),
		EndedAt:     moments.Draw(t, "ended"),
		Duration:    rapid.SampledFrom([]int64{engine.NoDuration, 0, 20, 69}).Draw(t, "duration"),
		HangupCause: rapid.SampledFrom([]string{"", "", "initiator_hangup", "network_error"}).Draw(t, "hangup"),
		Arrived:     moments.Draw(t, "arrived"),
	}
	if rapid.Bool().Draw(t, "received known") {
		c.ReceivedAt = moments.Draw(t, "received")
	}
	if rapid.Bool().Draw(t, "recorded") {
		c.RecordingURL = "https://example.com/1.mp3"
	}
	return c
})

var someRules = rapid.Custom(func(t *rapid.T) Rules {
	zone := rapid.SampledFrom([]string{"Asia/Kolkata", "UTC", "America/New_York"}).Draw(t, "zone")
	loc, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	return Rules{loc, rapid.SampledFrom([]time.Duration{
		30 * time.Minute, 10 * time.Second, 1500 * time.Millisecond, 0, 3 * time.Hour,
	}).Draw(t, "ttl")}
})

func someEntries(t *rapid.T) []Entry {
	var all []Entry
	for _, d := range rapid.SliceOfN(decisions, 0, 14).Draw(t, "decisions") {
		all = append(all, Entry{Decision: d})
	}
	for _, c := range rapid.SliceOfN(completions, 0, 14).Draw(t, "completions") {
		all = append(all, Entry{Completion: c})
		if rapid.Bool().Draw(t, "resent") {
			again := *c
			again.Arrived = moments.Draw(t, "arrived again")
			all = append(all, Entry{Completion: &again})
		}
	}
	return all
}

// nows are moments worth looking at: none before the newest call was routed.
func nows(all []Entry, r Rules) []int64 {
	newest := base
	for _, e := range all {
		if e.Decision != nil {
			newest = max(newest, e.Decision.RoutedAt)
		}
	}
	ttl := int64(r.TTL)
	return []int64{newest, newest + ttl/2, newest + max(0, ttl-1e9), newest + max(0, ttl-1), newest + ttl, newest + 2*ttl, newest + 86400e9}
}

// The promise of the package: whatever the order and however often records come,
// whether or not state went through its encoding, the outcome is the model's.
func TestOrderAndDuplicatesChangeNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rules := someRules.Draw(t, "rules")
		all := someEntries(t)
		once := newBook(rules)
		for _, e := range all {
			once.fold(e)
		}
		again := newBook(rules)
		repeated := slices.Concat(all, all[:rapid.IntRange(0, len(all)).Draw(t, "repeats")])
		for i, e := range rapid.Permutation(repeated).Draw(t, "order") {
			again.fold(e)
			if i%5 == 0 {
				again.recode(t)
			}
		}
		for id, g := range once.groups {
			wantEqual(t, "calls of "+id, again.groups[id].Calls(), g.Calls())
		}
		for _, now := range nows(all, rules) {
			want := model(once.calls(), now, rules)
			wantEqual(t, "in the order given", once.at(now), want)
			wantEqual(t, "shuffled", again.at(now), want)
		}
	})
}

func TestTotalsAddUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rules := someRules.Draw(t, "rules")
		all := someEntries(t)
		b := newBook(rules)
		for _, e := range all {
			b.fold(e)
		}
		for _, now := range nows(all, rules) {
			for k, p := range b.at(now) {
				sum := p.InFlight
				for _, n := range []int64{p.Totals.Answered, p.Totals.Unanswered, p.Totals.Other, p.Totals.Expired} {
					if sum += n; n < 0 {
						t.Fatalf("%v: negative count in %+v", k, p.Totals)
					}
				}
				var days engine.Totals
				for _, d := range p.Days {
					days.Offered += d.Offered
					days.Expired += d.Expired
					days.TalkSeconds += d.TalkSeconds
				}
				want := engine.Totals{Offered: p.Totals.Offered, Expired: p.Totals.Expired, TalkSeconds: p.Totals.TalkSeconds}
				if sum != p.Totals.Offered || days != want {
					t.Fatalf("%v: %d calls of %d, days %+v of %+v", k, sum, p.Totals.Offered, days, want)
				}
			}
		}
	})
}

// Whoever holds a profile, a decision's view for one, must not see it change.
func TestProfilesAreImmutable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := newBook(someRules.Draw(t, "rules"))
		held := map[*Profile]string{}
		for _, e := range someEntries(t) {
			b.fold(e)
			for _, p := range b.profiles {
				if held[p] == "" {
					held[p] = string(AppendProfile(nil, p))
				}
			}
		}
		for p, was := range held {
			if string(AppendProfile(nil, p)) != was {
				t.Fatalf("a profile changed in its holder's hands")
			}
		}
	})
}

// A second fold of every record returns the very same group.
func TestFoldingIsIdempotent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := someEntries(t)
		b := newBook(Rules{})
		for _, e := range all {
			b.fold(e)
		}
		for _, e := range all {
			g := b.groups[e.callID()]
			if after, result := g.With(e); after != g || e.Completion != nil && result != engine.Duplicate {
				t.Fatalf("folded again: another group, result %q", result)
			}
		}
	})
}

// What is taken out again, oldest first as retention does it, leaves no trace.
func TestWhatIsDeletedIsSubtracted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rules := someRules.Draw(t, "rules")
		all := someEntries(t)
		b := newBook(rules)
		for _, e := range all {
			b.fold(e)
		}
		calls := b.calls()
		slices.SortFunc(calls, func(c, d *engine.Call) int { return order(d, c) })
		gone := rapid.IntRange(0, len(calls)).Draw(t, "deleted")
		for _, c := range calls[:gone] {
			b.replace(c, nil)
		}
		for _, now := range nows(all, rules) {
			wantEqual(t, "after deletion", b.at(now), model(slices.Clone(calls[gone:]), now, rules))
		}
	})
}

// Busy numbers: far more calls than a profile keeps, over a second, an hour or
// months, each completed some time after its decision or never.
func TestBusyProfilesAreExact(t *testing.T) {
	const many = 300
	numbers := make([]int, many)
	for i := range numbers {
		numbers[i] = i
	}
	rapid.Check(t, func(t *rapid.T) {
		rules := someRules.Draw(t, "rules")
		step := rapid.SampledFrom([]int64{1e6, 9e9, 7 * 3600e9}).Draw(t, "step")
		answered := rapid.IntRange(0, 20).Draw(t, "answered of a hundred")
		b, all := newBook(rules), []Entry{}
		later := make([][]Entry, many+10)
		for i, n := range rapid.Permutation(numbers).Draw(t, "order") {
			d := Entry{Decision: busy(n, base+int64(n)*step)}
			all = append(all, d)
			b.fold(d)
			if n%10 != 0 {
				later[i+n%7] = append(later[i+n%7], completed(d.Decision, n%100 < answered))
			}
			for _, c := range later[i] {
				b.fold(c)
			}
			if i%50 == 0 {
				b.recode(t)
			}
		}
		for _, now := range nows(all, rules) {
			wantEqual(t, "busy", b.at(now), model(b.calls(), now, rules))
		}
	})
}

func busy(n int, at int64) *engine.DecisionRecord {
	return &engine.DecisionRecord{
		CallID: fmt.Sprintf("busy-%04d", n), Caller: num(fmt.Sprint(9988900000 + n%40)), DID: num("918645658689"),
		RoutedAt: at, Arrived: at, ReceiverIsNumber: true,
		Decision: engine.Decision{
			Number: fmt.Sprint(9876543210 + n%3), Source: engine.SourcePolicy, Reason: fmt.Sprint("r", n%5),
		},
	}
}

func completed(d *engine.DecisionRecord, answered bool) Entry {
	c := &engine.Completion{
		CallID: d.CallID, Caller: d.Caller, DID: d.DID, Status: engine.StatusNotAnswered, Duration: engine.NoDuration,
		ReceivedAt: d.RoutedAt, EndedAt: d.RoutedAt + 35e9, Arrived: d.RoutedAt + 36e9,
	}
	if answered {
		c.Status, c.Duration = engine.StatusAnswered, 30
	}
	return Entry{Completion: c}
}

package fold

import (
	"fmt"
	"testing"
	"time"

	"switchboard/engine"
)

var halfHour = Rules{TTL: 30 * time.Minute}

// call is a policy's forward, routed a number of nanoseconds after base.
func call(id string, at int64, status engine.Status) *engine.Call {
	return &engine.Call{
		CallID: id, Caller: "9988912345", DID: did, Receiver: "9876543210", Status: status,
		RoutedAt: base + at, Arrived: base + at, Duration: engine.NoDuration, Reason: "sticky", Source: engine.SourcePolicy,
		CallerIsNumber: true, DIDIsNumber: true, ReceiverIsNumber: true,
	}
}

var didKey = Key{engine.DIDs, did}

func profileOf(r Rules, calls ...*engine.Call) *Profile {
	var p *Profile
	for _, c := range calls {
		p = p.Replace(didKey, nil, c, r)
	}
	return p
}

func TestEmpty(t *testing.T) {
	var none *Profile
	if !none.Empty() || none.At(base, halfHour) != nil || none.Replace(didKey, nil, nil, halfHour) != nil {
		t.Error("nil is not the empty profile")
	}
	c := call("a", 0, engine.StatusInFlight)
	p := profileOf(halfHour, c)
	if p.Empty() {
		t.Error("a profile with a call is empty")
	}
	if left := p.Replace(didKey, c, nil, halfHour); left != nil {
		t.Errorf("after its only call was taken out there is still %+v", left)
	}
	if same := p.Replace(Key{engine.DIDs, did2}, nil, c, halfHour); same != p {
		t.Error("a call that does not count under a number changed its profile")
	}
	equal := *c
	if same := p.Replace(didKey, c, &equal, halfHour); same != p {
		t.Error("an equal call changed the profile")
	}
}

// Statuses, counters and Resolve must tell the same story at any moment, whatever
// the TTL, and a call must be over when its TTL is.
func TestExpiryAgrees(t *testing.T) {
	for _, ttl := range []time.Duration{0, 3, time.Millisecond, 700 * time.Millisecond, 90 * time.Second, 30 * time.Minute, 7 * time.Hour} {
		r := Rules{TTL: ttl}
		early := 2 * int64(ttl) / 1800
		for _, at := range []int64{0, 1, 999_999_999, 123_456_789} {
			c := call("a", at, engine.StatusInFlight)
			p := profileOf(r, c)
			for _, after := range []int64{0, 1, int64(ttl) / 2, int64(ttl) - early - 1, int64(ttl) - 1, int64(ttl), int64(ttl) + 1, int64(ttl) * 2} {
				now := c.RoutedAt + max(after, 0)
				got, alone := p.At(now, r), Resolve(c, now, ttl)
				live := int64(0)
				if alone.Status == engine.StatusInFlight {
					live = 1
				}
				if got.Calls[0].Status != alone.Status || got.InFlight != live || got.Totals.Expired != 1-live || got.LastOffered.Status != alone.Status {
					t.Errorf("ttl %v, routed +%d, %d later: list %s, alone %s, in flight %d, expired %d",
						ttl, at, after, got.Calls[0].Status, alone.Status, got.InFlight, got.Totals.Expired)
				}
				if after >= int64(ttl) && live == 1 || after >= 0 && after < int64(ttl)-early && live == 0 {
					t.Errorf("ttl %v, routed +%d, %d later: in flight %d", ttl, at, after, live)
				}
			}
		}
	}
	done := call("a", 0, engine.StatusAnswered)
	if Resolve(done, base+1e18, time.Second) != done || Resolve(nil, base, time.Second) != nil {
		t.Error("Resolve copied a call that did not expire")
	}
}

func TestLateCompletionReplacesExpired(t *testing.T) {
	open, done := call("a", 0, engine.StatusInFlight), call("a", 0, engine.StatusAnswered)
	done.Duration, done.EndedAt = 20, base+9000e9
	next := call("b", 8000e9, engine.StatusInFlight) // its arrival drops the counter of the first
	p := profileOf(halfHour, open, next)
	before := p.At(base+9000e9, halfHour)
	if before.Totals.Expired != 1 || before.InFlight != 1 {
		t.Fatalf("before: %+v, in flight %d", before.Totals, before.InFlight)
	}
	after := p.Replace(didKey, open, done, halfHour).At(base+9000e9, halfHour)
	wantEqual(t, "totals", after.Totals, engine.Totals{Offered: 2, Answered: 1, TalkSeconds: 20})
	if after.InFlight != 1 || after.LastAnswered != done {
		t.Errorf("in flight %d, last answered %+v", after.InFlight, after.LastAnswered)
	}
}

// The profile's counters must not grow with the rate of calls.
func TestInFlightIsBounded(t *testing.T) {
	var p *Profile
	const perSecond, seconds = 20, 4000
	for i := range int64(perSecond * seconds) {
		p = p.Replace(didKey, nil, call(fmt.Sprint(i), i*1e9/perSecond, engine.StatusInFlight), halfHour)
	}
	now := base + seconds*1e9 - 1
	got := p.At(now, halfHour)
	if got.InFlight != 1800*perSecond || got.Totals.Expired != (seconds-1800)*perSecond {
		t.Errorf("in flight %d, expired %d", got.InFlight, got.Totals.Expired)
	}
	size := len(AppendProfile(nil, p))
	if size > 5<<10 {
		t.Errorf("encoding takes %d bytes", size)
	}
	for i := range int64(4000) { // a log that is folded late, oldest last
		p = p.Replace(didKey, nil, call(fmt.Sprint("old", i), -i*1e9, engine.StatusInFlight), halfHour)
	}
	if b := AppendProfile(nil, p); len(b) > size+100 || p.At(now, halfHour).InFlight != got.InFlight {
		t.Errorf("calls that expired long ago are kept in flight: %d bytes after %d", len(b), size)
	}
}

// A caller who reached two DIDs under one call_id at one moment made two calls.
func TestTwinsAreTwo(t *testing.T) {
	a, b := call("a", 0, engine.StatusInFlight), call("a", 0, engine.StatusInFlight)
	b.DID = did2
	key := Key{engine.Callers, a.Caller}
	var p *Profile
	p = p.Replace(key, nil, a, halfHour).Replace(key, nil, b, halfHour)
	if got := p.At(base, halfHour); len(got.Calls) != 2 || got.Calls[0] != b || got.InFlight != 2 {
		t.Errorf("%d calls, %d in flight", len(got.Calls), got.InFlight)
	}
	for _, gone := range []*engine.Call{a, b} {
		got := p.Replace(key, gone, nil, halfHour).At(base, halfHour)
		if len(got.Calls) != 1 || got.Calls[0].DID == gone.DID || got.LastOffered != got.Calls[0] {
			t.Errorf("without the call to %s there is %+v", gone.DID, got.Calls)
		}
	}
}

func TestStreak(t *testing.T) {
	hungUp := func(c *engine.Call, cause string) *engine.Call { c.HangupCause = cause; return c }
	no, yes, other := engine.StatusNotAnswered, engine.StatusAnswered, engine.StatusOther
	streak := func(p *Profile) int64 { return p.At(base+86400e9, halfHour).UnansweredStreak }
	p := profileOf(halfHour,
		call("a", 1, no), call("b", 2, yes), call("c", 3, no), call("d", 4, other),
		hungUp(call("e", 5, no), "initiator_hangup"), hungUp(call("f", 6, no), "initiator_disconnected"),
		call("g", 7, engine.StatusInFlight), hungUp(call("h", 8, no), "receiver_hangup"))
	if got := streak(p); got != 2 {
		t.Errorf("streak %d, want the two since the answered one that nobody else ended", got)
	}
	late := p.Replace(didKey, call("g", 7, engine.StatusInFlight), call("g", 7, yes), halfHour)
	if got := streak(late); got != 1 {
		t.Errorf("streak %d after a call in its middle turned out answered, want 1", got)
	}
	back := late.Replace(didKey, call("g", 7, yes), nil, halfHour)
	if got := streak(back); got != 2 {
		t.Errorf("streak %d after that call left, want 2 again", got)
	}
	for i := range int64(100) {
		p = p.Replace(didKey, nil, call(fmt.Sprint("z", i), 10+i, no), halfHour)
		if got := streak(p); got != min(3+i, 64) {
			t.Fatalf("streak %d after %d more", got, i+1)
		}
	}
	for i := int64(99); i > 70; i-- {
		p = p.Replace(didKey, call(fmt.Sprint("z", i), 10+i, no), nil, halfHour)
	}
	if got := streak(p); got != 64 {
		t.Errorf("streak %d of more than 64 after some left", got)
	}
}

func TestRotationTakesPolicyForwardsOnly(t *testing.T) {
	fallback, shed, orphan := call("b", 2, engine.StatusInFlight), call("c", 3, engine.StatusInFlight), call("d", 0, engine.StatusAnswered)
	fallback.Source, shed.Source = engine.SourceDIDFallback, engine.SourceShed
	orphan.Source, orphan.Reason, orphan.RoutedAt, orphan.EndedAt = "", "", 0, base+9e9
	first := call("a", 1, engine.StatusInFlight)
	got := profileOf(halfHour, orphan, shed, first, fallback).At(base+10e9, halfHour)
	if got.LastOffered != first || len(got.LastByReason) != 1 || got.LastByReason["sticky"] != first || got.Totals.Offered != 4 {
		t.Errorf("a fallback turned the rotation: %+v", got)
	}
	if got.LastAnswered != orphan || got.Calls[0] != orphan {
		t.Error("the orphan, ended last, is not the newest")
	}
	if none := profileOf(halfHour, fallback).At(base, halfHour); none.LastOffered != nil || none.LastByReason != nil {
		t.Errorf("a fallback alone was offered by policy: %+v", none)
	}
}

func TestReasonsAreBounded(t *testing.T) {
	var p *Profile
	for i := range int64(200) {
		c := call(fmt.Sprint(i), i*7919%200, engine.StatusAnswered)
		c.Reason = fmt.Sprint("r", i*7919%200)
		p = p.Replace(didKey, nil, c, halfHour)
	}
	got := p.At(base+200, halfHour)
	if len(got.LastByReason) != 64 || got.LastByReason["r199"] == nil || got.LastByReason["r136"] == nil || got.LastOffered.Reason != "r199" {
		t.Errorf("%d reasons, last offered %q", len(got.LastByReason), got.LastOffered.Reason)
	}
	again := call("z", 300, engine.StatusAnswered)
	again.Reason = "r3"
	if p.Replace(didKey, nil, again, halfHour).At(base+300, halfHour).LastByReason["r3"] != again {
		t.Error("a reason that was forgotten does not come back")
	}
}

// Calls that leave a full profile uncover the ones before them.
func TestSpareCalls(t *testing.T) {
	var p *Profile
	for i := range int64(100) {
		p = p.Replace(didKey, nil, call(fmt.Sprintf("%03d", i), i, engine.StatusAnswered), halfHour)
	}
	for i := int64(99); i > 99-12; i-- {
		p = p.Replace(didKey, call(fmt.Sprintf("%03d", i), i, engine.StatusAnswered), nil, halfHour)
	}
	p, err := DecodeProfile(AppendProfile(nil, p))
	if err != nil {
		t.Fatal(err)
	}
	p = p.Replace(didKey, nil, call("old", 5, engine.StatusAnswered), halfHour)
	got := p.At(base+100, halfHour)
	if len(got.Calls) != 20 || got.Calls[0].CallID != "087" || got.Calls[19].CallID != "068" || got.LastAnswered != got.Calls[0] {
		t.Errorf("%d calls from %s", len(got.Calls), got.Calls[0].CallID)
	}
	p = p.Replace(didKey, call("087", 87, engine.StatusAnswered), nil, halfHour)
	if got := p.At(base+100, halfHour); len(got.Calls) != 19 || got.Calls[18].CallID != "068" {
		t.Errorf("beyond the spare there must be a shorter list, not one with a gap: %d, last %s", len(got.Calls), got.Calls[len(got.Calls)-1].CallID)
	}
}

func TestDays(t *testing.T) {
	r := Rules{Zone: kolkata(t), TTL: time.Minute}
	// 18:30 UTC is midnight in Kolkata; base is 14:35 UTC.
	midnight := int64(3*3600+55*60) * 1e9
	last, first := call("a", midnight-1, engine.StatusInFlight), call("b", midnight, engine.StatusAnswered)
	first.Duration = 7
	got := profileOf(r, last, first).At(base+midnight+1, r)
	wantEqual(t, "days", got.Days, []engine.Day{
		{Date: "2025-11-23", Totals: engine.Totals{Offered: 1, Answered: 1, TalkSeconds: 7}},
		{Date: "2025-11-22", Totals: engine.Totals{Offered: 1}},
	})
	got = profileOf(r, last, first).At(base+midnight+61e9, r)
	if got.Days[1].Expired != 1 || got.Days[0].Expired != 0 {
		t.Errorf("the call of the day before expired: %+v", got.Days)
	}
	open := call("b", midnight, engine.StatusInFlight)
	for _, p := range []*Profile{profileOf(r, last, open), profileOf(r, open, last)} {
		got := p.At(base+midnight+1, r)
		if got.InFlight != 2 || got.Days[0].Expired != 0 || got.Days[1].Expired != 0 {
			t.Errorf("in flight on both sides of midnight: %d, %+v", got.InFlight, got.Days)
		}
	}
	old := profileOf(r, last, call("c", 30*86400e9, engine.StatusOther))
	if got := old.At(base+31*86400e9, r); len(got.Days) != 2 {
		t.Errorf("31 days, the newest included, hold %+v", got.Days)
	}
	leaver := call("d", 32*86400e9, engine.StatusOther)
	older := old.Replace(didKey, nil, leaver, r)
	if got := older.At(base+33*86400e9, r); len(got.Days) != 2 || got.Days[1].Date != "2025-12-22" {
		t.Errorf("calendar days, not entries: %+v", got.Days)
	}
	if got := older.Replace(didKey, leaver, nil, r).At(base+33*86400e9, r); len(got.Days) != 2 || got.Days[1].Date != "2025-11-22" {
		t.Errorf("a day that the newest hid is back when it goes: %+v", got.Days)
	}
}

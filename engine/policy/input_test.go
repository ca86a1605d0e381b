package policy

import (
	"encoding/json"
	"io"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/open-policy-agent/opa/v1/ast"
	"pgregory.net/rapid"

	"switchboard/engine"
)

func asked(q engine.Question, zone *time.Location) *question {
	return newQuestion(q, zone, ast.StringTerm(zone.String()))
}

func TestInput(t *testing.T) {
	const want = `{
		"call_id": "1ascaba13abcaav", "caller_number": "9988912345", "did": "918645658689",
		"caller": {"raw": "+91 99889 12345", "e164": "+919988912345", "country": "IN", "valid": true, "anonymous": false},
		"time": {"unix": 1763802300, "ns": 1763802300000000000, "rfc3339": "2025-11-22T14:35:00+05:30", "zone": "Asia/Kolkata",
			"date": "2025-11-22", "weekday": "saturday", "hour": 14, "minute": 35, "clock": "14:35"},
		"bucket": 2756, "caller_bucket": 3298}`
	var doc any
	if err := json.Unmarshal([]byte(want), &doc); err != nil {
		t.Fatal(err)
	}
	x := asked(testQuestion(), kolkata)
	if diff := cmp.Diff(doc, asJSON(t, x.json())); diff != "" {
		t.Errorf("json (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(doc, fromTerm(t, x.value())); diff != "" {
		t.Errorf("value (-want +got):\n%s", diff)
	}
}

// The record must show what the policy saw, whatever the provider sent.
func TestInputIsRecordedAsSeen(t *testing.T) {
	zones := []*time.Location{time.UTC, kolkata, mustZone("America/St_Johns")}
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String()
		x := asked(engine.Question{
			CallID: text.Draw(t, "id"),
			Caller: engine.Number{Canonical: text.Draw(t, "caller"), Raw: text.Draw(t, "raw"), E164: text.Draw(t, "e164"),
				Country: text.Draw(t, "country"), Valid: rapid.Bool().Draw(t, "valid"), Anonymous: rapid.Bool().Draw(t, "anonymous")},
			DID: engine.Number{Canonical: text.Draw(t, "did")},
			At:  time.Unix(0, rapid.Int64Range(0, 1<<62).Draw(t, "at")),
		}, rapid.SampledFrom(zones).Draw(t, "zone"))
		if diff := cmp.Diff(fromTerm(t, x.value()), asJSON(t, x.json())); diff != "" {
			t.Fatalf("(-seen +recorded):\n%s", diff)
		}
		if x.bucket < 0 || x.bucket >= Buckets || x.callerBucket < 0 || x.callerBucket >= Buckets {
			t.Fatalf("buckets %d, %d", x.bucket, x.callerBucket)
		}
		if x.date() != x.at.Format(time.DateOnly) || x.hhmm() != x.at.Format("15:04") {
			t.Fatalf("date %s, clock %s at %v", x.date(), x.hhmm(), x.at)
		}
	})
}

func TestCallerBucket(t *testing.T) {
	q := testQuestion()
	known := asked(q, time.UTC)
	q.CallID = "another"
	if again := asked(q, time.UTC); again.callerBucket != known.callerBucket || again.bucket == known.bucket {
		t.Errorf("another call of the caller has buckets %d, %d after %d, %d", again.bucket, again.callerBucket, known.bucket, known.callerBucket)
	}
	// Masked callers would otherwise all land in one bucket.
	q.Caller = engine.Number{Canonical: "anonymous", Anonymous: true}
	if masked := asked(q, time.UTC); masked.callerBucket != masked.bucket {
		t.Errorf("a caller that is no number has bucket %d, want the call's %d", masked.callerBucket, masked.bucket)
	}
}

func TestBucketsAreEven(t *testing.T) {
	q := testQuestion()
	tenth := 0
	const calls = 20000
	for i := range calls {
		q.CallID = "call-" + time.Duration(i).String()
		if asked(q, time.UTC).bucket < Buckets/10 {
			tenth++
		}
	}
	if share := float64(tenth) / calls; share < 0.09 || share > 0.11 {
		t.Errorf("a tenth of the buckets got %.1f %% of the calls", 100*share)
	}
}

func TestSeedRepeats(t *testing.T) {
	read := func(id string) string {
		q := testQuestion()
		q.CallID = id
		b := make([]byte, 40)
		if _, err := io.ReadFull(&seedReader{seed: asked(q, time.UTC).seed}, b); err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	if first, again := read("a"), read("a"); first != again || first == read("b") {
		t.Error("a seed must depend on the call_id and on nothing else")
	}
}

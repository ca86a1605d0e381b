package history

import (
	"bytes"
	"fmt"
	"testing"

	"switchboard/engine"
	"switchboard/engine/history/filter"
	"switchboard/engine/history/fold"
)

func TestEpochsSurviveTheDisk(t *testing.T) {
	e := newEpoch(5)
	g, _ := (*fold.Group)(nil).With(fold.Entry{Completion: &engine.Completion{
		CallID: "c1", Caller: engine.Number{Canonical: "9876543210", Valid: true}, EndedAt: 42, Duration: engine.NoDuration,
		Status: engine.StatusOther, Arrived: 50,
	}})
	e.addGroup("c1", g)
	got, err := decodeEpoch(e.encode(), 5)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range []fold.Key{callKey("c1"), {Kind: engine.Callers, Number: "9876543210"}} {
		if !got.Has(filter.Hash(k)) {
			t.Errorf("%v is lost", k)
		}
	}
	if got.Has(filter.Hash(callKey("c2"))) {
		t.Error("one call makes the filter let everything through")
	}
	if got.from.Load() != 42 || got.to.Load() != 42 || got.changed {
		t.Errorf("times %d to %d, changed %v", got.from.Load(), got.to.Load(), got.changed)
	}
	if got.addGroup("c1", g) || !got.addGroup("c2", g) {
		t.Error("what the filter has is news to it, or what it lacks is none")
	}
	if _, err := decodeEpoch(e.encode()[1:], 5); err == nil {
		t.Error("a filter of the wrong size was taken")
	}
}

func FuzzDecodeRecord(f *testing.F) {
	for _, s := range []string{``, `{}`, `{"kind":"decision","decision":{"call_id":"c"}}`, `{"kind":"completion","completion":{"call_id":"c","duration":-1}}`, `{"kind":"retention","through":3}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := decodeRecord(b)
		if err != nil {
			if r != nil {
				t.Error("a record and an error")
			}
			return
		}
		once, err := r.encode()
		if err != nil {
			t.Fatal(err)
		}
		again, err := decodeRecord(once)
		if err != nil {
			t.Fatalf("what was written can't be read: %v", err)
		}
		twice, err := again.encode()
		if err != nil || !bytes.Equal(once, twice) {
			t.Errorf("%s became %s (%v)", once, twice, err)
		}
	})
}

func FuzzDecodeCall(f *testing.F) {
	g, _ := (*fold.Group)(nil).With(fold.Entry{Decision: &engine.DecisionRecord{CallID: "c", RoutedAt: 7, DID: engine.Number{Canonical: "918645658689", Valid: true}}})
	f.Add(encodeCall(state{group: g, seqs: []uint64{3, 4, 900}}))
	f.Add([]byte{})
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := decodeCall(3, b)
		if err != nil {
			return
		}
		again, err := decodeCall(3, encodeCall(s))
		if err != nil || fmt.Sprint(again.seqs) != fmt.Sprint(s.seqs) {
			t.Errorf("sequence numbers %v became %v (%v)", s.seqs, again.seqs, err)
		}
	})
}

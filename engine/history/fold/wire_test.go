package fold

import (
	"bytes"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"switchboard/engine"
)

// Equal state gives equal bytes, so that a rebuilt index can be compared.
func TestEncodingIsCanonical(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := newBook(someRules.Draw(t, "rules"))
		for _, e := range someEntries(t) {
			b.fold(e)
		}
		for id, g := range b.groups {
			first := AppendGroup([]byte("x"), g)
			got, err := DecodeGroup(first[1:])
			if err != nil {
				t.Fatal(err)
			}
			wantEqual(t, "calls of "+id, got.Calls(), g.Calls())
			wantEqual(t, "bytes of "+id, AppendGroup([]byte("x"), got), first)
		}
		for k, p := range b.profiles {
			first := AppendProfile([]byte("x"), p)
			got, err := DecodeProfile(first[1:])
			if err != nil {
				t.Fatal(err)
			}
			wantEqual(t, "bytes of "+k.Number, AppendProfile([]byte("x"), got), first)
		}
	})
}

func TestUnlistedStatusAndSourceSurvive(t *testing.T) {
	c := call("a", 0, "ringing")
	c.Source, c.Duration, c.ReceivedAt = "carrier", 0, -5
	p, err := DecodeProfile(AppendProfile(nil, profileOf(halfHour, c)))
	if err != nil {
		t.Fatal(err)
	}
	wantEqual(t, "call", p.At(base, halfHour).Calls[0], c)
}

func TestEmptyValues(t *testing.T) {
	g, err := DecodeGroup(AppendGroup(nil, nil))
	p, err2 := DecodeProfile(AppendProfile(nil, nil))
	if g != nil || p != nil || err != nil || err2 != nil {
		t.Errorf("nil does not come back as nil: %v %v %v %v", g, p, err, err2)
	}
}

// A profile of one caller must stay small: there are millions of them.
func TestSizes(t *testing.T) {
	var one, twenty *Profile
	for i := range int64(20) {
		c := call(strings.Repeat("f", 22)+string(rune('a'+i)), i*3600e9+123456789, engine.StatusAnswered)
		c.ReceivedAt, c.EndedAt, c.Duration, c.HangupCause = c.RoutedAt-456789, c.RoutedAt+69e9, 40, "receiver_hangup"
		twenty = twenty.Replace(didKey, nil, c, halfHour)
		if i == 0 {
			one = twenty
		}
	}
	if n := len(AppendProfile(nil, one)); n > 160 {
		t.Errorf("one call takes %d bytes", n)
	}
	b := AppendProfile(nil, twenty)
	if len(b) > 1300 {
		t.Errorf("twenty calls take %d bytes", len(b))
	}
	p, err := DecodeProfile(b)
	if err != nil {
		t.Fatal(err)
	}
	if got := p.At(base, halfHour); got.LastOffered != got.Calls[0] || got.LastAnswered != got.Calls[0] {
		t.Error("a call that has several places is kept in several copies")
	}
}

func TestCorruptValuesAreRefused(t *testing.T) {
	p := AppendProfile(nil, profileOf(halfHour, call("a", 0, engine.StatusInFlight), call("b", 1, engine.StatusAnswered)))
	var group *Group
	for _, e := range []Entry{forwarded(did, 0, "9876543210"), told(engine.StatusAnswered, 60, 61)} {
		group, _ = group.With(e)
	}
	g := AppendGroup(nil, group)
	for n := 1; n < len(p); n++ {
		if got, err := DecodeProfile(p[:n]); err == nil || got != nil {
			t.Fatalf("a profile cut off after %d of %d bytes was read", n, len(p))
		}
	}
	for n := 1; n < len(g); n++ {
		if got, err := DecodeGroup(g[:n]); err == nil || got != nil {
			t.Fatalf("a group cut off after %d of %d bytes was read", n, len(g))
		}
	}
	if _, err := DecodeProfile(append(p, 0)); err == nil || !strings.Contains(err.Error(), "rebuild") {
		t.Errorf("trailing bytes: %v, want an error that says what to do", err)
	}
}

func FuzzDecodeProfile(f *testing.F) {
	var p *Profile
	for i, s := range []engine.Status{engine.StatusInFlight, engine.StatusAnswered, engine.StatusNotAnswered, engine.StatusOther} {
		p = p.Replace(didKey, nil, call(string(rune('a'+i)), int64(i)*86400e9, s), halfHour)
		f.Add(AppendProfile(nil, p))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := DecodeProfile(b)
		if err != nil {
			if p != nil {
				t.Fatal("an error and a profile")
			}
			return
		}
		first := AppendProfile(nil, p)
		again, err := DecodeProfile(first)
		if err != nil || !bytes.Equal(AppendProfile(nil, again), first) {
			t.Fatalf("what was read does not survive writing: %v", err)
		}
		// Nonsense may come out of nonsense, but no panic.
		p.At(base, halfHour)
		open, done := call("a", 0, engine.StatusInFlight), call("a", 0, engine.StatusAnswered)
		p.Replace(didKey, nil, open, halfHour).Replace(didKey, open, done, halfHour).Replace(didKey, done, nil, halfHour)
	})
}

func FuzzDecodeGroup(f *testing.F) {
	var g *Group
	for _, e := range []Entry{
		forwarded(did, 0, "9876543210"), told(engine.StatusAnswered, 60, 61), rejected(4), forwarded(did2, 9, "9876543211"),
		told(engine.StatusOther, 70, 5, func(c *engine.Completion) { c.RecordingURL, c.DID = "https://x/1", masked("9186xxxxxx") }),
	} {
		g, _ = g.With(e)
		f.Add(AppendGroup(nil, g))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		g, err := DecodeGroup(b)
		if err != nil {
			if g != nil {
				t.Fatal("an error and a group")
			}
			return
		}
		first := AppendGroup(nil, g)
		again, err := DecodeGroup(first)
		if err != nil || !bytes.Equal(AppendGroup(nil, again), first) {
			t.Fatalf("what was read does not survive writing: %v", err)
		}
		after, _ := g.With(told(engine.StatusAnswered, 60, 61))
		Diff(g, after)
	})
}

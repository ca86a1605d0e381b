package history

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"switchboard/engine"
	"switchboard/engine/history/fold"
)

func sampleValues() map[fold.Key]value {
	s := &engine.Session{Ref: "order-1", DID: "918645658689", Parties: [2]string{"9876543210", "+14155550100"},
		Created: 5, Expires: 7, LastEnded: 3, Data: json.RawMessage(`{"a":1}`)}
	bare := &engine.Session{Ref: "order-2", DID: s.DID, Parties: s.Parties, Created: 1 << 60}
	pair1, _ := pairKey(s.DID, "9876543210")
	pair2, _ := pairKey(s.DID, "9876543211")
	fact1, _ := factKey("paused", "9876543210")
	fact2, _ := factKey("paused", "9876543211")
	return map[fold.Key]value{
		refKey("order-1"): &kept{9, s}, refKey("order-2"): &kept{1 << 50, bare},
		pair1: &pair{list: []*engine.Session{bare, s}, ended: 77}, pair2: &pair{ended: 1},
		fact1: &keptFact{3, &engine.Fact{Collection: "paused", Key: "9876543210", Value: json.RawMessage(`true`), Set: 4, By: "desk"}},
		fact2: &keptFact{3, &engine.Fact{Collection: "paused", Key: "9876543211", Set: 4, Expires: 4}},
	}
}

// What is written is read back, and nothing shorter or longer is.
func TestValuesAreReadBack(t *testing.T) {
	for k, v := range sampleValues() {
		b := v.append(nil)
		back, err := decodeValue(k, b)
		if err != nil {
			t.Fatalf("%v: %v", k, err)
		}
		if !bytes.Equal(back.append(nil), b) || back.due() != v.due() {
			t.Errorf("%v came back as %+v", k, back)
		}
		for n := range b {
			if _, err := decodeValue(k, b[:n]); err == nil {
				t.Errorf("%v: the first %d of %d bytes are read", k, n, len(b))
			}
		}
		if _, err := decodeValue(k, append(b, 0)); err == nil {
			t.Errorf("%v: a byte too many is read", k)
		}
	}
}

func FuzzDecodeValue(f *testing.F) {
	for k, v := range sampleValues() {
		f.Add(string(k.Kind), v.append(nil))
	}
	f.Fuzz(func(t *testing.T, kind string, b []byte) {
		k := fold.Key{Kind: engine.ProfileKind(kind), Number: "a\x00b"}
		v, err := decodeValue(k, b)
		if err != nil || v == nil {
			return
		}
		back, err := decodeValue(k, v.append(nil))
		if err != nil || !bytes.Equal(back.append(nil), v.append(nil)) {
			t.Errorf("%+v came back as %+v, %v", v, back, err)
		}
		v.swept(v.due())
	})
}

func TestRecordsOfLiveDataAreChecked(t *testing.T) {
	for text, ok := range map[string]bool{
		`{"kind":"session","at":5,"session":{"after":{"ref":"r","did":"91","parties":["1","2"],"created":5}}}`:                      true,
		`{"kind":"session","at":5,"session":{"after":{"ref":"r","did":"91","parties":["1","2"],"created":0}}}`:                      false,
		`{"kind":"session","at":5,"session":{"after":{"ref":"r","did":"91","parties":["1",""],"created":5}}}`:                       false,
		`{"kind":"session","at":5,"session":{"after":{"ref":"","did":"91","parties":["1","2"],"created":5}}}`:                       false,
		`{"kind":"session","at":5,"session":{"before":{"ref":"x"},"after":{"ref":"r","did":"91","parties":["1","2"],"created":5}}}`: false,
		`{"kind":"session","at":5,"session":{}}`:                                            false,
		`{"kind":"session","at":5}`:                                                         false,
		`{"kind":"fact","at":5,"fact":{"collection":"c","key":"k"}}`:                        true,
		`{"kind":"fact","at":5,"fact":{"collection":"c","key":"k","after":{"value":null}}}`: true,
		`{"kind":"fact","at":5,"fact":{"collection":"c","key":"k","after":{}}}`:             false,
		`{"kind":"fact","at":5,"fact":{"collection":"c","key":""}}`:                         false,
		`{"kind":"fact","at":5}`:                                                            false,
		`{"kind":"note","at":5,"note":{"by":"admin","action":"backup"}}`:                    true,
		`{"kind":"note","at":5}`:                                                            false,
	} {
		r, err := decodeRecord([]byte(text))
		if ok != (err == nil) {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if err != nil && !strings.Contains(err.Error(), "lacks its") {
			t.Errorf("%s: %v", text, err)
		}
		if err == nil {
			if !r.audited() {
				t.Errorf("%s has no entry in the audit trail", text)
			}
		}
	}
}

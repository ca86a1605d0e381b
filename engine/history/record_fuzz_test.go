package history

import (
	"bytes"
	"testing"
)

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

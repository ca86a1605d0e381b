package engine_test

import (
	"regexp"
	"testing"
	"time"

	"switchboard/engine"
)

// A moment is told in RFC 3339 and read back as the same one; what is none is
// not told back as a number.
func FuzzParseTime(f *testing.F) {
	for _, seed := range []string{"2025-11-22T14:35:00+05:30", "2025-11-22T14:35:00 05:30", "2025-11-22 14:35", "2025-11-22", "1763802300", "-1", "99889 12345", "", "now"} {
		f.Add(seed)
	}
	zone := time.FixedZone("IST", 5*3600+1800)
	number := regexp.MustCompile(`[0-9]{10}`)
	f.Fuzz(func(t *testing.T, text string) {
		at, err := engine.ParseTime(text, zone)
		if err != nil {
			if number.MatchString(err.Error()) {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		again, err := engine.ParseTime(at.Format(time.RFC3339Nano), zone)
		if err != nil || !again.Equal(at) {
			t.Fatalf("%q is %v, which is read as %v, %v", text, at, again, err)
		}
	})
}

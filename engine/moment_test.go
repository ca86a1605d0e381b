package engine_test

import (
	"strings"
	"testing"
	"time"

	"switchboard/engine"
)

func TestParseTime(t *testing.T) {
	zone := time.FixedZone("IST", 5*3600+1800)
	want := time.Date(2025, 11, 22, 14, 35, 0, 0, zone)
	for _, text := range []string{"2025-11-22T14:35:00+05:30", "2025-11-22T14:35:00 05:30", "2025-11-22T09:05:00Z", "2025-11-22T14:35", "2025-11-22 14:35", "1763802300"} {
		if got, err := engine.ParseTime(text, zone); err != nil || !got.Equal(want) {
			t.Errorf("%q is %v, %v", text, got, err)
		}
	}
	if got, err := engine.ParseTime("2025-11-22", zone); err != nil || !got.Equal(time.Date(2025, 11, 22, 0, 0, 0, 0, zone)) {
		t.Errorf("a date is %v, %v", got, err)
	}
	for text, says := range map[string]string{"noon": "is no time", "": "is no time", "1763802300000": "milliseconds", "-1": "out of range"} {
		if _, err := engine.ParseTime(text, zone); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

package engine

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// localLayouts are times without a zone.
var localLayouts = []string{"2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04:05", "2006-01-02 15:04", time.DateOnly}

// ParseTime reads a moment as people write it: RFC 3339, a date or a local time
// in zone, or Unix seconds. The error is a sentence that says what to write;
// a number that came instead of a moment is masked in it.
func ParseTime(text string, zone *time.Location) (time.Time, error) {
	if seconds, err := strconv.ParseInt(text, 10, 64); err == nil {
		// Up to the year 9999: what is larger is milliseconds.
		if seconds < 0 || seconds >= 253402300800 {
			return time.Time{}, fmt.Errorf("%s is out of range for seconds since 1970; milliseconds are not understood", Mask(text))
		}
		return time.Unix(seconds, 0), nil
	}
	// In a query a plus sign that was not escaped arrives as a blank.
	zoned := text
	if i := strings.LastIndexByte(text, ' '); i > len(time.DateOnly) {
		zoned = text[:i] + "+" + text[i+1:]
	}
	if t, err := time.Parse(time.RFC3339, zoned); err == nil {
		return t, nil
	}
	for _, layout := range localLayouts {
		if t, err := time.ParseInLocation(layout, text, zone); err == nil {
			return t, nil
		}
	}
	// Once more when it is quoted: the digits of an escape may go on in those behind.
	shown := Mask(strconv.Quote(Mask(text)))
	return time.Time{}, fmt.Errorf("%s is no time; write 2025-11-22T14:35:00+05:30, 2025-11-22 (midnight in %s), or seconds since 1970", shown, zone)
}

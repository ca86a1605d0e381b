package alohaa

import (
	"strconv"
	"strings"
	"time"

	"switchboard/engine"
)

// Each function here reads one kind of value and reports whether it could. A
// value that it could not read is unknown: engine.StatusOther,
// engine.NoDuration, zero, "".

// maxDuration bounds a call, in seconds. More is another unit or a mistake, and
// would spoil every sum it went into.
const maxDuration = 7 * 24 * 60 * 60

// maxCause bounds a hangup cause, in bytes.
const maxCause = 128

// short is a number short enough to be one.
func short(s string) (string, bool) {
	if len(s) > engine.MaxCaller {
		return "", false
	}
	return s, true
}

// status reads a call's outcome, however it is cased and joined.
func status(s string) (engine.Status, bool) {
	s = strings.Map(func(r rune) rune {
		if r == ' ' || r == '_' || r == '-' {
			return -1
		}
		return r
	}, strings.ToLower(s))
	switch s {
	case "answered":
		return engine.StatusAnswered, true
	case "notanswered", "unanswered", "noanswer", "missed":
		return engine.StatusNotAnswered, true
	}
	return engine.StatusOther, false
}

// duration reads seconds, "MM:SS" or "HH:MM:SS". Fractions are cut off.
func duration(s string) (int64, bool) {
	s, fraction, dotted := strings.Cut(s, ".")
	if dotted && !digits(fraction) {
		return engine.NoDuration, false
	}
	parts := strings.Split(s, ":")
	if len(parts) > 3 {
		return engine.NoDuration, false
	}
	var total int64
	for i, part := range parts {
		v, err := strconv.ParseInt(part, 10, 32)
		if err != nil || !digits(part) || i > 0 && (v > 59 || len(part) != 2) {
			return engine.NoDuration, false
		}
		total = total*60 + v
	}
	if total > maxDuration {
		return engine.NoDuration, false
	}
	return total, true
}

func digits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// layouts are the timestamps met; a fraction of a second is always allowed.
// Without a zone the time is UTC, as the provider documents.
var layouts = []string{
	time.RFC3339,
	"2006-01-02T15:04:05Z0700",
	"2006-01-02T15:04:05",
	"2006-01-02 15:04:05Z07:00",
	"2006-01-02 15:04:05 Z07:00",
	"2006-01-02 15:04:05 -0700",
	"2006-01-02 15:04:05",
}

// Times outside of these years are another unit or a placeholder for none.
const firstYear, lastYear = 2000, 2099

// instant reads a timestamp as Unix nanoseconds: a written one, or seconds or
// milliseconds since 1970, which their size tells apart.
func instant(s string) (int64, bool) {
	t, ok := unix(s)
	if !ok {
		t, ok = written(s)
	}
	if y := t.UTC().Year(); !ok || y < firstYear || y > lastYear {
		return 0, false
	}
	return t.UnixNano(), true
}

func written(s string) (time.Time, bool) {
	s = strings.ToUpper(s)
	// "...T07:43:03 05:30": the plus of the offset got lost in a form.
	if i := len(s) - len(" 05:30"); i > 0 && s[i] == ' ' && strings.Contains(s[:i], "T") {
		s = s[:i] + "+" + s[i+1:]
	}
	for _, layout := range layouts {
		if t, err := time.Parse(layout, s); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

func unix(s string) (time.Time, bool) {
	whole, fraction, dotted := strings.Cut(s, ".")
	v, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || !digits(whole) || dotted && !digits(fraction) {
		return time.Time{}, false
	}
	if v >= 1e11 { // as seconds, the year 5138
		return time.UnixMilli(v), true
	}
	nanos, _ := strconv.ParseInt((fraction + "000000000")[:9], 10, 64)
	return time.Unix(v, nanos), true
}

// cause reads a hangup cause: lower case, words joined by underscores.
func cause(s string) (string, bool) {
	s = strings.Join(strings.Fields(strings.ToLower(s)), "_")
	if len(s) > maxCause {
		return "", false
	}
	return s, true
}

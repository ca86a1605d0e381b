package console

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"switchboard/engine"
)

// clock writes moments in one zone.
type clock struct {
	zone *time.Location
	now  func() time.Time
}

// clock is the time of day, with the date where it is not today's.
func (c clock) clock(ns int64) string {
	if ns == 0 {
		return "—"
	}
	t := time.Unix(0, ns).In(c.zone)
	if t.Format(time.DateOnly) == c.now().In(c.zone).Format(time.DateOnly) {
		return t.Format("15:04:05")
	}
	return t.Format("2 Jan 15:04:05")
}

// moment is the whole date and time.
func (c clock) moment(ns int64) string {
	if ns == 0 {
		return "—"
	}
	return time.Unix(0, ns).In(c.zone).Format("Mon 2 Jan 2006, 15:04:05 MST")
}

// machine is a moment as the datetime attribute wants it.
func (c clock) machine(ns int64) string {
	return time.Unix(0, ns).In(c.zone).Format(time.RFC3339)
}

var statusNames = map[engine.Status]string{
	engine.StatusInFlight: "in flight", engine.StatusAnswered: "answered", engine.StatusNotAnswered: "not answered",
	engine.StatusOther: "other", engine.StatusExpired: "expired", engine.StatusRejected: "rejected",
}

func statusName(s engine.Status) string {
	if name, ok := statusNames[s]; ok {
		return name
	}
	return string(s)
}

// statusClass is the colour of a status.
func statusClass(s engine.Status) string {
	switch s {
	case engine.StatusInFlight:
		return "live"
	case engine.StatusAnswered:
		return "good"
	case engine.StatusNotAnswered:
		return "warn"
	case engine.StatusRejected:
		return "bad"
	}
	return "quiet"
}

var sourceNames = map[engine.Source]string{
	engine.SourcePolicy: "policy", engine.SourceDIDFallback: "DID fallback", engine.SourceFallback: "fallback",
	engine.SourceShed: "shed (overload)", engine.SourceRejected: "rejected by policy", engine.SourceNone: "no answer", "": "reported only",
}

func sourceName(s engine.Source) string {
	if name, ok := sourceNames[s]; ok {
		return name
	}
	return string(s)
}

func bytesText(n int64) string {
	units := []string{"B", "KB", "MB", "GB", "TB"}
	size, unit := float64(n), 0
	for size >= 1000 && unit < len(units)-1 {
		size, unit = size/1000, unit+1
	}
	if unit == 0 {
		return fmt.Sprintf("%d B", n)
	}
	return fmt.Sprintf("%.1f %s", size, units[unit])
}

// plural is a count with its noun.
func plural(n any, one string) string {
	text := fmt.Sprint(n)
	if text == "1" {
		return "1 " + one
	}
	if strings.HasSuffix(one, "y") && !strings.HasSuffix(one, "ay") {
		return text + " " + strings.TrimSuffix(one, "y") + "ies"
	}
	return text + " " + one + "s"
}

// rounded is a number in few signs, mostly three, for where there is no room for more.
func rounded(n int64) string {
	units := []string{"", "k", "M", "G"}
	unit := 0
	for ; n >= 1000 && unit < len(units)-1; unit++ {
		n = (n + 500) / 1000
	}
	return strconv.FormatInt(n, 10) + units[unit]
}

// share is a part of a whole in percent.
func share(part, whole int64) string {
	if whole == 0 {
		return "—"
	}
	return strconv.FormatFloat(100*float64(part)/float64(whole), 'f', 1, 64) + " %"
}

// secondsText is a length of time as people read it.
func secondsText(n int64) string {
	switch {
	case n < 0:
		return "—"
	case n < 60:
		return fmt.Sprintf("%d s", n)
	case n < 3600:
		return fmt.Sprintf("%d min %02d s", n/60, n%60)
	}
	return fmt.Sprintf("%d h %02d min", n/3600, n%3600/60)
}

// daysText is a length of time in days, or in hours where it is less.
func daysText(d time.Duration) string {
	if d < 48*time.Hour {
		return plural(int(d.Hours()), "hour")
	}
	return plural(int(d.Hours()/24), "day")
}

func milliseconds(d time.Duration) string {
	switch ms := float64(d) / float64(time.Millisecond); {
	case d <= 0:
		return "—"
	case ms < 10:
		return strconv.FormatFloat(ms, 'f', 2, 64) + " ms"
	case ms < 100:
		return strconv.FormatFloat(ms, 'f', 1, 64) + " ms"
	default:
		return strconv.FormatFloat(ms, 'f', 0, 64) + " ms"
	}
}

// shortRevision is enough of a content hash to tell it from others.
func shortRevision(id string) string {
	id = strings.TrimPrefix(id, "sha256:")
	if len(id) > 10 {
		return id[:10]
	}
	return id
}

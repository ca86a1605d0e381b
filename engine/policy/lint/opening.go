package lint

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"switchboard/engine/policy/finding"
)

var (
	clock    = regexp.MustCompile(`^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$`)
	weekdays = []string{"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"}
)

// opening looks at hours, holidays and the zone of both.
func (p *plan) opening(e map[string]any, at []string) {
	if zone, ok := e["zone"].(string); ok {
		if _, err := time.LoadLocation(zone); err != nil || zone == "" || zone == "Local" {
			p.report("hours", append(at, "zone"), fmt.Sprintf("%s.zone: %q is no time zone that is known", strings.Join(at[1:], "."), zone),
				"write an IANA name, such as Asia/Kolkata")
		}
	}
	p.holidays(e["holidays"], append(at, "holidays"))
	hours, ok := e["hours"].(map[string]any)
	if !ok {
		return
	}
	at = append(at, "hours")
	field := strings.Join(at[1:], ".")
	opens := false
	for _, day := range slices.Sorted(maps.Keys(hours)) {
		list, isList := hours[day].([]any)
		opens = opens || len(list) > 0 || !isList
		if !slices.Contains(weekdays, day) {
			hint := "write monday to sunday"
			if near := finding.Nearest(strings.ToLower(day), weekdays); near != "" {
				hint = "did you mean " + near + "?"
			}
			p.report("hours", append(at, day), fmt.Sprintf("%s: %q is no weekday, so it never opens", field, day), hint)
		}
		p.windows(list, append(at, day))
	}
	if !opens {
		p.report("", at, field+" has no window, so the line is always closed", `write windows such as monday: [{from: "09:30", to: "18:30"}], or remove hours to be always open`)
	}
	if e["after_hours"] == nil {
		p.report("hours", at, field+" closes the line and nobody is named for the calls that come then", "write after_hours with a number beside it")
	}
}

// window is a window with its place in the list.
type window struct{ from, to, index string }

// windows looks at those of one day.
func (p *plan) windows(list []any, at []string) {
	field := strings.Join(at[1:], ".")
	var good []window
	for i, one := range list {
		w, _ := one.(map[string]any)
		from, isFrom := w["from"].(string)
		to, isTo := w["to"].(string)
		here := append(at, fmt.Sprint(i))
		if !isFrom || !isTo {
			continue // the schema's to say
		}
		wrong := ""
		for _, text := range []string{from, to} {
			if !clock.MatchString(text) {
				wrong = text
			}
		}
		switch {
		case wrong != "" || from == "24:00":
			p.report("hours", append(here, "from"), fmt.Sprintf("%s: %s to %s never opens: %s is no clock there", field, from, to, firstOf(wrong, from)),
				`write hours and minutes with two digits each, "09:30", up to "24:00" for the end of a day`)
		case from == to:
			p.report("hours", append(here, "from"), fmt.Sprintf("%s: %s to %s never opens", field, from, to),
				`write "00:00" to "24:00" for a whole day, or remove the window`)
		default:
			good = append(good, window{from, to, here[len(here)-1]})
		}
	}
	slices.SortFunc(good, func(a, b window) int { return strings.Compare(a.from, b.from) })
	for i := 1; i < len(good); i++ {
		a, b := good[i-1], good[i]
		if a.to > b.from || a.to < a.from { // the former one runs over midnight
			p.report("", append(at, b.index, "from"), fmt.Sprintf("%s: %s to %s overlaps %s to %s", field, b.from, b.to, a.from, a.to), "join the two windows")
		}
	}
}

func firstOf(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// holidays are dates with their names, or a list of dates and of ranges.
func (p *plan) holidays(v any, at []string) {
	field := strings.Join(at[1:], ".")
	date := func(text string, at []string) bool {
		if _, err := time.Parse(time.DateOnly, text); err != nil {
			p.report("hours", at, fmt.Sprintf("%s: %q is no date", field, text), "write it as 2026-01-26")
			return false
		}
		return true
	}
	if byDate, ok := v.(map[string]any); ok {
		for _, text := range slices.Sorted(maps.Keys(byDate)) {
			date(text, append(at, text))
		}
		return
	}
	list, _ := v.([]any)
	var spans []window
	for i, one := range list {
		here := append(at, fmt.Sprint(i))
		switch day := one.(type) {
		case string:
			if date(day, here) {
				spans = append(spans, window{day, day, here[len(here)-1]})
			}
		case map[string]any:
			from, isFrom := day["from"].(string)
			to, isTo := day["to"].(string)
			if isFrom && isTo && date(from, append(here, "from")) && date(to, append(here, "to")) {
				spans = append(spans, window{from, to, here[len(here)-1]})
			}
		}
	}
	slices.SortStableFunc(spans, func(a, b window) int { return strings.Compare(a.from, b.from) })
	for i := 1; i < len(spans); i++ {
		if a, b := spans[i-1], spans[i]; b.from <= a.to {
			p.report("", append(at, b.index), fmt.Sprintf("%s: %s stands there twice", field, b.from), "remove one, or join the two")
		}
	}
}

package server

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
)

// onlyParameters refuses query parameters that the route does not know: a
// misspelt filter would select everything.
func onlyParameters(c *gin.Context, known ...string) error {
	query, err := url.ParseQuery(c.Request.URL.RawQuery)
	if err != nil {
		return fail(http.StatusBadRequest, "The query cannot be read: %v. Escape it as a URL wants it.", err)
	}
	for _, name := range sortedKeys(query) {
		switch {
		case !slices.Contains(known, name):
			return fail(http.StatusBadRequest, "%s", unknownName("query parameter", name, known))
		case len(query[name]) > 1:
			return fail(http.StatusBadRequest, "%s: it stands in the query %d times. Give it once.", name, len(query[name]))
		}
	}
	return nil
}

func sortedKeys(v url.Values) []string {
	names := make([]string, 0, len(v))
	for name := range v {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// unknownName says that a name is not known, and which one may be meant.
func unknownName(what, name string, known []string) string {
	if len(known) == 0 {
		return fmt.Sprintf("There is no %s %q here; this route takes none.", what, name)
	}
	best := slices.MinFunc(known, func(a, b string) int { return distance(name, a) - distance(name, b) })
	near := distance(name, best) <= max(2, len(best)/2)
	// Half a name is no misspelling: "caller" means caller_number, not call_id.
	if i := slices.IndexFunc(known, func(k string) bool { return name != "" && strings.HasPrefix(k, strings.ToLower(name)) }); i >= 0 {
		best, near = known[i], true
	}
	if near {
		return fmt.Sprintf("There is no %s %q. Did you mean %q?", what, name, best)
	}
	return fmt.Sprintf("There is no %s %q. There are: %s.", what, name, strings.Join(known, ", "))
}

// distance is how many letters must be put in, left out or replaced to get from
// one name to the other (Levenshtein).
func distance(a, b string) int {
	a, b = strings.ToLower(a), strings.ToLower(b)
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}

// localLayouts are times without a zone, which mean the configured one.
var localLayouts = []string{"2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04:05", "2006-01-02 15:04", time.DateOnly}

// parseTime reads RFC 3339, a date or local time in the configured zone, or
// Unix seconds. The error names the field.
func (s *Server) parseTime(field, text string) (time.Time, error) {
	if seconds, err := strconv.ParseInt(text, 10, 64); err == nil {
		// Up to the year 9999: what is larger is milliseconds.
		if seconds < 0 || seconds >= 253402300800 {
			return time.Time{}, fail(http.StatusBadRequest, "%s: %s is out of range for seconds since 1970. Milliseconds are not understood.", field, text)
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
		if t, err := time.ParseInLocation(layout, text, s.o.Zone); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fail(http.StatusBadRequest,
		"%s: %q is no time. Write 2025-11-22T14:35:00+05:30, 2025-11-22 (midnight in %s), or seconds since 1970.", field, text, s.o.Zone)
}

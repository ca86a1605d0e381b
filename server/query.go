package server

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"switchboard/engine"
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

// unknownName says that a name is not known, and which one may be meant. The
// name is masked and cut: it may be a number that came to the wrong place.
func unknownName(what, name string, known []string) string {
	asked := engine.Mask(shorten(name))
	if len(known) == 0 {
		return fmt.Sprintf("There is no %s %q here; this route takes none.", what, asked)
	}
	best := slices.MinFunc(known, func(a, b string) int { return distance(name, a) - distance(name, b) })
	near := distance(name, best) <= max(2, len(best)/2)
	// Half a name is no misspelling: "caller" means caller_number, not call_id.
	if i := slices.IndexFunc(known, func(k string) bool { return name != "" && strings.HasPrefix(k, strings.ToLower(name)) }); i >= 0 {
		best, near = known[i], true
	}
	if near {
		return fmt.Sprintf("There is no %s %q. Did you mean %q?", what, asked, best)
	}
	return fmt.Sprintf("There is no %s %q. There are: %s.", what, asked, strings.Join(known, ", "))
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

// flag reads a parameter that is true or false; false where it is not given.
func flag(c *gin.Context, name string) (bool, error) {
	switch c.Query(name) {
	case "", "false":
		return false, nil
	case "true":
		return true, nil
	}
	return false, fail(http.StatusBadRequest, "%s: say true or false.", name)
}

// parseTime reads a moment; see [engine.ParseTime]. The error names the field.
func (s *Server) parseTime(field, text string) (time.Time, error) {
	t, err := engine.ParseTime(text, s.o.Zone)
	if err != nil {
		return t, fail(http.StatusBadRequest, "%s: %v.", field, err)
	}
	return t, nil
}

package console

import (
	"net/http"
	"slices"
	"time"

	"switchboard/engine"
)

// period is one of those that a page offers; without a length it has no
// beginning of its own.
type period struct {
	Name, Label string
	length      time.Duration
}

// begin is the moment at which the named period of a list began; zero where it
// has no length. A name that the page does not offer is refused: without it the
// page would show all there is, and say nothing.
func (c *Console) begin(list []period, name string) (time.Time, error) {
	i := slices.IndexFunc(list, func(p period) bool { return p.Name == name })
	switch {
	case i < 0:
		return time.Time{}, notOffered("period", name)
	case list[i].length == 0:
		return time.Time{}, nil
	}
	return c.o.Now().Add(-list[i].length), nil
}

// offered refuses a value that stands in no list of the page: nothing would
// match it, and the page's form would not show that it is asked for.
func offered[T ~string](what string, value T, list []T) error {
	if slices.Contains(list, value) {
		return nil
	}
	return notOffered(what, string(value))
}

func notOffered(what, value string) error {
	return refuse(http.StatusBadRequest, "There is no %s %q. Choose one on the page.", what, engine.Mask(value))
}

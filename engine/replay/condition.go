package replay

import (
	"fmt"
	"strconv"
	"strings"

	"switchboard/engine"
)

// measures are what a condition may speak of.
var measures = []struct {
	name string
	of   func(*engine.Difference) int
}{
	{"moved", func(d *engine.Difference) int { return d.Moved }},
	{"fallback", func(d *engine.Difference) int { return d.ToFallback }},
	{"rejected", func(d *engine.Difference) int { return d.ToReject }},
	{"routed", func(d *engine.Difference) int { return d.ToForward }},
	{"reason", func(d *engine.Difference) int { return d.OtherReason }},
	{"timeout", func(d *engine.Difference) int { return d.OtherTimeout }},
	{"errors", func(d *engine.Difference) int { return failedBuiltins(d) }},
	{"slow", func(d *engine.Difference) int { return d.Slow }},
	{"uncompared", func(d *engine.Difference) int { return d.Calls - d.Compared }},
}

func failedBuiltins(d *engine.Difference) (n int) {
	for _, e := range d.BuiltinErrors {
		n += e.Calls
	}
	return n
}

// Condition is a bound on a difference, such as "moved>5%" or "fallback>0": what
// it speaks of, an operator (> or >=), and a number of calls or a share of those
// compared.
type Condition struct {
	text    string
	of      func(*engine.Difference) int
	orEqual bool
	bound   float64
	percent bool
}

// ParseCondition reads a condition. The error says what can be written.
func ParseCondition(text string) (Condition, error) {
	c := Condition{text: strings.ReplaceAll(text, " ", "")}
	name, bound, found := strings.Cut(c.text, ">")
	if !found {
		return c, fmt.Errorf("%q is no condition; write one such as moved>5%% or fallback>0", text)
	}
	bound, c.orEqual = strings.CutPrefix(bound, "=")
	bound, c.percent = strings.CutSuffix(bound, "%")
	var err error
	if c.bound, err = strconv.ParseFloat(bound, 64); err != nil || !(c.bound >= 0 && c.bound < 1e12) {
		return c, fmt.Errorf("%q is no condition: %q is neither a number of calls nor a share such as 5%%", text, bound)
	}
	var names []string
	for _, m := range measures {
		if m.name == name {
			c.of = m.of
			return c, nil
		}
		names = append(names, m.name)
	}
	return c, fmt.Errorf("%q is no condition: %q can't be measured; there are %s", text, name, strings.Join(names, ", "))
}

// Met reports whether a difference meets the condition, and says how it stands.
// A share of nothing is nothing.
func (c Condition) Met(d *engine.Difference) (met bool, how string) {
	n := float64(c.of(d))
	how = fmt.Sprintf("%s: %.0f calls", c.text, n)
	if c.percent {
		n *= 100
		if d.Compared > 0 {
			n /= float64(d.Compared)
		}
		how = fmt.Sprintf("%s: %.2f%% of the calls", c.text, n)
	}
	return n > c.bound || c.orEqual && n == c.bound, how
}

//go:build !failpoints

package failpoint

// Here is a step that can fail, or be the last.
func Here(Point) error { return nil }

// Before is Here, and then next unless it fails.
func Before(_ Point, next func() error) error { return next() }

// Pass is a step that can be the last, and can't fail.
func Pass(Point) {}

// Bound is a bound as it is, usual, or so small that a test comes by what lies
// behind it.
func Bound(usual, small int) int { return usual }

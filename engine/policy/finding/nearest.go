package finding

import "github.com/agnivade/levenshtein"

// Nearest is the known name that a misspelt one was probably meant to be; empty
// where none is near.
func Nearest(name string, known []string) string {
	best, least := "", len(name)/3+2 // more edits than that is another word
	for _, k := range known {
		if d := levenshtein.ComputeDistance(name, k); d < least {
			best, least = k, d
		}
	}
	if best != "" {
		return best
	}
	longest := max(3, len(name)/2) // "duration" for "duration_seconds"
	for _, k := range known {
		if n := commonPrefix(name, k); n > longest {
			best, longest = k, n
		}
	}
	return best
}

func commonPrefix(a, b string) int {
	n := 0
	for n < min(len(a), len(b)) && a[n] == b[n] {
		n++
	}
	return n
}

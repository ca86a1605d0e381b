package policy

// nearest is the known name that a misspelt one was probably meant to be; empty
// where none is near.
func nearest(name string, known []string) string {
	best, least := "", len(name)/3+2 // more edits than that is another word
	for _, k := range known {
		if d := edits(name, k); d < least {
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

// edits is the Levenshtein distance, in bytes.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

package engine

import (
	"strings"
	"time"
	"unicode"
)

// Mask hides telephone numbers in a text that goes to a log or an error
// message: every run of seven digits or more, also one broken by blanks,
// hyphens or brackets, or inside a URL, is cut to its last four digits (two
// where it has fewer than ten). A text that is nothing but a short number is
// cut too. Dates are left alone.
func Mask(s string) string {
	runes := []rune(s)
	shortest := 7
	if bare(runes) {
		shortest = 5
	}
	var out strings.Builder
	for i := 0; i < len(runes); {
		if !unicode.IsDigit(runes[i]) {
			out.WriteRune(runes[i])
			i++
			continue
		}
		if isDate(runes[i:]) {
			out.WriteString(string(runes[i : i+len("2006-01-02")]))
			i += len("2006-01-02")
			continue
		}
		end, digits := run(runes[i:], shortest == 5)
		if len(digits) < shortest {
			out.WriteString(string(runes[i : i+end]))
		} else {
			keep := 2
			if len(digits) >= 10 {
				keep = 4
			}
			out.WriteRune('…')
			out.WriteString(string(digits[len(digits)-keep:]))
		}
		i += end
	}
	return out.String()
}

// run measures the digits that s begins with, over the separators between
// them. A dot or slash separates only where the whole text is a number: in
// running text it belongs to a duration, an address or a path.
func run(s []rune, whole bool) (end int, digits []rune) {
	for i, r := range s {
		switch {
		case unicode.IsDigit(r):
			digits = append(digits, r)
			end = i + 1
		case !Separates(r) || !whole && (r == '.' || r == '/'):
			return end, digits
		}
	}
	return end, digits
}

func bare(s []rune) bool {
	for _, r := range s {
		if !unicode.IsDigit(r) && !Separates(r) && r != '+' {
			return false
		}
	}
	return true
}

// isDate reports whether s begins with a date as logs and errors write it.
func isDate(s []rune) bool {
	const length = len("2006-01-02")
	if len(s) < length || len(s) > length && unicode.IsDigit(s[length]) {
		return false
	}
	t, err := time.Parse("2006-01-02", string(s[:length]))
	return err == nil && t.Year() >= 1970 && t.Year() < 2100
}

package engine

import (
	"strconv"
	"strings"

	"github.com/nyaruka/phonenumbers"
)

// maxDigits bounds a number: three of calling code, 17 of national number.
const maxDigits = 20

// line is a telephone line: calling code and national number, in digits.
type line struct{ code, national string }

func (l line) e164() string { return "+" + l.code + l.national }

// parsed is the line as the library wants it. It is built by hand: the
// library's parser would turn letters to digits, cut off what looks like an
// extension, and guess at prefixes.
func (l line) parsed() *phonenumbers.PhoneNumber {
	code, _ := strconv.ParseInt(l.code, 10, 32)
	bare := strings.TrimLeft(l.national, "0")
	number, _ := strconv.ParseUint(bare, 10, 64) // 0 where nothing is left, which is not possible
	p := &phonenumbers.PhoneNumber{CountryCode: new(int32(code)), NationalNumber: new(number)}
	if zeros := len(l.national) - len(bare); zeros > 0 {
		p.ItalianLeadingZero = new(true)
		p.NumberOfLeadingZeros = new(int32(zeros))
	}
	return p
}

func (l line) possible() bool {
	return len(l.national) < maxDigits && strings.Trim(l.national, "0") != "" && phonenumbers.IsPossibleNumber(l.parsed())
}

func (l line) valid() bool {
	return l.possible() && phonenumbers.IsValidNumber(l.parsed())
}

// split takes the digits of an E.164 number apart. Calling codes are
// prefix-free, so the first that fits is the one.
func split(digits string) (line, bool) {
	for i := 1; i <= 3 && i < len(digits); i++ {
		code, err := strconv.Atoi(digits[:i])
		if err != nil || digits[0] == '0' {
			return line{}, false
		}
		if phonenumbers.GetSupportedCallingCodes()[code] {
			return line{digits[:i], digits[i:]}, true
		}
	}
	return line{}, false
}

// international reads the digits after a plus. A trunk zero left standing after
// the country code ("+44 (0)20 ...") is dropped, except where the plan knows the
// number with it.
func international(digits string) (line, bool) {
	l, ok := split(digits)
	if !ok {
		return line{}, false
	}
	if l.national[0] == '0' && !l.valid() {
		code, _ := strconv.Atoi(l.code)
		if phonenumbers.GetNddPrefixForRegion(phonenumbers.GetRegionCodeForCountryCode(code), true) == "0" {
			l.national = strings.TrimLeft(l.national, "0")
		}
	}
	return l, l.possible()
}

// read finds the line that a trimmed text means. did prefers the reading as
// country code and number over a national number of the same digits.
func (n *Numbers) read(text string, did bool) (line, bool) {
	digits, plus, ok := dialled(text)
	switch {
	case !ok:
		return line{}, false
	case plus:
		return international(digits)
	case strings.HasPrefix(digits, "00"):
		// Either an international number or a national one with too many trunk
		// zeros; the plan and then the length decide.
		l, ok := international(digits[2:])
		if ok && (l.valid() || l.code == n.code && len(l.national) == n.length) {
			return l, true
		}
		if m, ok := n.national(digits, did); ok && len(m.national) == n.length {
			return m, true
		}
		return l, ok
	default:
		return n.national(digits, did)
	}
}

// national reads digits as they are dialled at home.
func (n *Numbers) national(digits string, did bool) (line, bool) {
	if n.trunk == "0" {
		digits = strings.TrimLeft(digits, "0")
	}
	plain := line{n.code, digits}
	rest, prefixed := strings.CutPrefix(digits, n.code)
	bare := rest
	if n.trunk == "0" {
		bare = strings.TrimLeft(rest, "0")
	}
	coded := line{n.code, bare}

	switch {
	case len(digits) == n.length && plain.possible():
		return plain, true
	case prefixed && len(rest) == n.length && coded.possible():
		return coded, true
	}
	abroad, known := international(digits)
	switch {
	case did && prefixed && coded.valid():
		return coded, true
	case plain.valid():
		return plain, true
	case known && abroad.valid():
		return abroad, true
	case prefixed && len(bare) == n.length && coded.possible():
		return coded, true // 91 0 99889 12345
	}
	if local, ok := strings.CutPrefix(digits, n.trunk); ok && n.trunk != "" && len(local) == n.length {
		if l := (line{n.code, local}); l.possible() {
			return l, true
		}
	}
	switch {
	case did && prefixed && coded.possible():
		return coded, true
	case plain.possible():
		return plain, true
	case prefixed && coded.possible():
		return coded, true
	}
	return line{}, false
}

// dialled strips a text to its digits and tells whether a plus stood before
// them. Anything but ASCII digits and the usual separators makes it no number:
// a letter or a star is a masked digit, not one to be guessed.
func dialled(text string) (digits string, plus, ok bool) {
	if len(text) > 4 && strings.EqualFold(text[:4], "tel:") {
		text = text[4:]
	}
	buf := make([]byte, 0, maxDigits)
	for _, r := range text {
		switch {
		case r >= '0' && r <= '9':
			if len(buf) == maxDigits {
				return "", false, false
			}
			buf = append(buf, byte(r))
		case r == '+' && !plus && len(buf) == 0:
			plus = true
		case !Separates(r):
			return "", false, false
		}
	}
	return string(buf), plus, len(buf) > 0
}

// Separates reports whether r may stand between the digits of a number: blanks,
// hyphens and dashes, brackets, and the invisible marks that come along when a
// number is copied from a contact.
func Separates(r rune) bool {
	switch r {
	case ' ', '\t', '-', '.', '(', ')', '/', '\u00a0', '\u202f', '\u2212', '\ufeff':
		return true
	}
	return r >= '\u2000' && r <= '\u2015' || r >= '\u202a' && r <= '\u202e' || r >= '\u2060' && r <= '\u2069'
}

func onlyDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

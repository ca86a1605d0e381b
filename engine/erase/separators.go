package erase

import (
	"bytes"
	"strconv"
	"unicode/utf8"

	"switchboard/engine"
)

const (
	// maxSeparators is how many stand in a row: ") - ".
	maxSeparators = 4
	// maxWritten is how many bytes one takes, however it is escaped.
	maxWritten = len("%E2%80%91")
)

// skip passes over what separates digits, from a place on.
func skip(text []byte, at int) int {
	for range maxSeparators {
		n := separatorAt(text, at)
		if n == 0 {
			break
		}
		at += n
	}
	return at
}

// back passes over separators towards the beginning, not before least.
func back(text []byte, least, at int) int {
	for range maxSeparators {
		n := 1
		for ; n <= min(maxWritten, at-least); n++ {
			if separatorAt(text[:at], at-n) == n {
				break
			}
		}
		if n > min(maxWritten, at-least) {
			break
		}
		at -= n
	}
	return at
}

// separatorAt is how many bytes a separator takes at a place: 0 where none is.
// What separates digits where numbers are read does so here, and what else
// stands between them in names of files and in forms.
func separatorAt(text []byte, at int) int {
	if at >= len(text) || '0' <= text[at] && text[at] <= '9' {
		return 0
	}
	r, n := written(text[at:])
	if engine.Separates(r) || r == '_' || r == '+' && n == 1 {
		return n
	}
	return 0
}

// written reads the character that a text begins with, be it escaped as a URL, a
// form or JSON does, which may stand in a text of other JSON. Programs that write
// JSON in ASCII alone escape even the blanks that were pasted with a number.
func written(text []byte) (r rune, n int) {
	if text[0] == '%' {
		return percents(text)
	}
	rest := bytes.TrimLeft(text[:min(len(text), maxWritten)], `\`)
	slashes := len(text[:min(len(text), maxWritten)]) - len(rest)
	switch {
	case slashes == 0:
		return utf8.DecodeRune(text)
	case bytes.HasPrefix(rest, []byte("t")):
		return '\t', slashes + 1
	case bytes.HasPrefix(rest, []byte("/")):
		return '/', slashes + 1
	case bytes.HasPrefix(rest, []byte("u")) && len(rest) >= len("u00a0"):
		if code, err := strconv.ParseUint(string(rest[1:5]), 16, 16); err == nil {
			return rune(code), slashes + len("u00a0")
		}
	}
	return utf8.RuneError, 1
}

// percents reads a character of which each byte is written as %XX.
func percents(text []byte) (r rune, n int) {
	var raw [utf8.UTFMax]byte
	for n < len(raw) && len(text) >= 3 && text[0] == '%' && (n == 0 || !utf8.FullRune(raw[:n])) {
		b, err := strconv.ParseUint(string(text[1:3]), 16, 8)
		if err != nil {
			break
		}
		raw[n], text = byte(b), text[3:]
		n++
	}
	r, _ = utf8.DecodeRune(raw[:n])
	return r, max(1, 3*n)
}

package erase

import (
	"bytes"
	"errors"
	"strings"

	"switchboard/engine"
)

// minDigits is how short a number may be: a shorter one occurs in anything.
const minDigits = 7

// Person is somebody who is to be erased. It does not change and may be used by
// many at once.
type Person struct {
	canonical string
	e164      string
	digits    []byte // what every spelling of the number contains
	code      string // country code before the digits; empty where digits have it
}

// New prepares for a number; the error says what is wrong with it.
func New(n engine.Number) (*Person, error) {
	if !n.Valid || n.E164 == "" {
		return nil, errors.New("it is no telephone number, so nobody can be found by it")
	}
	all := strings.TrimPrefix(n.E164, "+")
	p := &Person{canonical: n.Canonical, e164: n.E164, digits: []byte(all)}
	if national := n.Canonical; !strings.HasPrefix(national, "+") && strings.HasSuffix(all, national) {
		p.digits, p.code = []byte(national), all[:len(all)-len(national)]
	}
	if len(p.digits) < minDigits {
		return nil, errors.New("it is too short to be told from other digits; nothing was erased")
	}
	return p, nil
}

// Canonical is the person's number in canonical form.
func (p *Person) Canonical() string { return p.canonical }

// Is reports whether a number is the person's.
func (p *Person) Is(n engine.Number) bool { return n.Valid && n.E164 == p.e164 }

// IsText reports whether a text is one of the spellings of the person's number
// that consist of digits, with or without a plus.
func (p *Person) IsText(s string) bool {
	s = strings.TrimLeft(strings.TrimPrefix(s, "+"), "0")
	d := string(p.digits)
	return s == d || p.code != "" && s == p.code+d
}

// In reports whether the number occurs in a text.
func (p *Person) In(text []byte) bool {
	from, _ := p.find(text, 0)
	return from >= 0
}

// find returns where the digits occur in a text from a place on; from is -1
// where they don't.
func (p *Person) find(text []byte, at int) (from, to int) {
	for at < len(text) {
		i := bytes.IndexByte(text[at:], p.digits[0])
		if i < 0 {
			break
		}
		at += i
		if end := p.match(text, at); end > 0 {
			return at, end
		}
		at++
	}
	return -1, -1
}

// match returns the end of the digits that begin at a place, 0 where they don't.
func (p *Person) match(text []byte, at int) int {
	for n, d := range p.digits {
		if n > 0 {
			at = skip(text, at)
		}
		if at >= len(text) || text[at] != d {
			return 0
		}
		at++
	}
	return at
}

// Text returns a text without the number, and how often it stood there. Its
// country code, trunk prefix and plus go with it.
func (p *Person) Text(text []byte) (out []byte, n int) {
	if len(text) == 0 {
		return text, 0
	}
	if onlyDigits(text) {
		if p.IsText(string(text)) {
			return []byte(engine.Erased), 1
		}
		return text, 0
	}
	done := 0
	for {
		from, to := p.find(text, done)
		if from < 0 {
			break
		}
		n++
		out = append(append(out, text[done:p.prefix(text, done, from)]...), engine.Erased...)
		done = to
	}
	if n == 0 {
		return text, 0
	}
	return append(out, text[done:]...), n
}

// onlyDigits reports whether a text is a number as programs write it.
func onlyDigits(text []byte) bool {
	text = bytes.TrimPrefix(text, []byte("+"))
	return len(text) > 0 && len(bytes.Trim(text, "0123456789")) == 0
}

// prefix is where a number begins whose digits begin at a place: not before
// least.
func (p *Person) prefix(text []byte, least, at int) int {
	if code := back(text, least, at); p.code != "" && bytes.HasSuffix(text[least:code], []byte(p.code)) {
		before := code - len(p.code)
		if before == least || text[before-1] < '1' || text[before-1] > '9' { // else these are other digits
			at = before
		}
	}
	for at > least && text[at-1] == '0' {
		at--
	}
	for _, plus := range []string{"+", "%2B", "%2b"} {
		if bytes.HasSuffix(text[least:at], []byte(plus)) {
			return at - len(plus)
		}
	}
	return at
}

package engine

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/nyaruka/phonenumbers"
)

// Numbers turns spellings into [Number]s, for one home region. It holds no
// state that changes and is safe for concurrent use.
//
// Length decides what a spelling means, never its first digits alone: a
// ten-digit Indian number may itself begin with 91.
type Numbers struct {
	region string // ISO 3166, "IN"
	code   string // calling code, "91"
	length int    // digits of a typical national number, 10
	trunk  string // what is dialled before a national number, "0"; may be empty
	alone  bool   // no other region shares the calling code
}

// NewNumbers prepares for a home region, an ISO 3166 code such as "IN" in
// either case. The error names what to write instead.
func NewNumbers(region string) (*Numbers, error) {
	region = strings.ToUpper(strings.TrimSpace(region))
	code := phonenumbers.GetCountryCodeForRegion(region)
	if code == 0 {
		return nil, fmt.Errorf("region %q is not known; write the two-letter ISO 3166 code of the home country, such as IN", region)
	}
	example := phonenumbers.GetExampleNumberForType(region, phonenumbers.MOBILE)
	if example == nil {
		example = phonenumbers.GetExampleNumber(region)
	}
	if example == nil {
		return nil, fmt.Errorf("region %q has no numbering plan; write the two-letter ISO 3166 code of the home country, such as IN", region)
	}
	return &Numbers{
		region: region,
		code:   strconv.Itoa(code),
		length: len(phonenumbers.GetNationalSignificantNumber(example)),
		trunk:  phonenumbers.GetNddPrefixForRegion(region, true),
		alone:  len(phonenumbers.GetRegionCodesForCountryCode(code)) == 1,
	}, nil
}

// Region is the ISO 3166 code of the home region, in upper case.
func (n *Numbers) Region() string { return n.region }

// Person reads a person's number in any spelling. Its canonical form is the
// national number for the home region and E.164 with plus otherwise; where the
// national number alone would be read as another line, it is E.164 as well.
// Reading a canonical form gives the same Number again, but for Raw.
func (n *Numbers) Person(raw string) Number {
	if national, ok := n.fast(raw); ok {
		return n.home(raw, national, national)
	}
	text := strings.TrimSpace(raw)
	l, ok := n.read(text, false)
	if !ok {
		return none(raw, text)
	}
	canonical := l.e164()
	if l.code == n.code {
		if again, ok := n.read(l.national, false); ok && again == l {
			canonical = l.national
		}
	}
	return Number{Canonical: canonical, Raw: raw, E164: l.e164(), Country: n.country(l), Valid: true}
}

// DID reads one of the customer's own numbers in any spelling. Its canonical
// form is country code and national number in digits, without plus. A line
// whose digits would be read as another one without their plus is no DID: it is
// not Valid and keeps its text.
func (n *Numbers) DID(raw string) Number {
	if national, ok := n.fast(raw); ok {
		canonical := raw
		if len(raw) == n.length {
			canonical = n.code + raw
		}
		return n.home(raw, national, canonical)
	}
	text := strings.TrimSpace(raw)
	l, ok := n.read(text, true)
	if !ok {
		return none(raw, text)
	}
	canonical := l.code + l.national
	if again, ok := n.read(canonical, true); !ok || again != l {
		return none(raw, text)
	}
	return Number{Canonical: canonical, Raw: raw, E164: l.e164(), Country: n.country(l), Valid: true}
}

// SameLine reports whether two numbers are one line, also where one was read as
// a person's and the other as a DID. Values that are no number are never one
// line: two masked callers may be two people.
func (n *Numbers) SameLine(a, b Number) bool {
	return a.E164 != "" && a.E164 == b.E164
}

// Plausible reports whether the numbering plan knows the number as assigned.
// The plan may be out of date: this is for warnings, not for routing.
func (n *Numbers) Plausible(x Number) bool {
	digits, ok := strings.CutPrefix(x.E164, "+")
	if !ok || !x.Valid {
		return false
	}
	l, ok := split(digits)
	return ok && l.valid()
}

// fast recognises the two spellings that nearly all webhooks use, a bare
// national number and country code plus national number, without a look at the
// numbering plan. It agrees with read wherever it answers.
func (n *Numbers) fast(raw string) (national string, ok bool) {
	switch {
	case len(raw) == n.length:
		national = raw
	case len(raw) == len(n.code)+n.length && strings.HasPrefix(raw, n.code):
		national = raw[len(n.code):]
	default:
		return "", false
	}
	if !n.alone || raw[0] == '0' || national[0] == '0' || !onlyDigits(raw) {
		return "", false
	}
	return national, true
}

func (n *Numbers) home(raw, national, canonical string) Number {
	return Number{Canonical: canonical, Raw: raw, E164: "+" + n.code + national, Country: n.region, Valid: true}
}

// country is the ISO 3166 region of a line; empty where the plan can't tell,
// and for the numbers of no country (satellites, international freephone).
func (n *Numbers) country(l line) string {
	if n.alone && l.code == n.code {
		return n.region
	}
	region := phonenumbers.GetRegionCodeForNumber(l.parsed())
	if len(region) != 2 || region == "ZZ" {
		return ""
	}
	return region
}

// none is a value that is no number.
func none(raw, text string) Number {
	canonical := strings.ToLower(text)
	return Number{Canonical: canonical, Raw: raw, Anonymous: withheld[canonical]}
}

// withheld are the texts that mean "the caller hides".
var withheld = map[string]bool{
	"": true, "-": true, "anonymous": true, "unknown": true, "withheld": true, "private": true, "restricted": true,
	"unavailable": true, "blocked": true, "null": true, "none": true,
}

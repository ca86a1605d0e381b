package engine

import (
	"strings"
	"testing"

	"github.com/nyaruka/phonenumbers"
	"pgregory.net/rapid"
)

var spellings = []string{
	"9988912345", "919988912345", "+919988912345", "09988912345", "0919988912345", "00919988912345", "+91 99889 12345",
	"+91-99889-12345", "9112345678", "919112345678", "18001234567", "9118001234567", "14155552671", "+14155552671",
	"+6581234567", "71234567", "+91 (0)99889 12345", "009171234567", "910998891234", "+44 (0)20 7946 0018", "+39 06 698 12345",
	"99889xxxxx", "905293XXXX", "", "anonymous", "-", "tel:+919988912345", "TEL:", "\u202a99889\u00a012345\u202c", "0", "+0", "000",
	"99889\xff2345", "İ", "123456", "+91123456",
}

func FuzzPerson(f *testing.F) {
	for _, s := range spellings {
		f.Add(s)
	}
	n := numbersFor(f, "IN")
	f.Fuzz(func(t *testing.T, raw string) { checkNumber(t, n, raw, n.Person) })
}

func FuzzDID(f *testing.F) {
	for _, s := range spellings {
		f.Add(s)
	}
	n := numbersFor(f, "IN")
	f.Fuzz(func(t *testing.T, raw string) { checkNumber(t, n, raw, n.DID) })
}

// The same must hold at home anywhere: trunk prefixes, leading zeros and
// shared calling codes differ.
func TestNumbersInEveryRegion(t *testing.T) {
	for region := range phonenumbers.GetSupportedRegions() {
		n := numbersFor(t, region)
		for _, s := range spellings {
			checkNumber(t, n, s, n.Person)
			checkNumber(t, n, s, n.DID)
		}
	}
}

func TestNumbersAreIdempotent(t *testing.T) {
	regions := []string{"IN", "US", "CA", "DE", "IT", "RU", "KZ", "SG", "KR", "AU", "BR", "HU", "CI", "GG", "AR", "MX", "SM"}
	all := map[string]*Numbers{}
	for _, region := range regions {
		all[region] = numbersFor(t, region)
	}
	rapid.Check(t, func(t *rapid.T) {
		n := all[rapid.SampledFrom(regions).Draw(t, "region")]
		raw := rapid.StringMatching(`(\+|00|0)?(91|1|49|39|7|65|82|225|44)?(\(0\))?[0-9]{1,14}`).Draw(t, "raw")
		checkNumber(t, n, raw, n.Person)
		checkNumber(t, n, raw, n.DID)
	})
}

func checkNumber(t interface {
	Helper()
	Fatalf(string, ...any)
}, n *Numbers, raw string, read func(string) Number,
) {
	t.Helper()
	x := read(raw)
	if x.Raw != raw {
		t.Fatalf("%s: %q: the raw value became %q", n.Region(), raw, x.Raw)
	}
	if x.Valid && x.Anonymous || x.Valid != (x.E164 != "") || !x.Valid && x.Country != "" {
		t.Fatalf("%s: %q: contradicts itself: %+v", n.Region(), raw, x)
	}
	if x.Valid && !onlyDigits(strings.TrimPrefix(x.Canonical, "+")) {
		t.Fatalf("%s: %q: canonical form is not digits: %+v", n.Region(), raw, x)
	}
	if !x.Valid && x.Canonical != strings.ToLower(strings.TrimSpace(raw)) {
		t.Fatalf("%s: %q: is no number and does not keep its text: %+v", n.Region(), raw, x)
	}
	again := read(x.Canonical)
	again.Raw = raw
	if again != x {
		t.Fatalf("%s: %q: reads %+v, its canonical form %+v", n.Region(), raw, x, again)
	}
	if x.Valid {
		if e := read(x.E164); e.E164 != x.E164 || e.Canonical != x.Canonical {
			t.Fatalf("%s: %q: reads %+v, its E.164 form %+v", n.Region(), raw, x, e)
		}
	}
}

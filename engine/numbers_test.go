package engine

import (
	"strings"
	"testing"

	"github.com/nyaruka/phonenumbers"
)

func numbersFor(t testing.TB, region string) *Numbers {
	t.Helper()
	n, err := NewNumbers(region)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestEverySpellingOfAPersonIsOneNumber(t *testing.T) {
	n := numbersFor(t, "IN")
	for _, raw := range []string{
		"9988912345", "919988912345", "+919988912345", "09988912345", "0919988912345", "00919988912345",
		"+91 99889 12345", "+91-99889-12345",
		" 9988912345\n", "99889 12345", "(+91) 99889.12345", "+91 (0)99889 12345", "91 0 99889 12345",
		"+91\u00a099889\u201312345", "tel:+919988912345", "TEL:9988912345", "\u202a+919988912345\u202c",
		"009988912345", " 919988912345",
	} {
		got := n.Person(raw)
		want := Number{Canonical: "9988912345", Raw: raw, E164: "+919988912345", Country: "IN", Valid: true}
		if got != want {
			t.Errorf("Person(%q) = %+v, want %+v", raw, got, want)
		}
		if did := n.DID(raw); did.Canonical != "919988912345" || did.E164 != want.E164 || !did.Valid || did.Raw != raw {
			t.Errorf("DID(%q) = %+v", raw, did)
		}
	}
}

func TestPersonAndDID(t *testing.T) {
	tests := []struct {
		region, raw       string
		person, did, e164 string // did empty: no valid DID
		country           string
	}{
		// Length decides: ten digits that begin with the country code.
		{"IN", "9112345678", "9112345678", "919112345678", "+919112345678", "IN"},
		{"IN", "919112345678", "9112345678", "919112345678", "+919112345678", "IN"},
		{"IN", "+919112345678", "9112345678", "919112345678", "+919112345678", "IN"},
		{"IN", "09112345678", "9112345678", "919112345678", "+919112345678", "IN"},
		{"IN", "919191919191", "9191919191", "919191919191", "+919191919191", "IN"},
		// A landline, a number of a series that the plan does not know.
		{"IN", "022 2345 6789", "2223456789", "912223456789", "+912223456789", "IN"},
		{"IN", "1111111111", "1111111111", "911111111111", "+911111111111", "IN"},
		// Freephone, eleven digits.
		{"IN", "18001234567", "18001234567", "9118001234567", "+9118001234567", "IN"},
		{"IN", "9118001234567", "18001234567", "9118001234567", "+9118001234567", "IN"},
		// Fourteen digits: too many for a national number, so the first two are the country.
		{"IN", "91123456789012", "123456789012", "91123456789012", "+91123456789012", "IN"},
		// From elsewhere.
		{"IN", "+14155552671", "+14155552671", "14155552671", "+14155552671", "US"},
		{"IN", "14155552671", "+14155552671", "14155552671", "+14155552671", "US"},
		{"IN", "0014155552671", "+14155552671", "14155552671", "+14155552671", "US"},
		{"IN", "+44 (0)20 7946 0018", "+442079460018", "442079460018", "+442079460018", "GB"},
		{"IN", "+39 02 1234 5678", "+390212345678", "390212345678", "+390212345678", "IT"},
		{"IN", "+88021234567", "+88021234567", "", "+88021234567", "BD"},
		{"IN", "+870773111632", "+870773111632", "870773111632", "+870773111632", ""},
		// Ten digits with country code: without the plus they are an Indian number.
		{"IN", "+6581234567", "+6581234567", "", "+6581234567", "SG"},
		{"IN", "006581234567", "+6581234567", "", "+6581234567", "SG"},
		// Short, but possible; as a DID its digits would mean another line.
		{"IN", "71234567", "71234567", "", "+9171234567", "IN"},
		{"US", "(415) 555-2671", "4155552671", "14155552671", "+14155552671", "US"},
		{"US", "1-415-555-2671", "4155552671", "14155552671", "+14155552671", "US"},
		{"US", "+1 416 555 0134", "4165550134", "14165550134", "+14165550134", "CA"},
		{"US", "+919988912345", "+919988912345", "919988912345", "+919988912345", "IN"},
		{"DE", "030 12345678", "3012345678", "493012345678", "+493012345678", "DE"},
		{"DE", "+49 30 12345678", "3012345678", "493012345678", "+493012345678", "DE"},
		{"IT", "02 1234 5678", "0212345678", "390212345678", "+390212345678", "IT"},
		{"RU", "8 (912) 345-67-89", "9123456789", "79123456789", "+79123456789", "RU"},
		{"SG", "81234567", "81234567", "6581234567", "+6581234567", "SG"},
	}
	for _, tt := range tests {
		n := numbersFor(t, tt.region)
		want := Number{Canonical: tt.person, Raw: tt.raw, E164: tt.e164, Country: tt.country, Valid: true}
		if got := n.Person(tt.raw); got != want {
			t.Errorf("%s: Person(%q) = %+v, want %+v", tt.region, tt.raw, got, want)
		}
		did := n.DID(tt.raw)
		if tt.did == "" {
			if did.Valid || did.E164 != "" || did.Canonical != strings.ToLower(tt.raw) {
				t.Errorf("%s: DID(%q) = %+v, want it to be no DID", tt.region, tt.raw, did)
			}
			continue
		}
		want.Canonical = tt.did
		if did != want {
			t.Errorf("%s: DID(%q) = %+v, want %+v", tt.region, tt.raw, did, want)
		}
	}
}

func TestNoNumberPassesThrough(t *testing.T) {
	n := numbersFor(t, "IN")
	tests := []struct {
		raw, canonical string
		anonymous      bool
	}{
		{"", "", true}, {"  ", "", true}, {"Anonymous", "anonymous", true}, {" UNKNOWN ", "unknown", true},
		{"withheld", "withheld", true}, {"private", "private", true}, {"Restricted", "restricted", true},
		{"unavailable", "unavailable", true}, {"null", "null", true}, {"None", "none", true},
		{"blocked", "blocked", true}, {"-", "-", true},
		{"99889xxxxx", "99889xxxxx", false}, {"905293XXXX", "905293xxxx", false}, {"99889*****", "99889*****", false},
		{"99889#####", "99889#####", false}, {"9988912345x12", "9988912345x12", false},
		{"1-800-FLOWERS", "1-800-flowers", false}, {"9988912345 ext. 7", "9988912345 ext. 7", false},
		{"sip:9988912345@example.com", "sip:9988912345@example.com", false}, {"tel:", "tel:", false},
		{"१२३४५६७८९०", "१२३४५६७८९०", false}, {"++919988912345", "++919988912345", false},
		{"99889+12345", "99889+12345", false}, {"9988912345,9988912346", "9988912345,9988912346", false},
		{"12", "12", false}, {"+", "+", false}, {"0", "0", false}, {"0000000000", "0000000000", false}, {"()", "()", false},
		{"99889123459988912345", "99889123459988912345", false}, {strings.Repeat("9", 64), strings.Repeat("9", 64), false},
		{"99889\xff2345", "99889\ufffd2345", false}, {"9988912345\x00", "9988912345\x00", false},
	}
	for _, tt := range tests {
		want := Number{Canonical: tt.canonical, Raw: tt.raw, Anonymous: tt.anonymous}
		if got := n.Person(tt.raw); got != want {
			t.Errorf("Person(%q) = %+v, want %+v", tt.raw, got, want)
		}
		if got := n.DID(tt.raw); got != want {
			t.Errorf("DID(%q) = %+v, want %+v", tt.raw, got, want)
		}
	}
}

func TestNewNumbersNamesWhatToWrite(t *testing.T) {
	for _, region := range []string{"", "XX", "IND", "91", "001", "in dia"} {
		if _, err := NewNumbers(region); err == nil || !strings.Contains(err.Error(), "such as IN") {
			t.Errorf("NewNumbers(%q): %v", region, err)
		}
	}
	if got := numbersFor(t, " in ").Region(); got != "IN" {
		t.Errorf("Region() = %q", got)
	}
}

func TestSameLine(t *testing.T) {
	n := numbersFor(t, "IN")
	if !n.SameLine(n.Person("08645658689"), n.DID("918645658689")) {
		t.Error("a person's form and a DID's form of one line differ")
	}
	if n.SameLine(n.Person("8645658689"), n.DID("918645658680")) {
		t.Error("two lines are one")
	}
	if n.SameLine(n.Person("99889xxxxx"), n.Person("99889xxxxx")) || n.SameLine(n.Person(""), n.Person("")) {
		t.Error("two hidden callers are one line")
	}
}

func TestPlausible(t *testing.T) {
	n := numbersFor(t, "IN")
	for raw, want := range map[string]bool{
		"9988912345": true, "+14155552671": true, "+390669812345": true, "18001234567": true,
		"1111111111": false, "+14155": false, "99889xxxxx": false, "": false,
	} {
		if got := n.Plausible(n.Person(raw)); got != want {
			t.Errorf("Plausible(%q) = %v, want %v", raw, got, want)
		}
	}
	if !n.Plausible(n.DID("918645658689")) || n.Plausible(Number{E164: "+919988912345"}) {
		t.Error("Plausible must look at the line, and only of a valid number")
	}
}

// The shortcut for plain digits must never answer otherwise than the long way.
func TestFastAgreesWithTheLongWay(t *testing.T) {
	for region := range phonenumbers.GetSupportedRegions() {
		n := numbersFor(t, region)
		slow := *n
		slow.alone = false // refuses the shortcut; countries are then looked up
		for _, first := range "123456789" {
			for _, prefix := range []string{"", n.code} {
				raw := prefix + string(first) + strings.Repeat("4", n.length-1)
				fast, long := n.Person(raw), slow.Person(raw)
				if fast.Canonical != long.Canonical || fast.E164 != long.E164 || fast.Valid != long.Valid {
					t.Errorf("%s: Person(%q) = %+v, the long way %+v", region, raw, fast, long)
				}
				fast, long = n.DID(raw), slow.DID(raw)
				if fast.Canonical != long.Canonical || fast.E164 != long.E164 || fast.Valid != long.Valid {
					t.Errorf("%s: DID(%q) = %+v, the long way %+v", region, raw, fast, long)
				}
			}
		}
	}
}

func BenchmarkNumbers(b *testing.B) {
	n := numbersFor(b, "IN")
	for _, raw := range []string{"9988912345", "919988912345", "+91 99889 12345", "99889xxxxx", "+14155552671"} {
		b.Run(raw, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				n.Person(raw)
			}
		})
	}
}

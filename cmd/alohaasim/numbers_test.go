package main

import (
	"strings"
	"testing"

	"github.com/nyaruka/phonenumbers"
)

func TestCallersAreDistinctIndianMobiles(t *testing.T) {
	for seed := range uint64(5) {
		book, seen := newCallerBook(seed), map[string]bool{}
		for i := range 50_000 {
			n := book.number(i)
			if len(n) != 10 || n[0] < '6' || seen[n] {
				t.Fatalf("seed %d, caller %d is %s", seed, i, n)
			}
			seen[n] = true
		}
		// The far end of the block, where the arithmetic is largest.
		if n := book.number(maxCallers - 1); len(n) != 10 || n[0] < '6' || seen[n] {
			t.Errorf("seed %d: the last caller is %s", seed, n)
		}
	}
	if newCallerBook(1) == newCallerBook(2) {
		t.Error("two seeds, the same callers")
	}
}

// libphonenumber is the judge: every spelling is the same number, also of one
// that itself begins with 91.
func TestSpellingsAreOneNumber(t *testing.T) {
	for _, national := range []string{"9988912345", "9198891234", "8645658689"} {
		seen := map[string]bool{}
		for i := range spellings {
			for _, number := range []string{national, "91" + national} {
				text := spell(number, i)
				seen[text] = true
				dialled := text
				if strings.HasPrefix(text, "0") && len(text) > len("0")+len(national) {
					dialled = "+" + strings.TrimLeft(text, "0") // prefixes that only a human understands
				}
				parsed, err := phonenumbers.Parse(dialled, "IN")
				if err != nil || phonenumbers.GetNationalSignificantNumber(parsed) != national || parsed.GetCountryCode() != 91 {
					t.Errorf("%s reads %v, %v", text, parsed, err)
				}
			}
		}
		if len(seen) != len(spellings) {
			t.Errorf("%d spellings of %s", len(seen), national)
		}
	}
}

func TestSpellLeavesStrangersAlone(t *testing.T) {
	for _, number := range []string{"+14155552671", "1800", "", "99889xxxxx", "442079460018"} {
		if got := spell(number, 2); got != number {
			t.Errorf("%s became %s", number, got)
		}
	}
	if got := spell("918645658689", asDocumented); got != "918645658689" {
		t.Errorf("documented DID became %s", got)
	}
}

func TestMasks(t *testing.T) {
	for got, want := range map[string]string{
		providerMask("9988912345", false): "99889xxxxx",
		providerMask("9988912345", true):  "998891XXXX",
		providerMask("1800", false):       "1800",
	} {
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

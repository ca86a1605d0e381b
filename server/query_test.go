package server

import (
	"net/url"
	"slices"
	"strings"
	"testing"
)

// Whatever is taken for the key is taken out, and nothing else changes.
func FuzzTakeKeyParameter(f *testing.F) {
	for _, seed := range []string{"", "key=a", "did=1&key=a%2Bb&call_id=x", "%6bey=a", "key", "key=%zz&key=b", "&&key=&", "Key=a", "a=key=b", "key;a=1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, query string) {
		rest, given := takeKeyParameter(query)
		if again, more := takeKeyParameter(rest); again != rest || len(more) != 0 {
			t.Fatalf("%q leaves %q, which still holds %q", query, rest, more)
		}
		before, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		for _, key := range before["key"] {
			if !slices.Contains(given, key) {
				t.Fatalf("%q: took %q, want %q among it", query, given, key)
			}
		}
		if len(before["key"]) == 0 && len(given) > 0 {
			t.Fatalf("%q: took %q, want nothing", query, given)
		}
		after, err := url.ParseQuery(rest)
		delete(before, "key")
		if err != nil || after.Encode() != before.Encode() {
			t.Fatalf("%q became %q", query, rest)
		}
	})
}

func TestUnknownName(t *testing.T) {
	known := []string{"caller_number", "did", "call_id", "at"}
	for name, want := range map[string]string{
		"caller": `"caller_number"`, "callid": `"call_id"`, "DID": `"did"`, "call_number": `"caller_number"`, "whatever": "caller_number, did, call_id, at",
	} {
		if got := unknownName("field", name, known); !strings.Contains(got, want) {
			t.Errorf("%s: %s", name, got)
		}
	}
	if got := unknownName("field", "x", nil); !strings.Contains(got, "none") {
		t.Error(got)
	}
}

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"", "abc", 3}, {"abc", "", 3}, {"kitten", "sitting", 3}, {"Reason", "reason", 0}, {"limti", "limit", 2}} {
		if got := distance(c.a, c.b); got != c.want {
			t.Errorf("%q to %q is %d, want %d", c.a, c.b, got, c.want)
		}
	}
}

package access_test

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"switchboard/server/access"
)

func TestParseToken(t *testing.T) {
	for text, want := range map[string]access.Token{
		"s3cret":                       {Name: "admin", Secret: "s3cret"},
		"priya=s3cret":                 {Name: "priya", Secret: "s3cret"},
		"priya: s3cret":                {Name: "priya", Secret: "s3cret"},
		"crm-1.eu: a=b":                {Name: "crm-1.eu", Secret: "a=b"},
		"priya=a: b":                   {Name: "priya", Secret: "a: b"},
		"abcd1234==":                   {Name: "admin", Secret: "abcd1234=="}, // base64
		"abcd1234=":                    {Name: "admin", Secret: "abcd1234="},
		"Abcd/+1=x":                    {Name: "admin", Secret: "Abcd/+1=x"}, // no name begins so
		"https://x:y":                  {Name: "admin", Secret: "https://x:y"},
		strings.Repeat("n", 33) + "=x": {Name: "admin", Secret: strings.Repeat("n", 33) + "=x"},
	} {
		got, err := access.ParseToken(text, "admin")
		if err != nil || got != want {
			t.Errorf("%q: %s %q, %v; want %s %q", text, got.Name, got.Secret, err, want.Name, want.Secret)
		}
	}
	for _, text := range []string{"", "  ", " x", "x ", "a\x00b", "a\nb", "priya=a\tb", "priya=ab ", "priya: ab ", strings.Repeat("x", 1025)} {
		if _, err := access.ParseToken(text, "admin"); err == nil {
			t.Errorf("%q was taken", text)
		} else if s := strings.TrimSpace(text); s != "" && strings.Contains(err.Error(), s) {
			t.Errorf("the error quotes the secret: %v", err)
		}
	}
}

func FuzzParseToken(f *testing.F) {
	for _, s := range []string{"a=b", "a: b", "x", "a==", "=a", ": b", "a=b: c"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := access.ParseToken(text, "admin")
		if err != nil {
			return
		}
		if got.Secret == "" || !strings.HasSuffix(text, got.Secret) {
			t.Errorf("%q has the secret %q", text, got.Secret)
		}
		if got.Name != "admin" && !strings.HasPrefix(text, got.Name) {
			t.Errorf("%q has the name %q", text, got.Name)
		}
		if printed := fmt.Sprintf("%v %+v %#v %s", got, got, got, got); len(got.Secret) > 4 && got.Secret != got.Name &&
			strings.Contains(printed, got.Secret) && !strings.Contains(got.Name, got.Secret) {
			t.Errorf("%q is printed as %q", text, printed)
		}
	})
}

func TestRing(t *testing.T) {
	ring, err := access.Tokens([]access.Token{
		{Name: "priya", Secret: "one"}, {Name: "priya", Secret: "two"}, {Name: "wall", Secret: "three", ReadOnly: true},
	})
	if err != nil || ring.Len() != 3 {
		t.Fatal(ring.Len(), err)
	}
	for secret, want := range map[string]string{"one": "priya", "two": "priya", "three": "wall"} {
		if got, ok := ring.Find(secret); !ok || got.Name != want || got.ReadOnly != (want == "wall") || got.Secret != "" {
			t.Errorf("%s is %+v, %v", secret, got, ok)
		}
	}
	for _, secret := range []string{"", "on", "one ", "ONE", "threee"} {
		if got, ok := ring.Find(secret); ok {
			t.Errorf("%q is %v's", secret, got)
		}
	}
	if _, ok := (access.Ring{}).Find(""); ok {
		t.Error("an empty ring admits somebody")
	}
	if strings.Contains(fmt.Sprintf("%v %+v", ring, ring), "three") {
		t.Error("a ring tells its secrets")
	}
}

func TestRingRefuses(t *testing.T) {
	for name, tokens := range map[string][]access.Token{
		"another name":  {{Name: "a", Secret: "same"}, {Name: "b", Secret: "same"}},
		"another reach": {{Name: "a", Secret: "same"}, {Name: "a", Secret: "same", ReadOnly: true}},
		"empty":         {{Name: "a"}},
	} {
		if _, err := access.Tokens(tokens); err == nil || strings.Contains(err.Error(), "same") || !strings.Contains(err.Error(), "a") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := access.Tokens([]access.Token{{Name: "a", Secret: "same"}, {Name: "a", Secret: "same"}}); err != nil {
		t.Errorf("the same twice: %v", err)
	}
	if _, err := access.Keys([]string{"k", " "}); err == nil {
		t.Error("an empty key was taken")
	}
}

func TestRingsAreCompared(t *testing.T) {
	ring := func(tokens ...access.Token) access.Ring {
		r, err := access.Tokens(tokens)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	a, b := access.Token{Name: "a", Secret: "1"}, access.Token{Name: "b", Secret: "2"}
	if !ring(a, b).Same(ring(b, a)) || !(access.Ring{}).Same(access.Ring{}) {
		t.Error("the same rings differ")
	}
	for _, other := range []access.Ring{{}, ring(a), ring(a, a), ring(a, access.Token{Name: "b", Secret: "3"}), ring(a, access.Token{Name: "c", Secret: "2"})} {
		if ring(a, b).Same(other) || other.Same(ring(a, b)) {
			t.Error("different rings are the same")
		}
	}
}

func TestReadLines(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tokens")
	put := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, text := range []string{"# who may\n\n  priya: one \r\ntwo", "\ufeffpriya: one\r\ntwo\r\n"} {
		put(text)
		got, err := access.ReadLines(path)
		if err != nil || !slices.Equal(got, []string{"priya: one", "two"}) {
			t.Errorf("%q, %v", got, err)
		}
	}
	for text, says := range map[string]string{"# nobody\n": "no secret", "": "no secret", "\ufeff": "no secret", strings.Repeat("x\n", 1<<20): "larger"} {
		put(text)
		if got, err := access.ReadLines(path); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%d lines, %v", len(got), err)
		}
	}
	if _, err := access.ReadLines(path + ".gone"); err == nil {
		t.Error("a missing file holds secrets")
	}
}

func TestFailuresAreLimitedByAddress(t *testing.T) {
	f, now := access.NewFailures(), time.Unix(1763802300, 0)
	at := func(s string) netip.Addr { return netip.MustParseAddr(s) }
	tries := func(from string) (n int) {
		for ; n < 1000 && f.Wait(at(from), now) == 0; n++ {
			f.Failed(at(from), now)
		}
		return n
	}
	if n := tries("192.0.2.1"); n != 20 {
		t.Errorf("%d vain tries at once", n)
	}
	if wait := f.Wait(at("192.0.2.1"), now); wait <= 0 || wait > 6*time.Second {
		t.Errorf("waits %v", wait)
	}
	if n := tries("::ffff:192.0.2.1"); n != 0 {
		t.Errorf("%d tries by the same address in other words", n)
	}
	if n := tries("192.0.2.2"); n != 20 {
		t.Errorf("%d tries by another address", n)
	}
	if n := tries("2001:db8::1"); n != 20 {
		t.Errorf("%d tries", n)
	}
	if n := tries("2001:db8::2%eth0"); n != 0 {
		t.Errorf("%d tries by a neighbour of the same network", n)
	}
	now = now.Add(6 * time.Second)
	if n := tries("192.0.2.1"); n != 1 {
		t.Errorf("%d tries after a while", n)
	}
	now = now.Add(time.Hour)
	if n := tries("192.0.2.1"); n != 20 {
		t.Errorf("%d tries after an hour", n)
	}
}

// Whoever shares an address with an attacker gets in as long as the right secret
// came from there lately.
func TestASuccessKeepsTheDoorOpen(t *testing.T) {
	f, now, from := access.NewFailures(), time.Unix(1763802300, 0), netip.MustParseAddr("192.0.2.1")
	f.Passed(from, now)
	for range 100 {
		f.Failed(from, now)
	}
	if wait := f.Wait(from, now); wait != 0 {
		t.Errorf("waits %v", wait)
	}
	now = now.Add(time.Hour)
	for range 100 {
		f.Failed(from, now)
	}
	if f.Wait(from, now) == 0 {
		t.Error("an old success counts for ever")
	}
}

func TestFailuresAreBounded(t *testing.T) {
	f, now := access.NewFailures(), time.Unix(1763802300, 0)
	first := netip.MustParseAddr("10.0.0.0")
	for range 20 {
		f.Failed(first, now)
	}
	a := first
	for range 4096 {
		a = a.Next()
		f.Failed(a, now)
	}
	if f.Wait(first, now) != 0 {
		t.Error("the table has no end")
	}
}

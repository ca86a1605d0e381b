package relay_test

import (
	"net/url"
	"regexp"
	"strings"
	"testing"

	"switchboard/server/relay"
)

var wholeID = regexp.MustCompile(`^[a-z0-9-]+$`)

// FuzzParseTarget: whatever an operator types, an identity is one that paths and
// labels can hold, and nothing that people see shows what follows the host.
func FuzzParseTarget(f *testing.F) {
	for _, text := range []string{
		"https://crm.example.com/calls?token=t0ken", "crm=https://u:pa55@crm.example.com:8443/x#y", "http://[::1]:9/", "https://xn--bcher-kva.example/",
		"a=b=https://x/", "https://x.example.com/%2e%2e/?a=%zz", "https://9988912345.example.com/9988912345", "", "=", "https://",
	} {
		f.Add(text, true)
		f.Add(text, false)
	}
	f.Fuzz(func(t *testing.T, text string, allow bool) {
		got, err := relay.ParseTarget(text, allow)
		if err != nil {
			if u, perr := url.Parse(text); perr == nil && u.User != nil {
				if p, _ := u.User.Password(); len(p) > 6 && !strings.Contains(u.Host, p) && strings.Contains(err.Error(), p) {
					t.Errorf("the error shows the password: %v", err)
				}
			}
			return
		}
		if !wholeID.MatchString(got.ID) || len(got.ID) > 64 {
			t.Errorf("%q has the ID %q", text, got.ID)
		}
		if !allow && got.URL.Scheme != "https" {
			t.Errorf("%q was taken without encryption", text)
		}
		label, err := url.Parse(strings.TrimSuffix(got.Label(), "/…"))
		if err != nil || label.User != nil || label.RawQuery != "" || label.Path != "" {
			t.Errorf("%q is shown as %q (%v)", text, got.Label(), err)
		}
		if again, err := relay.ParseTarget(text, allow); err != nil || again.ID != got.ID {
			t.Errorf("%q is %q and then %q, %v", text, got.ID, again.ID, err)
		}
	})
}

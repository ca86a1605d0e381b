package relay_test

import (
	"strings"
	"testing"

	"switchboard/server/relay"
)

func TestTargetsAreRead(t *testing.T) {
	for text, want := range map[string][2]string{ // ID and label
		"https://crm.example.com/calls?token=t0ken":                    {"crm-example-com-", "https://crm.example.com/…"},
		"crm=https://u:p@crm.example.com:8443/?x=y#frag":               {"crm", "https://crm.example.com:8443"},
		"https://a-name-that-is-longer-than-it-should-be.example.com/": {"a-name-that-is-longer-th-", "https://a-name-that-is-longer-than-it-should-be.example.com"},
		"https://crm.example.com/of/9988912345":                        {"crm-example-com-", "https://crm.example.com/…"},
		"https://[2606:4700::1111]/":                                   {"2606-4700-1111-", "https://[2606:4700::1111]"},
	} {
		got, err := relay.ParseTarget(text, false)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if !strings.HasPrefix(got.ID, want[0]) || strings.Contains(got.ID, ".") || got.Label() != want[1] {
			t.Errorf("%s is %q, %q", text, got.ID, got.Label())
		}
	}
	// Query and credentials are no part of the identity; scheme, host and path are.
	id := func(text string) string {
		out, err := relay.ParseTarget(text, true)
		if err != nil {
			t.Fatal(err)
		}
		return out.ID
	}
	if id("https://x.example.com/a?b=1") != id("https://u:p@X.example.com/a?b=2") {
		t.Error("a new token makes another target")
	}
	for _, other := range []string{"https://x.example.com/b", "http://x.example.com/a", "https://x.example.com:444/a"} {
		if id("https://x.example.com/a") == id(other) {
			t.Errorf("%s is the same target", other)
		}
	}
}

func TestAddressesThatAreRefused(t *testing.T) {
	for _, text := range []string{
		"", "crm", "crm=", "ftp://x.example.com/", "https://", "https:///x", "https://u:pa55@[::1", "://pa55",
		"http://x.example.com/", "https://localhost/", "https://LOCALHOST./", "https://a.localhost/", "https://127.0.0.1/", "https://127.1.2.3:99/",
		"https://10.1.2.3/", "https://192.168.1.1/", "https://172.16.0.1/", "https://169.254.169.254/latest", "https://100.64.0.1/",
		"https://0.0.0.0/", "https://[::1]/", "https://[fe80::1]/", "https://[fc00::1]/", "https://[::ffff:127.0.0.1]/", "https://224.0.0.1/", "https://[::]/",
	} {
		_, err := relay.ParseTarget(text, false)
		if err == nil {
			t.Errorf("%q was taken", text)
		} else if strings.Contains(err.Error(), "pa55") {
			t.Errorf("the error shows a password: %v", err)
		}
	}
	for _, text := range []string{"http://10.1.2.3/", "https://localhost:8443/", "http://[::1]:9/"} {
		if _, err := relay.ParseTarget(text, true); err != nil {
			t.Errorf("%q although private addresses are allowed: %v", text, err)
		}
	}
}

func TestSecretsAreAssigned(t *testing.T) {
	list := func(texts ...string) (out []relay.Target) {
		for _, text := range texts {
			out = append(out, target(t, text))
		}
		return out
	}
	calls, ops := list("a=https://a.example.com/", "b=https://b.example.com/"), list("a=https://a.example.com/")
	if err := relay.Assign([]string{secretA, "b=" + secretB}, calls, ops); err != nil {
		t.Fatal(err)
	}
	if calls[0].Secrets[0] != secretA || calls[1].Secrets[0] != secretB || len(calls[1].Secrets) != 1 || ops[0].Secrets[0] != secretA {
		t.Errorf("assigned %v %v", calls, ops)
	}
	for name, secrets := range map[string][]string{
		"no secret":      {"a=" + secretA},
		"whsec_":         {"hunter2hunter2"},
		"base64":         {"whsec_!!"},
		"24 to 64":       {"whsec_c2hvcnQ="},
		`for "nobody"`:   {secretA, "nobody=" + secretA},
		"has no secret ": nil,
	} {
		err := relay.Assign(secrets, list("a=https://a.example.com/", "b=https://b.example.com/"))
		if err == nil || !strings.Contains(err.Error(), name) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := relay.Assign([]string{secretA}, list("https://a.example.com/", "https://a.example.com/?x")); err == nil {
		t.Error("two targets of one identity")
	}
}

package main

import "testing"

func TestAddressesAreMasked(t *testing.T) {
	for text, want := range map[string]string{
		"https://crm.example":                      "https://crm.example",
		"https://crm.example/":                     "https://crm.example",
		"https://user:pass@crm.example/":           "https://crm.example/[secret]",
		"https://hooks.example/services/T0/B0/xyz": "https://hooks.example/[secret]",
		"crm=https://crm.example:8443/in?k=v=w":    "crm=https://crm.example:8443/[secret]",
		"https://crm.example/?token=abc":           "https://crm.example/[secret]",
		"no address":                               "[secret]",
	} {
		if got := maskURL(text); got != want {
			t.Errorf("%q is shown as %q, want %q", text, got, want)
		}
	}
}

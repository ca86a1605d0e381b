package server_test

import (
	"strings"
	"testing"
	"time"

	"switchboard/server"
	"switchboard/server/access"
)

func TestOptionsNameTheFieldAtFault(t *testing.T) {
	for says, change := range map[string]func(*server.Options){
		"Numbers":         func(o *server.Options) { o.Numbers = nil },
		"Metrics":         func(o *server.Options) { o.Metrics = nil },
		"Router":          func(o *server.Options) { o.Router = nil },
		"Completer":       func(o *server.Options) { o.Completer = nil },
		"History":         func(o *server.Options) { o.History = nil },
		"Quarantine":      func(o *server.Options) { o.Quarantine = nil },
		"Policies":        func(o *server.Options) { o.Policies = nil },
		"Live":            func(o *server.Options) { o.Live = nil },
		"Listen":          func(o *server.Options) { o.Listen = "8080" },
		"PrivateListen":   func(o *server.Options) { o.PrivateListen = "localhost" },
		"Keys":            func(o *server.Options) { o.Keys = []string{"a", " "} },
		"Tokens":          func(o *server.Options) { o.Tokens = []access.Token{{Name: "admin"}} },
		"share a token":   func(o *server.Options) { o.Tokens = tokens("a", "a") },
		"KeyHeader":       func(o *server.Options) { o.KeyHeader = "X Key" },
		"KeyHeader \"aut": func(o *server.Options) { o.KeyHeader = "authorization" },
		"ReadTimeout":     func(o *server.Options) { o.ReadTimeout = -time.Second },
		"PrivateTimeout":  func(o *server.Options) { o.PrivateTimeout = -1 },
	} {
		_, o := prepare(t)
		change(&o)
		if _, err := server.New(o); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", says, err)
		}
	}
}

func TestOpenListenersAreRefused(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*server.Options)
		says   string // empty: taken
	}{
		{"defaults", func(o *server.Options) { o.Listen, o.PrivateListen = "", "" }, ""},
		{"localhost", func(o *server.Options) { o.Listen = "localhost:0" }, ""},
		{"IPv6 loopback", func(o *server.Options) { o.Listen = "[::1]:0" }, ""},
		{"all addresses", func(o *server.Options) { o.Listen = ":0" }, "--insecure"},
		{"any IPv4", func(o *server.Options) { o.Listen = "0.0.0.0:0" }, "--key"},
		{"a name", func(o *server.Options) { o.Listen = "switchboard.example:0" }, "--key"},
		{"with a key", func(o *server.Options) { o.Listen, o.Keys = ":0", []string{"s"} }, ""},
		{"insecure", func(o *server.Options) { o.Listen, o.Insecure = ":0", true }, ""},
		{"private", func(o *server.Options) { o.PrivateListen = ":0" }, "--private-token"},
		{"private, insecure", func(o *server.Options) { o.PrivateListen, o.Insecure = ":0", true }, "--private-token"},
		{"private, a key", func(o *server.Options) { o.PrivateListen, o.Keys = ":0", []string{"s"} }, "--private-token"},
		{"private, a token", func(o *server.Options) { o.PrivateListen, o.Tokens = ":0", tokens("", "s") }, ""},
	} {
		_, o := prepare(t)
		c.change(&o)
		_, err := server.New(o)
		if (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want it to say %q", c.name, err, c.says)
		}
	}
}

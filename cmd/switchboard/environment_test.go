package main

import (
	"context"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

func commandLine(t *testing.T) *kong.Application {
	t.Helper()
	parser, err := invocation{ctx: context.Background()}.parser(new(cli), func(int) {})
	if err != nil {
		t.Fatal(err)
	}
	return parser.Model
}

func TestVariablesThatAreNoSettings(t *testing.T) {
	app := commandLine(t)
	for pair, says := range map[string]string{
		"SWITCHBOARD_FALLBACK=9876543210":                  "",
		"SWITCHBOARD_PRIVATE_TOKEN_FILE=/run/tokens":       "",
		"SWITCHBOARD_CONFIG=x.yaml":                        "",
		"PATH=/bin":                                        "",
		"SWITCHBOARDX=1":                                   "",
		"SWITCHBOARD_SERVICE_HOST=10.0.0.1":                "", // as Kubernetes sets them
		"SWITCHBOARD_SERVICE_PORT=8080":                    "",
		"SWITCHBOARD_SERVICE_PORT_WEBHOOKS=8080":           "",
		"SWITCHBOARD_PORT=tcp://10.0.0.1:8080":             "",
		"SWITCHBOARD_PORT_8080_TCP=tcp://10.0.0.1:8080":    "",
		"SWITCHBOARD_PORT_8080_TCP_ADDR=10.0.0.1":          "",
		"SWITCHBOARD_PRIVATE_SERVICE_HOST=10.0.0.1":        "",
		"SWITCHBOARD_PRIVATE_PORT_8081_TCP_PROTO=tcp":      "",
		"SWITCHBOARD_FALLBAK=1":                            "did you mean SWITCHBOARD_FALLBACK?",
		"SWITCHBOARD_KEYFILE=1":                            "did you mean SWITCHBOARD_KEY_FILE?",
		"SWITCHBOARD_PRIVATE_TOKENFILE=1":                  "did you mean SWITCHBOARD_PRIVATE_TOKEN_FILE?",
		"SWITCHBOARD_FROBNICATE_THE_QUUXES_PERIODICALLY=1": "switchboard serve --help lists them",
	} {
		err := checkEnvironment(app, []string{"HOME=/", pair})
		switch {
		case says == "" && err != nil:
			t.Errorf("%s: %v", pair, err)
		case says != "" && (err == nil || !strings.Contains(err.Error(), says)):
			t.Errorf("%s: %v, want it to say %q", pair, err, says)
		}
	}
}

// A variable says what a flag says that is given several times, one value a line.
func TestVariablesOfSeveralLines(t *testing.T) {
	t.Setenv("SWITCHBOARD_KEY", "first,key\n second key \r\n\n")
	t.Setenv("SWITCHBOARD_PRIVATE_TOKEN", "priya=token-0123456789\nother-token-0123456789\n")
	t.Setenv("SWITCHBOARD_FALLBACK_DID", "918645658689=9876543210\n+91 86456 58690=9876543211, 8645658691=9876543212\n")
	t.Setenv("SWITCHBOARD_RELAY", "crm=https://crm.example.com/calls") // one value is taken as it stands
	c, _, err := invocation{ctx: t.Context(), args: []string{"serve"}}.again()
	if err != nil {
		t.Fatal(err)
	}
	secrets, err := c.Serve.secrets()
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"first,key", "second key"}; !slices.Equal(secrets.Keys, want) {
		t.Errorf("the keys are %q, want %q", secrets.Keys, want)
	}
	if len(secrets.Tokens) != 2 || secrets.Tokens[0].Name != "priya" || secrets.Tokens[1].Secret != "other-token-0123456789" {
		t.Errorf("the tokens are those of %v", secrets.Tokens)
	}
	if want := []string{"crm=https://crm.example.com/calls"}; !slices.Equal(c.Serve.Relay, want) {
		t.Errorf("the relay's targets are %q, want %q", c.Serve.Relay, want)
	}
	numbers, err := c.Serve.numbers()
	if err != nil {
		t.Fatal(err)
	}
	judge, err := c.Serve.judge(numbers)
	want := map[string]string{"918645658689": "9876543210", "918645658690": "9876543211", "918645658691": "9876543212"}
	if err != nil || !maps.Equal(judge.DIDFallbacks, want) {
		t.Errorf("the fallbacks are %v, %v; want %v", judge.DIDFallbacks, err, want)
	}

	c, _, err = invocation{ctx: t.Context(), args: []string{"calls", "list"}}.again()
	if err != nil {
		t.Fatal(err)
	}
	if token, err := c.Calls.List.token(); token != "token-0123456789" || err != nil {
		t.Errorf("a command shows the token %q, %v", token, err)
	}
}

// What is empty is refused, not left out: a secret that is not there would leave
// a listener open.
func TestVariablesOfEmptyLines(t *testing.T) {
	for _, text := range []string{"", "\n", " \r\n\n"} {
		t.Setenv("SWITCHBOARD_KEY", text)
		c, _, err := invocation{ctx: t.Context(), args: []string{"serve"}}.again()
		if err != nil {
			t.Fatal(err)
		}
		if secrets, err := c.Serve.secrets(); err == nil {
			t.Errorf("%q gives the keys %q", text, secrets.Keys)
		}
	}
}

// A flag that carries a secret must say so, or switchboard config prints it.
func TestSecretFlagsAreMarked(t *testing.T) {
	secret := regexp.MustCompile(`(^|-)(key|token|secret|password)$`)
	public := map[string]bool{"tls-key": true, "private-tls-key": true} // names of files
	found := 0
	for _, node := range commandLine(t).Children {
		if node.Name != "config" {
			continue
		}
		for _, flag := range node.Flags {
			if !secret.MatchString(flag.Name) || public[flag.Name] {
				continue
			}
			found++
			if kind := flag.Tag.Get("secret"); kind != "bare" && kind != "named" {
				t.Errorf("--%s carries a secret and has no tag that says so", flag.Name)
			}
		}
	}
	if found < 3 {
		t.Errorf("only %d secrets were found", found)
	}
}

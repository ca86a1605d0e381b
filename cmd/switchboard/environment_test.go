package main

import (
	"context"
	"regexp"
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

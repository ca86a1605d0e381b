package access_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"switchboard/server/access"
)

// Each line of a tokens file is a token or refused, and neither the error nor
// the token's own text tells the secret.
func FuzzTokensFile(f *testing.F) {
	for _, seed := range []string{"", "priya: 0123456789abcdef\n", "# comment\n\n0123456789abcdef", "a=b:c\r\nb: \x00", ": x", "priya:", "\xff\xfe", "a: 0123456789abcdef\na: 0123456789abcdef"} {
		f.Add([]byte(seed))
	}
	path := filepath.Join(f.TempDir(), "tokens")
	f.Fuzz(func(t *testing.T, text []byte) {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		lines, err := access.ReadLines(path)
		if err != nil {
			return
		}
		var tokens []access.Token
		for _, line := range lines {
			token, err := access.ParseToken(line, "admin")
			if err != nil {
				continue
			}
			if token.Name == "" || token.Secret == "" {
				t.Fatalf("%q is %q and %q", line, token.Name, token.Secret)
			}
			tokens = append(tokens, token)
		}
		ring, err := access.Tokens(tokens)
		if err != nil {
			for _, token := range tokens {
				if len(token.Secret) > 8 && strings.Contains(err.Error(), token.Secret) && token.Secret != token.Name {
					t.Fatalf("the error tells a secret: %v", err)
				}
			}
			return
		}
		for _, token := range tokens {
			if _, found := ring.Find(token.Secret); !found {
				t.Fatalf("%q is not found again", token.Secret)
			}
		}
	})
}

package access

import (
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"unicode"
)

// Bounds of what is given as a secret.
const (
	// MinSecret is below how many bytes a secret can be guessed.
	MinSecret = 16
	maxSecret = 1024
	maxFile   = 1 << 20
)

// Token is a secret with the name of who uses it, and how far it reaches.
type Token struct {
	Name     string
	Secret   string
	ReadOnly bool // opens what changes nothing
}

// GoString hides the secret from a careless %#v; String from the rest.
func (t Token) GoString() string { return t.String() }

func (t Token) String() string { return t.Name }

// A name is short and lower-case, so that a token that ends in the signs of
// base64 is not taken for a name and a token.
var nameForm = regexp.MustCompile(`^[a-z][a-z0-9_.-]{0,31}$`)

// ParseToken reads NAME=TOKEN, "NAME: TOKEN" or a bare TOKEN, which goes by the
// name given. Its errors do not quote it.
func ParseToken(text, name string) (Token, error) {
	t := Token{Name: name, Secret: text}
	for _, sign := range []string{"=", ": "} {
		left, right, ok := strings.Cut(text, sign)
		right = strings.TrimLeft(right, " ") // one that ends in a blank is refused below, as a bare token is
		if ok && nameForm.MatchString(left) && strings.Trim(right, "=") != "" {
			t.Name, t.Secret = left, right
			break
		}
	}
	return t, CheckSecret(t.Secret)
}

// CheckSecret refuses what can be no secret: nothing, blanks around it, signs
// that no header carries, or more than a header should.
func CheckSecret(secret string) error {
	switch {
	case strings.TrimSpace(secret) == "":
		return errors.New("it is empty, which would let everybody in; leave it out or give a secret")
	case len(secret) > maxSecret:
		return fmt.Errorf("it has %d bytes; a secret has at most %d", len(secret), maxSecret)
	case strings.TrimSpace(secret) != secret || strings.ContainsFunc(secret, unicode.IsControl):
		return errors.New("it begins or ends with a blank or holds a control character, which no header carries; write it without")
	}
	return nil
}

// ReadLines returns the lines of a file that holds secrets, one a line; lines
// that are empty or begin with # don't count. A file without any is an error, as
// is one that is larger than secrets are.
func ReadLines(path string) ([]string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	switch {
	case err != nil:
		return nil, err
	case len(text) > maxFile:
		return nil, fmt.Errorf("%s is larger than %d bytes, so it is no file of secrets", path, maxFile)
	}
	var lines []string
	// Some editors begin a file with a mark that nobody sees, which would be a
	// part of the first secret.
	for line := range strings.Lines(strings.TrimPrefix(string(text), "\ufeff")) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			lines = append(lines, line)
		}
	}
	if len(lines) == 0 {
		return nil, fmt.Errorf("%s holds no secret; put one a line", path)
	}
	return lines, nil
}

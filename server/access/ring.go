package access

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
)

// Ring is a set of secrets. The zero value holds none and admits nobody.
type Ring struct {
	hashes [][sha256.Size]byte // all of one length: comparing takes the same time whatever was sent
	tokens []Token             // of each, without its secret
}

// Keys is a ring of secrets that nobody tells apart.
func Keys(secrets []string) (Ring, error) {
	var r Ring
	for _, s := range secrets {
		if err := CheckSecret(s); err != nil {
			return Ring{}, err
		}
		r.add(Token{Secret: s})
	}
	return r, nil
}

// Tokens is a ring of tokens. Two may go by one name, which is how a token is
// changed; one secret with two meanings is an error.
func Tokens(tokens []Token) (Ring, error) {
	var r Ring
	for _, t := range tokens {
		if err := CheckSecret(t.Secret); err != nil {
			return Ring{}, fmt.Errorf("the token of %s: %w", t.Name, err)
		}
		if had, there := r.Find(t.Secret); there && (had.Name != t.Name || had.ReadOnly != t.ReadOnly) {
			return Ring{}, fmt.Errorf("%s and %s share a token; give each one of its own", had.Name, t.Name)
		}
		r.add(t)
	}
	return r, nil
}

func (r *Ring) add(t Token) {
	r.hashes = append(r.hashes, sha256.Sum256([]byte(t.Secret)))
	t.Secret = ""
	r.tokens = append(r.tokens, t)
}

// Len is how many secrets the ring holds.
func (r Ring) Len() int { return len(r.hashes) }

// Find tells whose secret this is. It compares with all of them, whichever
// matches. The token found does not carry the secret.
func (r Ring) Find(secret string) (Token, bool) {
	sum := sha256.Sum256([]byte(secret))
	found := -1
	for i := range r.hashes {
		found = subtle.ConstantTimeSelect(subtle.ConstantTimeCompare(r.hashes[i][:], sum[:]), i, found)
	}
	if found < 0 {
		return Token{}, false
	}
	return r.tokens[found], true
}

// Same reports whether two rings admit the same tokens under the same names.
func (r Ring) Same(o Ring) bool {
	return len(r.hashes) == len(o.hashes) && r.within(o) && o.within(r)
}

func (r Ring) within(o Ring) bool {
	for i, h := range r.hashes {
		there := false
		for j := range o.hashes {
			there = there || h == o.hashes[j] && r.tokens[i] == o.tokens[j]
		}
		if !there {
			return false
		}
	}
	return true
}

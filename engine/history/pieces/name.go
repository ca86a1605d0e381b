package pieces

import (
	"crypto/sha256"
	"errors"
)

// Name is the SHA-256 of a piece's text.
type Name [sha256.Size]byte

func nameOf(text []byte) Name { return sha256.Sum256(text) }

// MarshalText writes a name with the letters a to p: without a digit nobody's
// telephone number is ever found in it, when a person is erased from records.
func (n Name) MarshalText() ([]byte, error) {
	out := make([]byte, 0, 2*len(n))
	for _, b := range n {
		out = append(out, 'a'+b>>4, 'a'+b&15)
	}
	return out, nil
}

// UnmarshalText reads what MarshalText wrote.
func (n *Name) UnmarshalText(text []byte) error {
	if len(text) != 2*len(n) {
		return errName
	}
	for i, c := range text {
		if c < 'a' || c > 'p' {
			return errName
		}
		n[i/2] = n[i/2]<<4 | (c - 'a')
	}
	return nil
}

var errName = errors.New("what should be the name of a piece is none")

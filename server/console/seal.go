package console

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
)

// seal turns a number into a reference that a link can carry and only this
// process can read. Addresses end up in histories, logs and screenshots, where
// a masked page's numbers have no business. The same number has the same
// reference until the server restarts.
type seal struct {
	aead cipher.AEAD
	mac  []byte
}

func newSeal() *seal {
	key := make([]byte, 32)
	mac := make([]byte, 32)
	_, _ = rand.Read(key) // never fails, says crypto/rand
	_, _ = rand.Read(mac)
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err) // the key has the right length
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic(err)
	}
	return &seal{aead: aead, mac: mac}
}

// of is the reference of a number, empty for none. The nonce is a hash of the
// number: it repeats only where the number does.
func (s *seal) of(number string) string {
	if number == "" {
		return ""
	}
	h := hmac.New(sha256.New, s.mac)
	h.Write([]byte(number))
	nonce := h.Sum(nil)[:s.aead.NonceSize()]
	return base64.RawURLEncoding.EncodeToString(s.aead.Seal(nonce, nonce, []byte(number), nil))
}

// number reads a reference back; false for what this process did not make.
func (s *seal) number(ref string) (string, bool) {
	b, err := base64.RawURLEncoding.DecodeString(ref)
	if err != nil || len(b) < s.aead.NonceSize() {
		return "", false
	}
	n := s.aead.NonceSize()
	plain, err := s.aead.Open(nil, b[:n], b[n:], nil)
	return string(plain), err == nil
}

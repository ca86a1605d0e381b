package pieces

import (
	"bytes"
	"compress/flate"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"go.etcd.io/bbolt"
)

// ErrMissing: a piece is not there, or is not what its name says.
var ErrMissing = errors.New("a piece of its files is missing or damaged")

// Files returns the files of a set by its list.
func Files(v view, list []Name) (map[string][]byte, error) {
	paths, err := Paths(v, list)
	if err != nil {
		return nil, err
	}
	var names []Name
	for _, of := range paths {
		names = append(names, of...)
	}
	texts, err := Texts(v, names)
	if err != nil {
		return nil, err
	}
	out := make(map[string][]byte, len(paths))
	for path, of := range paths {
		text := []byte{}
		for _, name := range of {
			text = append(text, texts[name]...)
		}
		out[path] = text
	}
	return out, nil
}

// Paths returns what a set consists of: each file's pieces, in order.
func Paths(v view, list []Name) (out map[string][]Name, err error) {
	texts, err := Texts(v, list)
	if err != nil {
		return nil, err
	}
	return paths(list, texts)
}

func paths(list []Name, texts map[Name][]byte) (out map[string][]Name, err error) {
	var text []byte
	for _, name := range list {
		text = append(text, texts[name]...)
	}
	if err := json.Unmarshal(text, &out); err != nil {
		return nil, fmt.Errorf("%w: its list can't be read: %w", ErrMissing, err)
	}
	return out, nil
}

// Texts returns pieces by name. They are decompressed when the transaction is
// over.
func Texts(v view, names []Name) (map[Name][]byte, error) {
	packed := make(map[Name][]byte, len(names))
	err := v(func(tx *bbolt.Tx) error {
		b := tx.Bucket(bucket)
		for _, name := range names {
			if _, have := packed[name]; b != nil && !have {
				packed[name] = bytes.Clone(b.Get(name[:]))
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if packed[name] == nil {
			return nil, fmt.Errorf("%w: %s", ErrMissing, short(name))
		}
	}
	for name, p := range packed {
		if packed[name], err = unpack(name, p); err != nil {
			return nil, err
		}
	}
	return packed, nil
}

func unpack(name Name, packed []byte) ([]byte, error) {
	r := flate.NewReader(bytes.NewReader(packed))
	text, err := io.ReadAll(r)
	if err != nil || nameOf(text) != name {
		return nil, fmt.Errorf("%w: %s", ErrMissing, short(name))
	}
	return text, nil
}

// short is the beginning of a name, for people.
func short(name Name) string {
	text, _ := name.MarshalText()
	return string(text[:12])
}

package pieces

import (
	"bytes"
	"context"

	"go.etcd.io/bbolt"
)

// Is reports whether a bucket of the log's file is that of the pieces.
func Is(name []byte) bool { return bytes.Equal(name, bucket) }

// Marks are the pieces that are needed.
type Marks map[Name]bool

// Add marks what a set needs. The error is ErrMissing where its list can't be
// read.
func (m Marks) Add(tx *bbolt.Tx, list []Name) error {
	for _, name := range list {
		m[name] = true
	}
	paths, err := Paths(func(f func(*bbolt.Tx) error) error { return f(tx) }, list)
	for _, of := range paths {
		for _, name := range of {
			m[name] = true
		}
	}
	return err
}

// step is how many names one transaction passes over.
const step = 4096

// each shows all names, and their packed texts for the moment of the call.
func each(ctx context.Context, v view, f func(name Name, packed []byte)) error {
	from := []byte{}
	for from != nil {
		if err := ctx.Err(); err != nil {
			return err
		}
		at := from
		from = nil // also where there is no file
		err := v(func(tx *bbolt.Tx) error {
			b := tx.Bucket(bucket)
			if b == nil {
				return nil
			}
			c := b.Cursor()
			n := 0
			for k, p := c.Seek(at); k != nil; k, p = c.Next() {
				if n++; n > step {
					from = bytes.Clone(k)
					return nil
				}
				if len(k) == len(Name{}) {
					f(Name(k), p)
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Unmarked returns the pieces without a mark. The error is ctx's or the disk's.
func (m Marks) Unmarked(ctx context.Context, v view) (out []Name, err error) {
	err = each(ctx, v, func(name Name, _ []byte) {
		if !m[name] {
			out = append(out, name)
		}
	})
	return out, err
}

// Delete takes those of the pieces away that have no mark.
func (m Marks) Delete(tx *bbolt.Tx, names []Name) error {
	b := tx.Bucket(bucket)
	for _, name := range names {
		if m[name] || b == nil {
			continue
		}
		if err := b.Delete(name[:]); err != nil {
			return err
		}
	}
	return nil
}

// Whole returns the pieces that are what their names say. The error is ctx's or
// the disk's.
func Whole(ctx context.Context, v view) (Marks, error) {
	out := make(Marks)
	err := each(ctx, v, func(name Name, packed []byte) {
		if _, err := unpack(name, packed); err == nil {
			out[name] = true
		}
	})
	return out, err
}

// Lacks reports whether a set can't be read whole by these pieces.
func (m Marks) Lacks(v view, list []Name) bool {
	paths, err := Paths(v, list)
	if err != nil {
		return true
	}
	for _, of := range paths {
		for _, name := range of {
			if !m[name] {
				return true
			}
		}
	}
	return false
}

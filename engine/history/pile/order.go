package pile

import (
	"encoding/binary"
	"runtime"
	"slices"
	"strings"

	"go.etcd.io/bbolt"
)

// inOrder are a pile's keys in the order of the trees.
type inOrder struct {
	texts string // of each its kind's place among all, then the key
	list  []ordered
}

type ordered struct {
	spot
	from, size uint32 // in texts
}

func (o *inOrder) text(one ordered) string { return o.texts[one.from:][:one.size] }

// key is the place of a key's kind, and the key.
func (o *inOrder) key(one ordered) (kind int, text string) {
	all := o.text(one)
	return int(all[0]), all[1:]
}

// inOrder collects the pile's keys, which only its values have as they are; they are
// of so many kinds.
func (p *pile) inOrder(values *bbolt.Bucket, kinds int) (*inOrder, error) {
	o := &inOrder{list: make([]ordered, 0, len(p.spots))}
	var texts strings.Builder
	err := values.ForEach(func(k, chunk []byte) error {
		runtime.Gosched() // the log's commits go first
		if len(k) != 4 {
			return ErrFormat
		}
		for rest := chunk; len(rest) > 0; {
			s := spot{binary.BigEndian.Uint32(k), uint32(len(chunk) - len(rest))}
			kind, text, _, after, err := takeEntry(rest)
			if err == nil && kind >= kinds {
				err = ErrFormat
			}
			if err != nil {
				return err
			}
			rest = after
			if newest, ok := p.spots[hashOf(kind, text)]; !ok || newest != s {
				continue // a later one counts
			}
			o.list = append(o.list, ordered{s, uint32(texts.Len()), uint32(1 + len(text))})
			texts.WriteByte(byte(kind))
			texts.Write(text)
		}
		return nil
	})
	if err == nil && len(o.list) != len(p.spots) {
		err = ErrFormat
	}
	if err != nil {
		return nil, err
	}
	o.texts = texts.String()
	compared := 0
	slices.SortFunc(o.list, func(a, b ordered) int {
		if compared++; compared%4096 == 0 {
			runtime.Gosched()
		}
		return strings.Compare(o.text(a), o.text(b))
	})
	return o, nil
}

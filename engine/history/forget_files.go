package history

import (
	"switchboard/engine/history/pieces"
)

// overlap is how much of two neighbouring pieces is searched together: more than
// the longest spelling of a number takes.
const overlap = 512

// searched is a piece that was looked through: whether the number is in it, and
// its ends, for a number may begin in one and end in the next.
type searched struct {
	holds      bool
	head, tail []byte
}

// inSet reports whether the number is in the files of an archived set, or in
// their paths. Each piece is looked through once, however many sets have it.
func (e *eraser) inSet(list []pieces.Name) (bool, error) {
	if len(list) == 0 {
		return false, nil
	}
	paths, err := pieces.Paths(e.s.file.View, list)
	if err != nil {
		return false, err
	}
	for path, names := range paths {
		if e.p.In([]byte(path)) {
			return true, nil
		}
		if in, err := e.inPieces(names); in || err != nil {
			return in, err
		}
	}
	return false, nil
}

func (e *eraser) inPieces(names []pieces.Name) (bool, error) {
	var tail []byte
	for _, name := range names {
		p, known := e.pieces[name]
		if !known {
			texts, err := pieces.Texts(e.s.file.View, []pieces.Name{name})
			if err != nil {
				return false, err
			}
			text := texts[name]
			p = searched{holds: e.p.In(text), head: clip(text[:min(overlap, len(text))]), tail: clip(text[max(0, len(text)-overlap):])}
			e.pieces[name] = p
		}
		if p.holds || len(tail) > 0 && e.p.In(append(tail[:len(tail):len(tail)], p.head...)) {
			return true, nil
		}
		tail = p.tail
	}
	return false, nil
}

func clip(text []byte) []byte { return append([]byte(nil), text...) }

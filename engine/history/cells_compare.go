package history

import (
	"go.etcd.io/bbolt"

	"switchboard/engine/history/stats"
)

// hourWalk goes through the hours of the statistics.
type hourWalk struct {
	cursor *bbolt.Cursor
	hour   stats.Hour
	pieces []stats.Piece // of the hour; none at the end
	key    []byte        // of the next hour
	doc    []byte
}

func walkHours(b *bbolt.Bucket) (w *hourWalk, err error) {
	w = &hourWalk{cursor: b.Cursor()}
	w.key, w.doc = w.cursor.First()
	return w, w.next()
}

func (w *hourWalk) next() error {
	w.pieces = nil
	for w.key != nil {
		hour, from, err := stats.PieceOf(w.key)
		if err != nil {
			return err
		}
		if len(w.pieces) > 0 && hour != w.hour {
			return nil
		}
		w.hour = hour
		w.pieces = append(w.pieces, stats.Piece{From: from, Doc: w.doc})
		w.key, w.doc = w.cursor.Next()
	}
	return nil
}

// compareCells compares statistics hour by hour: into which pieces an hour is cut
// depends on how it grew.
func (r *VerifyReport) compareCells(live, fresh *bbolt.Bucket) error {
	a, err := walkHours(live)
	if err != nil {
		return err
	}
	b, err := walkHours(fresh)
	if err != nil {
		return err
	}
	var lost, extra, other int
	for len(a.pieces)+len(b.pieces) > 0 {
		switch {
		case len(b.pieces) == 0 || len(a.pieces) > 0 && a.hour < b.hour:
			extra++
			err = a.next()
		case len(a.pieces) == 0 || b.hour < a.hour:
			lost++
			err = b.next()
		default:
			same, serr := stats.Same(a.pieces, b.pieces)
			if serr != nil {
				return serr
			}
			if !same {
				other++
			}
			if err = a.next(); err == nil {
				err = b.next()
			}
		}
		if err != nil {
			return err
		}
	}
	r.differ(bucketCells, lost, extra, other)
	return nil
}

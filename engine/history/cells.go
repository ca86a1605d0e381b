package history

import (
	"bytes"
	"context"

	"time"

	"go.etcd.io/bbolt"

	"switchboard/engine"
	"switchboard/engine/history/boltfile"
	"switchboard/engine/history/fold"
	"switchboard/engine/history/stats"
)

// kindCell makes a fold.Key name a cell of the statistics.
const kindCell engine.ProfileKind = "stats"

// bucketCells holds the statistics: hour, and where it has several its first slot
// -> piece of the hour's cells.
var bucketCells = []byte(kindCell)

func cellKey(c *engine.Call, r fold.Rules) fold.Key {
	return fold.Key{Kind: kindCell, Number: stats.CellOf(c, r.Zone).Key()}
}

// recount brings a change of a call to one of the cells it concerns.
func (m *memory) recount(e *entry, c fold.Change, seq uint64) {
	before := e.tally
	if c.Old != nil && cellKey(c.Old, m.rules) == e.key {
		e.tally = e.tally.Minus(c.Old)
	}
	if c.New != nil && cellKey(c.New, m.rules) == e.key {
		e.tally = e.tally.Plus(c.New)
	}
	if e.tally != before {
		m.changed(e, seq)
	}
}

func findTally(tx *bbolt.Tx, k fold.Key) (*stats.Tally, error) {
	cell, err := stats.ParseKey(k.Number)
	if err != nil {
		return nil, err
	}
	p, err := pieceAt(tx.Bucket(bucketCells), cell.Hour, cell.Slot())
	if err != nil {
		return nil, err
	}
	return stats.Find(p.doc, cell)
}

// Stats sums up what happened. It reads a document an hour, or several where an
// hour has many cells. Calls that change meanwhile are in it as before or as after. One is
// summed up at a time, others wait: it takes a processor, and calls want the
// other. The error is ctx's, or the disk's.
func (s *Store) Stats(ctx context.Context, f engine.StatsFilter) (*engine.Stats, error) {
	select {
	case s.summing <- struct{}{}:
		defer func() { <-s.summing }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	from, to := stats.Hour(-1<<31), stats.Hour(1<<31-1)
	if !f.From.IsZero() {
		from = stats.HourAt(f.From.UnixNano(), s.Zone)
	}
	if !f.To.IsZero() {
		to = stats.HourAt(f.To.UnixNano()-1, s.Zone) // the last that counts
	}
	x, over, complete, err := s.unwrittenCells(from, to)
	if err != nil {
		return nil, err
	}
	sum := stats.NewSum(f)
	for next := from.Bytes(); next != nil && from <= to; {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if next, err = x.sumHours(sum, next, to, over); err != nil {
			s.indexBroken(x, err)
			return nil, err
		}
	}
	for hour, changes := range over { // hours that the index does not have
		if err := sum.Add(hour, nil, changes); err != nil {
			return nil, err
		}
	}
	out := sum.Stats()
	out.Zone, out.Complete = s.Zone.String(), complete
	out.From, out.To = wholeHours(f, s.Zone)
	return out, nil
}

// wholeHours are a filter's bounds as they count, in Unix seconds.
func wholeHours(f engine.StatsFilter, zone *time.Location) (from, to *int64) {
	begin := func(t time.Time) time.Time {
		_, offset := t.In(zone).Zone()
		into := ((t.Unix()+int64(offset))%3600 + 3600) % 3600
		return time.Unix(t.Unix()-into, 0)
	}
	if !f.From.IsZero() {
		from = engine.Seconds(begin(f.From).UnixNano())
	}
	if !f.To.IsZero() {
		to = engine.Seconds(begin(f.To.Add(time.Hour - 1)).UnixNano())
	}
	return from, to
}

// unwrittenCells are the cells that the index does not have yet, noted before it
// is read: what is written in between is in it as well then.
func (s *Store) unwrittenCells(from, to stats.Hour) (x *index, _ map[stats.Hour][]stats.Change, complete bool, _ error) {
	waits := s.unwritten(only(kindCell))
	out := make(map[stats.Hour][]stats.Change)
	for _, w := range waits.states {
		cell, err := stats.ParseKey(w.key.Number)
		if err != nil {
			return nil, nil, false, err
		}
		if from <= cell.Hour && cell.Hour <= to {
			out[cell.Hour] = append(out[cell.Hour], stats.Change{Cell: cell, Tally: w.tally})
		}
	}
	for _, changes := range out {
		stats.SortBySlot(changes)
	}
	return waits.index, out, !waits.rebuilding, nil
}

// sumHours adds up some of the index's pieces from a key on, and takes what was
// laid over them out of the map. It returns the key to go on with, nil at the end.
func (x *index) sumHours(sum *stats.Sum, from []byte, to stats.Hour, over map[stats.Hour][]stats.Change) (next []byte, err error) {
	err = boltfile.Guard(func() error {
		return x.view(func(tx *bbolt.Tx) error {
			c := tx.Bucket(bucketCells).Cursor()
			k, doc := c.Seek(from)
			for n := 0; k != nil; n++ {
				hour, _, err := stats.PieceOf(k)
				if err != nil || hour > to {
					return err
				}
				if n == chunk {
					next = bytes.Clone(k)
					return nil
				}
				following, nextDoc := c.Next()
				end, err := beginsAt(following, hour)
				if err != nil {
					return err
				}
				if err := sum.Add(hour, doc, takeUpTo(over, hour, end)); err != nil {
					return err
				}
				k, doc = following, nextDoc
			}
			return nil
		})
	})
	return next, err
}

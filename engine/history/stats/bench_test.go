package stats

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"switchboard/engine"
)

// BenchmarkSum adds up a million calls of a hundred days, without a database:
// "team" is 20 DIDs and 50 receivers; with "pairs" every call reaches somebody
// else.
//
//	go test -run '^$' -bench Sum -benchtime 20x -count 5 ./engine/history/stats
func BenchmarkSum(b *testing.B) {
	const calls, hours = 1_000_000, 2400
	for name, receivers := range map[string]int{"team": 50, "pairs": calls} {
		b.Run(name, func(b *testing.B) {
			docs := make([][]Piece, hours)
			r := rand.New(rand.NewPCG(1, 2))
			for h := range docs {
				cells := map[Cell]*Tally{}
				for range calls / hours {
					c := Cell{Hour(h), fmt.Sprintf("9186456586%02d", r.IntN(20)), fmt.Sprintf("97%08d", r.IntN(receivers)), fmt.Sprint("reason", r.IntN(3))}
					cells[c] = cells[c].Plus(&engine.Call{Status: engine.StatusAnswered, Duration: 50})
				}
				changes := make([]Change, 0, len(cells))
				for c, t := range cells {
					changes = append(changes, Change{c, t})
				}
				var err error
				if docs[h], err = Patch(nil, 0, changes); err != nil {
					b.Fatal(err)
				}
			}
			b.ResetTimer()
			for range b.N {
				s := NewSum(engine.StatsFilter{})
				for h, pieces := range docs {
					for _, p := range pieces {
						if err := s.Add(Hour(h), p.Doc, nil); err != nil {
							b.Fatal(err)
						}
					}
				}
				if got := s.Stats().Totals.Offered; got != calls/hours*hours {
					b.Fatal(got)
				}
			}
		})
	}
}

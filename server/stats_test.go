package server_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"switchboard/engine"
)

func TestStatsFilters(t *testing.T) {
	w := begin(t, nil)
	half := 0.5
	w.store.stats = &engine.Stats{
		Zone: "Asia/Kolkata", Complete: true, Totals: engine.StatsTotals{Offered: 2, Answered: 1, AnswerRate: &half},
		DIDs: []engine.StatsDID{{DID: "918645658689", StatsTotals: engine.StatsTotals{Offered: 2}}}, Hours: []engine.StatsHour{},
	}
	day := time.Date(2025, 11, 22, 0, 0, 0, 0, time.FixedZone("IST", 5*3600+1800))
	for query, want := range map[string]engine.StatsFilter{
		"":                       {},
		"did=8645658689":         {DID: "918645658689"},
		"receiver=+919988912345": {Receiver: "9988912345"},
		"from=2025-11-22&top=3":  {From: day, Top: 3},
		"from=1763802300&to=2025-11-22T14:35:00%2B05:30": {From: time.Unix(1763802300, 0), To: time.Unix(1763802300, 0)},
	} {
		var got struct {
			Totals struct {
				Answered   int64   `json:"answered"`
				AnswerRate float64 `json:"answer_rate"`
			}
			DIDs []struct {
				DID     string `json:"did"`
				Offered int64
			}
			From *int64
		}
		w.send("GET", w.private+"/api/v1/stats?"+query, "").decode(200, &got)
		if got.Totals.AnswerRate != 0.5 || got.Totals.Answered != 1 || len(got.DIDs) != 1 || got.DIDs[0].Offered != 2 || got.From != nil {
			t.Errorf("%s: %+v", query, got)
		}
		f := w.store.summed[len(w.store.summed)-1]
		if !f.From.Equal(want.From) || !f.To.Equal(want.To) {
			t.Errorf("%s: from %v to %v", query, f.From, f.To)
		}
		f.From, f.To, want.From, want.To = time.Time{}, time.Time{}, time.Time{}, time.Time{}
		if d := cmp.Diff(want, f); d != "" {
			t.Errorf("%s (-want +got):\n%s", query, d)
		}
	}
	for query, says := range map[string]string{
		"top=0": "1 to 1000", "from=soon": "no time", "to=soon": "no time", "caller=1": "no query parameter", "top=x": "1 to 1000",
	} {
		w.send("GET", w.private+"/api/v1/stats?"+query, "").isProblem(400, says)
	}
	w.store.fail = errors.New("torn page")
	w.send("GET", w.private+"/api/v1/stats", "").isProblem(500, "log")
}

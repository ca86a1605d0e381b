package replay

import (
	"time"

	"switchboard/engine"
)

// tellEvery is the pause between two reports of progress.
const tellEvery = 100 * time.Millisecond

// teller tells how far a replay is, now and then.
type teller struct {
	tell  func(engine.ReplayProgress)
	total uint64
	last  time.Time
}

func newTeller(tell func(engine.ReplayProgress), total uint64) *teller {
	return &teller{tell: tell, total: total}
}

func (t *teller) now(done uint64, calls int) {
	if t.tell == nil || time.Since(t.last) < tellEvery {
		return
	}
	t.last = time.Now()
	t.tell(engine.ReplayProgress{Done: done, Total: t.total, Calls: calls})
}

func (t *teller) end(calls int) {
	if t.tell != nil {
		t.tell(engine.ReplayProgress{Done: t.total, Total: t.total, Calls: calls})
	}
}

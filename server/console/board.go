package console

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"switchboard/engine"
	"switchboard/engine/giveway"
)

const (
	// boardCalls is how many calls the live page lists, and boardSample how many
	// of the newest its rates are of.
	boardCalls  = 40
	boardSample = 500
	// boardNumbers bounds the DIDs and the people whose profiles are read.
	boardNumbers = 200
	// boardAge is how long what was read is good enough for the next who asks.
	boardAge = 200 * time.Millisecond
)

// board is the live page's data, before anybody's masks.
type board struct {
	at        time.Time
	calls     []*engine.Call // newest first
	sample    sampleOf
	today     engine.StatsTotals
	dids      []load
	receivers []load
	took      map[string]time.Duration
	inFlight  int64 // calls, whatever their numbers
}

// sampleOf are the newest calls, counted.
type sampleOf struct {
	Calls, Finished, Answered, Fallbacks int64
	LastMinute                           int
}

// load is how busy a number is.
type load struct {
	Number   string
	Name     string
	InFlight int64
	Today    engine.Totals
}

// boards gives everybody who watches the same board for a moment.
type boards struct {
	read func(context.Context) (*board, error)
	now  func() time.Time
	mu   sync.Mutex
	last *board
}

func (b *boards) get(ctx context.Context) (*board, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.last != nil && b.now().Sub(b.last.at).Abs() < boardAge {
		return b.last, nil
	}
	var fresh *board
	var err error
	giveway.Aside(func() { fresh, err = b.read(ctx) })
	if err == nil {
		b.last = fresh
	}
	return fresh, err
}

func (c *Console) readBoard(ctx context.Context) (*board, error) {
	now := c.o.Now()
	page, err := c.o.History.Calls(ctx, engine.CallFilter{Limit: boardSample})
	if err != nil {
		return nil, err
	}
	b := &board{at: now, sample: sampled(page.Calls, now), calls: page.Calls, took: map[string]time.Duration{}, inFlight: c.o.History.Status().InFlight}
	b.calls = b.calls[:min(len(b.calls), boardCalls)]
	for _, call := range b.calls {
		b.took[call.CallID] = c.delays.of(call.CallID, func() *engine.CallDetail {
			detail, _ := c.o.History.Call(ctx, call.CallID) // without it the latency stays unknown
			return detail
		})
	}
	dids, people := c.numbersOf(page.Calls)
	today := now.In(c.o.Zone).Format(time.DateOnly)
	if b.dids, err = c.loads(ctx, engine.DIDs, dids, today); err != nil {
		return nil, err
	}
	if b.receivers, err = c.loads(ctx, engine.Receivers, people, today); err != nil {
		return nil, err
	}
	midnight := time.Date(now.In(c.o.Zone).Year(), now.In(c.o.Zone).Month(), now.In(c.o.Zone).Day(), 0, 0, 0, 0, c.o.Zone)
	stats, err := c.o.History.Stats(ctx, engine.StatsFilter{From: midnight, Top: 1})
	if err != nil {
		return nil, err
	}
	b.today = stats.Totals
	return b, nil
}

func sampled(calls []*engine.Call, now time.Time) (s sampleOf) {
	for _, c := range calls {
		s.Calls++
		if now.UnixNano()-c.At() < int64(time.Minute) {
			s.LastMinute++
		}
		switch c.Status {
		case engine.StatusAnswered:
			s.Answered++
			s.Finished++
		case engine.StatusNotAnswered, engine.StatusOther, engine.StatusExpired:
			s.Finished++
		}
		if isFallback(c.Source) {
			s.Fallbacks++
		}
	}
	return s
}

// isFallback reports whether a call went where no policy sent it.
func isFallback(s engine.Source) bool {
	return s == engine.SourceDIDFallback || s == engine.SourceFallback || s == engine.SourceShed || s == engine.SourceNone
}

// numbersOf are the DIDs and people worth a look: those of the newest calls, and
// the directory's as far as they fit.
func (c *Console) numbersOf(calls []*engine.Call) (dids, people []named) {
	var knownDIDs, knownPeople = map[string]bool{}, map[string]bool{}
	add := func(list *[]named, known map[string]bool, n named) {
		if n.number != "" && !known[n.number] && len(*list) < boardNumbers {
			known[n.number] = true
			*list = append(*list, n)
		}
	}
	directory := c.o.Policies.Directory()
	for _, call := range calls {
		if call.DIDIsNumber {
			add(&dids, knownDIDs, named{call.DID, nameIn(directory, call.DID)})
		}
		if call.ReceiverIsNumber {
			add(&people, knownPeople, named{number: call.Receiver})
		}
	}
	for _, d := range directory {
		if len(dids) == boardNumbers && len(people) == boardNumbers {
			break // a directory may list a hundred thousand
		}
		add(&dids, knownDIDs, named{d.DID, d.Name})
		for _, member := range d.Team {
			add(&people, knownPeople, named{number: member})
		}
	}
	return dids, people
}

// nameIn is what a directory, sorted by DID, calls one.
func nameIn(directory []engine.DirectoryDID, did string) string {
	i, found := slices.BinarySearchFunc(directory, did, func(d engine.DirectoryDID, did string) int { return strings.Compare(d.DID, did) })
	if !found {
		return ""
	}
	return directory[i].Name
}

// named is a number with what the directory calls it.
type named struct{ number, name string }

// loads reads the profiles of numbers, the busiest first.
func (c *Console) loads(ctx context.Context, kind engine.ProfileKind, numbers []named, today string) ([]load, error) {
	var out []load
	for _, n := range numbers {
		p, err := c.o.History.Profile(ctx, kind, n.number)
		if err != nil {
			return nil, err
		}
		l := load{Number: n.number, Name: n.name}
		if p != nil {
			l.InFlight, l.Today = p.InFlight, totalsOn(p, today)
		}
		out = append(out, l)
	}
	slices.SortStableFunc(out, func(a, b load) int {
		if a.InFlight != b.InFlight {
			return int(b.InFlight - a.InFlight)
		}
		if a.Today.Offered != b.Today.Offered {
			return int(b.Today.Offered - a.Today.Offered)
		}
		return strings.Compare(a.Number, b.Number)
	})
	return out, nil
}

// totalsOn are a profile's totals of one local date.
func totalsOn(p *engine.Profile, date string) engine.Totals {
	for _, d := range p.Days {
		if d.Date == date {
			return d.Totals
		}
	}
	return engine.Totals{}
}

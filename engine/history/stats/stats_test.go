package stats

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"switchboard/engine"
	"switchboard/engine/history/fold"
)

var base = time.Date(2025, 11, 22, 17, 50, 0, 0, time.UTC).UnixNano()

func num(text string) engine.Number { return engine.Number{Canonical: text, Valid: text != "98xxx"} }

var entries = rapid.Custom(func(t *rapid.T) fold.Entry {
	id := fmt.Sprint("c", rapid.IntRange(0, 6).Draw(t, "call"))
	at := base + rapid.Int64Range(0, 60).Draw(t, "minutes")*17*60e9
	did := num(rapid.SampledFrom([]string{"918645658689", "918645658690", "98xxx"}).Draw(t, "did"))
	to := rapid.SampledFrom([]string{"9876543210", "9876543211", "98xxx"}).Draw(t, "receiver")
	if rapid.Bool().Draw(t, "a report") {
		return fold.Entry{Completion: &engine.Completion{
			CallID: id, Caller: num("9988912345"), Receiver: num(to), DID: did, EndedAt: at, Arrived: at,
			Status:   rapid.SampledFrom([]engine.Status{engine.StatusAnswered, engine.StatusNotAnswered, engine.StatusOther}).Draw(t, "status"),
			Duration: rapid.SampledFrom([]int64{engine.NoDuration, 0, 30, 4000}).Draw(t, "duration"),
		}}
	}
	d := &engine.DecisionRecord{CallID: id, Caller: num("9988912345"), DID: did, RoutedAt: at, Arrived: at}
	d.Decision.Source = rapid.SampledFrom([]engine.Source{
		engine.SourcePolicy, engine.SourcePolicy, engine.SourceFallback, engine.SourceRejected, engine.SourceNone,
	}).Draw(t, "source")
	d.Decision.Reason = rapid.SampledFrom([]string{"", "sticky", "round\x00robin"}).Draw(t, "reason")
	switch d.Decision.Source {
	case engine.SourceRejected:
		d.Decision.Reject = true
	case engine.SourceNone:
	default:
		d.Decision.Number, d.ReceiverIsNumber = to, num(to).Valid
	}
	return fold.Entry{Decision: d}
})

// book is the smallest store: groups, and the documents of hours.
type book struct {
	zone   *time.Location
	groups map[string]*fold.Group
	hours  map[Hour][]Piece
}

func newBook(zone *time.Location) *book {
	return &book{zone, map[string]*fold.Group{}, map[Hour][]Piece{}}
}

func (b *book) fold(t *rapid.T, e fold.Entry) {
	id := ""
	if e.Decision != nil {
		id = e.Decision.CallID
	} else {
		id = e.Completion.CallID
	}
	after, _ := b.groups[id].With(e)
	for _, ch := range fold.Diff(b.groups[id], after) {
		b.replace(t, ch.Old, ch.New)
	}
	b.groups[id] = after
}

func (b *book) replace(t *rapid.T, old, new *engine.Call) {
	if old != nil {
		b.change(t, old, (*Tally).Minus)
	}
	if new != nil {
		b.change(t, new, (*Tally).Plus)
	}
}

func (b *book) change(t *rapid.T, c *engine.Call, by func(*Tally, *engine.Call) *Tally) {
	cell, err := ParseKey(CellOf(c, b.zone).Key())
	if err != nil {
		t.Fatalf("the key of %+v: %v", c, err)
	}
	before, err := Find(pieceOf(b.hours[cell.Hour], cell).Doc, cell)
	if err != nil {
		t.Fatal(err)
	}
	pieces, err := patch(b.hours[cell.Hour], Change{cell, &Tally{Other: 99}}, Change{cell, by(before, c)})
	if err != nil {
		t.Fatal(err)
	}
	if b.hours[cell.Hour] = pieces; len(pieces) == 0 {
		delete(b.hours, cell.Hour)
	}
}

// pieceOf is the last piece that begins at or before the cell's slot.
func pieceOf(pieces []Piece, c Cell) (p Piece) {
	for _, q := range pieces {
		if q.From <= c.Slot() {
			p = q
		}
	}
	return p
}

// patch brings changes of one cell to its piece.
func patch(pieces []Piece, changes ...Change) ([]Piece, error) {
	old := pieceOf(pieces, changes[0].Cell)
	news, err := Patch(old.Doc, old.From, changes)
	for _, p := range pieces {
		if p.From != old.From {
			news = append(news, p)
		}
	}
	slices.SortFunc(news, func(a, b Piece) int { return int(a.From) - int(b.From) })
	return news, err
}

func (b *book) calls() (all []*engine.Call) {
	for _, g := range b.groups {
		all = append(all, g.Calls()...)
	}
	return all
}

func (b *book) stats(t *rapid.T, f engine.StatsFilter) *engine.Stats {
	s := NewSum(f)
	for hour, pieces := range b.hours {
		for _, p := range pieces {
			if err := s.Add(hour, p.Doc, nil); err != nil {
				t.Fatal(err)
			}
		}
	}
	return s.Stats()
}

// model counts calls one by one, with no regard for cost.
func model(calls []*engine.Call, zone *time.Location, f engine.StatsFilter) (all engine.StatsTotals, dids, hours map[string]int64) {
	dids, hours = map[string]int64{}, map[string]int64{}
	for _, c := range calls {
		if f.DID != "" && (c.DID != f.DID || !c.DIDIsNumber) || f.Receiver != "" && (c.Receiver != f.Receiver || !c.ReceiverIsNumber) {
			continue
		}
		switch {
		case c.Status == engine.StatusRejected:
			all.Rejected++
			continue
		case c.Source == engine.SourceNone:
			all.Unrouted++
			continue
		}
		all.Offered++
		switch c.Status {
		case engine.StatusAnswered:
			all.Answered++
			all.TalkSeconds += max(c.Duration, 0)
		case engine.StatusNotAnswered:
			all.Unanswered++
		case engine.StatusOther:
			all.Other++
		default:
			all.Open++
		}
		if did := c.DID; c.DIDIsNumber {
			dids[did]++
		}
		hours[time.Unix(0, c.At()).In(zone).Format("monday Monday 15")]++
	}
	return all, dids, hours
}

func same(t *rapid.T, what string, got *engine.Stats, calls []*engine.Call, zone *time.Location, f engine.StatsFilter) {
	t.Helper()
	all, dids, hours := model(calls, zone, f)
	got.Totals.AnswerRate = nil
	if d := cmp.Diff(all, got.Totals); d != "" {
		t.Fatalf("%s: totals (-want +got):\n%s", what, d)
	}
	for _, d := range got.DIDs {
		if d.DID != "" && d.Offered != dids[d.DID] {
			t.Fatalf("%s: %d of %s, want %d", what, d.Offered, d.DID, dids[d.DID])
		}
	}
	sum := int64(0)
	for _, h := range got.Hours {
		name := map[string]string{"monday": "Monday", "tuesday": "Tuesday", "wednesday": "Wednesday", "thursday": "Thursday", "friday": "Friday", "saturday": "Saturday", "sunday": "Sunday"}[h.Weekday]
		if want := hours[fmt.Sprintf("monday %s %02d", name, h.Hour)]; want != h.Offered {
			t.Fatalf("%s: %d at %s %d, want %d", what, h.Offered, h.Weekday, h.Hour, want)
		}
		sum += h.Offered
	}
	if sum != all.Offered {
		t.Fatalf("%s: hours add up to %d of %d", what, sum, all.Offered)
	}
}

// Whatever the order of records and however often they come, the sums are those
// of the calls; what is deleted is subtracted, to the byte.
func TestSumsAreAFunctionOfTheCalls(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		zone, err := time.LoadLocation(rapid.SampledFrom([]string{"Asia/Kolkata", "UTC", "America/New_York"}).Draw(t, "zone"))
		if err != nil {
			t.Fatal(err)
		}
		all := rapid.SliceOfN(entries, 0, 25).Draw(t, "records")
		once, again := newBook(zone), newBook(zone)
		for _, e := range all {
			once.fold(t, e)
		}
		for _, e := range rapid.Permutation(slices.Concat(all, all[:len(all)/2])).Draw(t, "order") {
			again.fold(t, e)
		}
		if d := cmp.Diff(once.hours, again.hours); d != "" {
			t.Fatalf("another order gives other documents:\n%s", d)
		}
		for _, f := range []engine.StatsFilter{{}, {DID: "918645658690"}, {Receiver: "9876543210"}, {DID: "918645658689", Receiver: "9876543211"}} {
			same(t, fmt.Sprintf("%+v", f), once.stats(t, f), once.calls(), zone, f)
		}
		calls := once.calls()
		gone := rapid.IntRange(0, len(calls)).Draw(t, "deleted")
		for _, c := range calls[:gone] {
			once.replace(t, c, nil)
		}
		same(t, "after deletion", once.stats(t, engine.StatsFilter{}), calls[gone:], zone, engine.StatsFilter{})
		if gone == len(calls) && len(once.hours) > 0 {
			t.Fatal("documents of nothing are left")
		}
	})
}

func TestTheMostOfferedAreNamed(t *testing.T) {
	var changes []Change
	for i := range 5 {
		changes = append(changes, Change{Cell{Reason: fmt.Sprint("r", i)}, &Tally{Offered: int64(i + 1), Answered: 1}})
	}
	pieces, err := Patch(nil, 0, changes)
	if err != nil || len(pieces) != 1 {
		t.Fatal(pieces, err)
	}
	s := NewSum(engine.StatsFilter{Top: 2})
	if err := s.Add(0, pieces[0].Doc, []Change{{Cell{Reason: "r9"}, &Tally{Rejected: 7}}}); err != nil {
		t.Fatal(err)
	}
	got := s.Stats()
	if len(got.Reasons) != 2 || got.Reasons[0].Reason != "r4" || got.Reasons[1].Reason != "r3" || got.LeftOut.Reasons != 4 || got.LeftOut.DIDs != 0 {
		t.Errorf("reasons %+v, left out %+v", got.Reasons, got.LeftOut)
	}
	if got.Totals.Offered != 15 || got.Totals.Rejected != 7 || *got.Totals.AnswerRate != 5.0/15 {
		t.Errorf("totals %+v", got.Totals)
	}
	if got.Days[0].Date != "1970-01-01" || got.Hours[0].Weekday != "thursday" {
		t.Errorf("%+v, %+v", got.Days, got.Hours)
	}
}

// Many cells of an hour are cut into pieces of which none is large, whatever the
// order in which they come and go; each cell is found, and none counts twice.
func TestPieces(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := map[Cell]Tally{}
		var pieces []Piece
		n := rapid.IntRange(1, 1000).Draw(t, "pairs")
		cell := func(i int) Cell {
			return Cell{Hour: 7, DID: fmt.Sprint("9186456586", i%20), Receiver: fmt.Sprint("97", i*7919), Reason: "pair"}
		}
		set := func(i int, tally Tally) {
			c := cell(i)
			var err error
			if pieces, err = patch(pieces, Change{c, &tally}); err != nil {
				t.Fatal(err)
			}
			if want[c] = tally; tally == (Tally{}) {
				delete(want, c)
			}
		}
		for i := range n {
			set(i, Tally{Offered: int64(i + 1)})
		}
		for range rapid.IntRange(0, 100).Draw(t, "changes") {
			set(rapid.IntRange(0, n-1).Draw(t, "which"), Tally{Talk: rapid.Int64Range(0, 1).Draw(t, "talk")})
		}
		sum := NewSum(engine.StatsFilter{})
		for i, p := range pieces {
			if len(p.Doc) == 0 || len(p.Doc) > maxPiece {
				t.Fatalf("a piece of %d bytes", len(p.Doc))
			}
			h, from, err := PieceOf(PieceKey(7, p.From))
			if h != 7 || from != p.From || err != nil {
				t.Fatal(h, from, err)
			}
			if i > 0 && bytes.Compare(PieceKey(7, pieces[i-1].From), PieceKey(7, p.From)) >= 0 || bytes.Compare(PieceKey(7, p.From), PieceKey(8, 0)) >= 0 {
				t.Fatal("the keys are not in order")
			}
			if err := sum.Add(7, p.Doc, nil); err != nil {
				t.Fatal(err)
			}
		}
		var total Tally
		var all []Change
		for c, tally := range want {
			total.add(&tally, +1)
			all = append(all, Change{c, &tally})
			if got, err := Find(pieceOf(pieces, c).Doc, c); err != nil || got == nil || *got != tally {
				t.Fatalf("%+v: %+v, %v, want %+v", c, got, err, tally)
			}
		}
		if got := sum.Stats().Totals; got.Offered != total.Offered || got.TalkSeconds != total.Talk {
			t.Fatalf("%+v, want %+v", got, total)
		}
		other, err := Patch(nil, 0, all)
		if err != nil {
			t.Fatal(err)
		}
		if same, err := Same(pieces, other); err != nil || !same {
			t.Fatal("the same cells, come at once, differ", err)
		}
		if len(other) > 1 {
			if same, err := Same(pieces, slices.Concat(other[:1], []Piece{{other[1].From, other[0].Doc}}, other[2:])); err != nil || same {
				t.Fatal("a piece in the place of another is not noticed", err)
			}
		}
	})
}

func TestHours(t *testing.T) {
	kolkata := time.FixedZone("IST", 5*3600+1800)
	for at, want := range map[string]string{
		"2025-11-22T18:29:59Z": "2025-11-22 23 Saturday",
		"2025-11-22T18:30:00Z": "2025-11-23 0 Sunday",
		"1969-12-31T18:00:00Z": "1969-12-31 23 Wednesday",
		"1969-12-25T18:30:00Z": "1969-12-26 0 Friday",
	} {
		moment, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		h := HourAt(moment.UnixNano(), kolkata)
		got := fmt.Sprint(time.Unix(h.Day()*86400, 0).UTC().Format(time.DateOnly), " ", h.Clock(), " ", h.Weekday())
		if got != want {
			t.Errorf("%s is %s, want %s", at, got, want)
		}
		if back, err := HourOf(h.Bytes()); err != nil || back != h {
			t.Errorf("%v comes back as %v, %v", h, back, err)
		}
	}
	if bytes.Compare(Hour(-1).Bytes(), Hour(0).Bytes()) >= 0 {
		t.Error("hours before 1970 stand behind those after")
	}
}

// No bytes make a reader panic, and what can be read can be written.
func FuzzDocument(f *testing.F) {
	pieces, err := Patch(nil, 0, []Change{{Cell{DID: "918645658689", Receiver: "9876543210", Reason: "sticky"}, &Tally{Offered: 3, Talk: 90}}, {Cell{}, &Tally{Rejected: 1}}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(pieces[0].Doc)
	f.Add([]byte{})
	f.Add([]byte{1, 0, 0, 0, 0, 255})
	f.Fuzz(func(t *testing.T, doc []byte) {
		cells, err := decode(doc)
		s := NewSum(engine.StatsFilter{})
		if serr := s.Add(0, doc, nil); (serr == nil) != (err == nil) {
			t.Fatalf("Add says %v, decode %v", serr, err)
		}
		if err != nil {
			return
		}
		slices.SortFunc(cells, named.compare)
		again, err := decode(encode(cells))
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(cells, again, cmp.AllowUnexported(named{})); d != "" && len(cells) > 0 {
			t.Fatal(d)
		}
	})
}

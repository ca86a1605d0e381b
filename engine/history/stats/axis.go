package stats

import (
	"cmp"
	"math/bits"
	"strconv"
)

// axis is one way to tell cells apart. With masked pairs it has as many names as
// there are calls: numbers are looked up as such, without a text for each, and
// nothing that is kept by the million holds a pointer for the collector to follow
// or is copied as it grows.
type axis struct {
	numbers table            // -> place among the sums
	words   map[string]int32 // the same, for names that are no numbers
	texts   []string         // those names
	chunks  [][]sum
	seen    []int32 // of the document at hand: a text's place among the sums, plus one; 0 for not yet
}

// chunkOf is how many sums stand together.
const chunkOf = 256

// sum is the tally of one name.
type sum struct {
	key uint64 // the name's number, or isText and its place in texts
	Tally
}

const isText = 1 << 63

func (a *axis) name(s *sum) string {
	if s.key&isText == 0 {
		return strconv.FormatUint(s.key, 10)
	}
	return a.texts[s.key&^isText]
}

// compare puts the most offered first.
func (a *axis) compare(s, t *sum) int {
	if s.Offered != t.Offered {
		return cmp.Compare(t.Offered, s.Offered)
	}
	if c := cmp.Compare(t.Rejected+t.Unrouted, s.Rejected+s.Unrouted); c != 0 {
		return c
	}
	if s.key&t.key&isText != 0 {
		return cmp.Compare(a.name(s), a.name(t))
	}
	return cmp.Compare(s.key^isText, t.key^isText) // texts before numbers
}

// number reads a text of digits that comes out the same when written again;
// zero for any other.
func number(text []byte) (n uint64) {
	if len(text) == 0 || len(text) > 18 || text[0] == '0' {
		return 0
	}
	for _, d := range text {
		if d < '0' || d > '9' {
			return 0
		}
		n = 10*n + uint64(d-'0')
	}
	return n
}

func (a *axis) begin(texts int) {
	a.seen = append(a.seen[:0], make([]int32, texts)...)
}

// of is the sum for a text of the document at hand.
func (a *axis) of(texts [][]byte, i int) *Tally {
	at := a.seen[i]
	if at == 0 {
		at = a.place(texts[i]) + 1
		a.seen[i] = at
	}
	at--
	return &a.chunks[at/chunkOf][at%chunkOf].Tally
}

// place is where a name's sum stands.
func (a *axis) place(text []byte) int32 {
	if n := number(text); n > 0 {
		at := a.numbers.of(n)
		if *at == 0 {
			*at = a.add(n) + 1
		}
		return *at - 1
	}
	if at, ok := a.words[string(text)]; ok {
		return at
	}
	if a.words == nil {
		a.words = make(map[string]int32)
	}
	at := a.add(isText | uint64(len(a.texts)))
	a.texts = append(a.texts, string(text))
	a.words[string(text)] = at
	return at
}

// add begins another sum.
func (a *axis) add(key uint64) int32 {
	last := len(a.chunks) - 1
	if last < 0 || len(a.chunks[last]) == chunkOf {
		a.chunks = append(a.chunks, make([]sum, 0, chunkOf))
		last++
	}
	a.chunks[last] = append(a.chunks[last], sum{key: key})
	return int32(last*chunkOf + len(a.chunks[last]) - 1)
}

// all goes through the sums, in the order in which their names came.
func (a *axis) all(yield func(*sum) bool) {
	for _, chunk := range a.chunks {
		for i := range chunk {
			if !yield(&chunk[i]) {
				return
			}
		}
	}
}

// table maps numbers that are not zero. Go's own map took three quarters of a sum
// over a million receivers, most of it to grow.
type table struct {
	slots []slot // a power of two of them, at most half of them taken
	taken int
}

type slot struct {
	number uint64 // zero: free
	value  int32
}

// firstSlots is how many a table begins with.
const firstSlots = 256

// of is the value of a number, zero where it is new. It is good until the next
// call.
func (t *table) of(number uint64) *int32 {
	if 2*t.taken >= len(t.slots) {
		t.grow()
	}
	s := t.find(number)
	if s.number == 0 {
		s.number = number
		t.taken++
	}
	return &s.value
}

// find is the slot that a number has or would get.
func (t *table) find(number uint64) *slot {
	// The golden ratio spreads numbers that stand in a row; the upper bits are the
	// mixed ones.
	mask := uint64(len(t.slots) - 1)
	i := number * 0x9E3779B97F4A7C15 >> (64 - bits.Len64(mask))
	for t.slots[i].number != 0 && t.slots[i].number != number {
		i = (i + 1) & mask
	}
	return &t.slots[i]
}

func (t *table) grow() {
	old := t.slots
	t.slots = make([]slot, max(firstSlots, 4*len(old)))
	for _, s := range old {
		if s.number != 0 {
			*t.find(s.number) = s
		}
	}
}

package relay

import (
	"cmp"
	"container/heap"

	"switchboard/engine"
)

// item is a letter in memory.
type item struct {
	engine.RelayLetter
	lane    *lane
	stored  bool // the disk knows of it
	changed bool // and should know better
	wide    bool // its latest failure was its target's
}

// lane is the letters of one call, the oldest first. One is under way at a time.
type lane struct {
	call  string
	items []*item // never empty
	place int     // in its heap
}

func (l *lane) head() *item { return l.items[0] }

// window is the letters of a target that are in memory, in the order in which
// they may go.
type window struct {
	items map[uint64]*item
	lanes map[string]*lane
	ready lanes // whose head may go now; by sequence number
	later lanes // whose head has to wait; by time
}

func newWindow() *window {
	return &window{
		items: make(map[uint64]*item), lanes: make(map[string]*lane),
		ready: lanes{less: func(a, b *item) bool { return a.Seq < b.Seq }},
		later: lanes{less: func(a, b *item) bool {
			return cmp.Or(cmp.Compare(a.Next, b.Next), cmp.Compare(a.Seq, b.Seq)) < 0
		}},
	}
}

// add takes a letter in, behind those of its call that are older. One that is
// there already is left alone.
func (w *window) add(l engine.RelayLetter, stored bool) {
	if w.items[l.Seq] != nil {
		return
	}
	it := &item{RelayLetter: l, stored: stored}
	w.items[l.Seq] = it
	at := w.lanes[l.CallID]
	if at == nil {
		at = &lane{call: l.CallID, items: []*item{it}, place: -1}
		w.lanes[l.CallID], it.lane = at, at
		w.queue(at)
		return
	}
	it.lane = at
	first := 0 // the head of a lane that is under way stays the head
	if w.underWay(at) {
		first = 1
	}
	i := len(at.items)
	for i > first && at.items[i-1].Seq > l.Seq {
		i--
	}
	at.items = append(at.items, nil)
	copy(at.items[i+1:], at.items[i:])
	at.items[i] = it
	if i == 0 {
		w.unqueue(at)
		w.queue(at)
	}
}

// underWay reports whether a lane's head is being sent.
func (w *window) underWay(l *lane) bool { return l.place < 0 }

// queue puts a lane where it waits by its head's time.
func (w *window) queue(l *lane) {
	if l.head().Next == 0 {
		heap.Push(&w.ready, l)
	} else {
		heap.Push(&w.later, l)
	}
}

func (w *window) unqueue(l *lane) {
	for _, h := range []*lanes{&w.ready, &w.later} {
		if l.place >= 0 && l.place < len(h.all) && h.all[l.place] == l {
			heap.Remove(h, l.place)
			return
		}
	}
}

// next takes the oldest letter that may go now, nil where there is none. Its
// lane is under way until done or again.
func (w *window) next(now int64) *item {
	for len(w.later.all) > 0 && w.later.all[0].head().Next <= now {
		heap.Push(&w.ready, heap.Pop(&w.later).(*lane))
	}
	if len(w.ready.all) == 0 {
		return nil
	}
	return heap.Pop(&w.ready).(*lane).head()
}

// soonest takes the letter that may go next although its time has not come, nil
// where none waits.
func (w *window) soonest() *item {
	if len(w.later.all) == 0 {
		return nil
	}
	return heap.Pop(&w.later).(*lane).head()
}

// due is when the next letter may go: zero for now; false where none waits that
// is not under way.
func (w *window) due() (at int64, ok bool) {
	switch {
	case len(w.ready.all) > 0:
		return 0, true
	case len(w.later.all) > 0:
		return w.later.all[0].head().Next, true
	}
	return 0, false
}

// done takes out a letter that is under way; the next one of its call may go.
func (w *window) done(it *item) {
	l := it.lane
	delete(w.items, it.Seq)
	l.items = l.items[1:]
	if len(l.items) == 0 {
		delete(w.lanes, l.call)
		return
	}
	w.queue(l)
}

// again lets a letter that is under way wait for its Next.
func (w *window) again(it *item) { w.queue(it.lane) }

// hasten lets all go now that waited because their target failed.
func (w *window) hasten() {
	waiting := w.later.all
	w.later.all = nil
	for _, l := range waiting {
		if it := l.head(); it.wide && it.Next != 0 {
			it.Next, it.changed = 0, true
		}
		w.queue(l)
	}
}

// oldest is when the oldest letter reached us; zero for none.
func (w *window) oldest() (at int64) {
	for _, it := range w.items {
		if at == 0 || it.At < at {
			at = it.At
		}
	}
	return at
}

// lanes is a heap of lanes by their heads.
type lanes struct {
	all  []*lane
	less func(a, b *item) bool
}

// Len, Less, Swap, Push and Pop are for container/heap.
func (h *lanes) Len() int           { return len(h.all) }
func (h *lanes) Less(i, j int) bool { return h.less(h.all[i].head(), h.all[j].head()) }
func (h *lanes) Swap(i, j int) {
	h.all[i], h.all[j] = h.all[j], h.all[i]
	h.all[i].place, h.all[j].place = i, j
}

// Push adds a lane at the end.
func (h *lanes) Push(x any) {
	l := x.(*lane)
	l.place = len(h.all)
	h.all = append(h.all, l)
}

// Pop takes the last lane; it is in no heap then.
func (h *lanes) Pop() any {
	l := h.all[len(h.all)-1]
	h.all[len(h.all)-1] = nil
	h.all = h.all[:len(h.all)-1]
	l.place = -1
	return l
}

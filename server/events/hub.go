package events

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
)

// Defaults of NewHub.
const (
	DefaultKept    = 1024 // events that a reader may be behind
	DefaultReaders = 64
)

// ErrTooMany: as many readers as may be are there already.
var ErrTooMany = errors.New("too many are watching already")

// Hub is the ring with its readers. Its methods may be called from any
// goroutine.
type Hub struct {
	epoch string // ids of another process's hub must not be taken for ours

	mu      sync.Mutex
	ring    []*entry // entry n lies at (n-1) % len
	last    uint64   // the newest event's number; the first is 1
	news    chan struct{}
	readers int
	most    int
	closed  bool
	term    uint64 // of the readers that may go on
	dropped uint64
}

// entry is an event that is encoded when somebody wants it: most never are.
type entry struct {
	number uint64
	kind   string
	encode func() ([]byte, error)
}

// Event is one that happened.
type Event struct {
	ID   string // tells where to go on
	Kind string
	Data []byte // JSON, in one line
}

// NewHub keeps the latest events for at most so many readers at once; zero
// takes the defaults.
func NewHub(kept, readers int) *Hub {
	if kept <= 0 {
		kept = DefaultKept
	}
	if readers <= 0 {
		readers = DefaultReaders
	}
	return &Hub{epoch: strings.ToLower(rand.Text()[:8]), ring: make([]*entry, kept), most: readers, news: make(chan struct{})}
}

// Publish adds an event. It keeps data, which must not change any more, until
// the ring has gone round; it encodes it only where somebody reads.
func (h *Hub) Publish(kind string, data any) {
	e := &entry{kind: kind, encode: sync.OnceValues(func() ([]byte, error) { return json.Marshal(data) })}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return
	}
	h.last++
	e.number = h.last
	h.ring[(h.last-1)%uint64(len(h.ring))] = e
	h.wake()
}

// wake lets everybody look who waits.
func (h *Hub) wake() {
	if h.readers > 0 {
		close(h.news)
		h.news = make(chan struct{})
	}
}

// Close ends every reader, after what they have not read yet.
func (h *Hub) Close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.closed {
		h.closed = true
		h.wake()
	}
}

// Dismiss ends the readers that there are, after what they have not read yet.
func (h *Hub) Dismiss() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.term++
	h.wake()
}

// Stats is how the hub stands.
type Stats struct {
	Readers   int
	Published uint64 // since the start
	Lost      uint64 // events that a reader was too slow for, all readers together
}

// Stats counts.
func (h *Hub) Stats() Stats {
	h.mu.Lock()
	defer h.mu.Unlock()
	return Stats{Readers: h.readers, Published: h.last, Lost: h.dropped}
}

// Reader follows the events. It is for one goroutine; close it.
type Reader struct {
	hub    *Hub
	seen   uint64
	term   uint64
	kinds  map[string]bool // nil: all
	closed bool
}

// Resumption is how a new reader's beginning fits the event it saw last.
type Resumption int

// The ways to begin.
const (
	Fresh   Resumption = iota // no event was named: with the next one
	Resumed                   // behind the event named
	Foreign                   // the event named is none of this process: with the oldest there is
)

// Follow begins to read, behind the event with the id last, or with the next
// one where last is empty; only events of the kinds given, or all where none is.
// The error is ErrTooMany, or io.EOF after Close.
func (h *Hub) Follow(last string, kinds ...string) (*Reader, Resumption, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.closed:
		return nil, Fresh, io.EOF
	case h.readers >= h.most:
		return nil, Fresh, fmt.Errorf("%w: %d", ErrTooMany, h.readers)
	}
	h.readers++
	r := &Reader{hub: h, seen: h.last, term: h.term}
	for _, k := range kinds {
		if r.kinds == nil {
			r.kinds = make(map[string]bool, len(kinds))
		}
		r.kinds[k] = true
	}
	if last == "" {
		return r, Fresh, nil
	}
	n, ok := h.number(last)
	if !ok {
		r.seen = h.oldest() - 1
		return r, Foreign, nil
	}
	r.seen = n
	return r, Resumed, nil
}

func (h *Hub) id(number uint64) string { return h.epoch + "-" + strconv.FormatUint(number, 10) }

// number is the number in an id of this hub.
func (h *Hub) number(id string) (uint64, bool) {
	digits, ours := strings.CutPrefix(id, h.epoch+"-")
	n, err := strconv.ParseUint(digits, 10, 64)
	return n, ours && err == nil && n <= h.last
}

// oldest is the number of the oldest event kept.
func (h *Hub) oldest() uint64 {
	if size := uint64(len(h.ring)); h.last > size {
		return h.last - size + 1
	}
	return 1
}

// Position is the id of the event behind which the reader goes on.
func (r *Reader) Position() string { return r.hub.id(r.seen) }

// Close gives the reader's place to another.
func (r *Reader) Close() {
	r.hub.mu.Lock()
	defer r.hub.mu.Unlock()
	if !r.closed {
		r.closed = true
		r.hub.readers--
	}
}

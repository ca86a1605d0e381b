package console

import (
	"strings"
	"sync"
	"time"

	"switchboard/engine"
)

// beat is what shows that something happened. It is compared, not kept.
type beat struct {
	decisions, completions uint64
	quarantined            int
	storeError             string
	rebuilding             bool
	revision, origin       string
	reloadAt               int64
	reloadOK               bool
	warnings               string // which there are, whatever their figures
}

func (c *Console) beat() beat {
	store, p := c.o.History.Status(), c.o.Policies.Status()
	var warnings strings.Builder
	for _, w := range c.o.Desk.Warnings() {
		warnings.WriteString(w.Code + " " + w.About + "\n")
	}
	return beat{
		decisions: store.Decisions, completions: store.Completions, quarantined: store.Quarantined,
		storeError: store.Error, rebuilding: store.Rebuilding, revision: p.Revision, origin: p.Origin,
		reloadAt: ns(p.Reload.At), reloadOK: p.Reload.OK, warnings: warnings.String(),
	}
}

// pulseEvery is how often the counters are looked at while somebody watches. It
// bounds the work for any number of calls a second: what happened in between is
// told at once.
const pulseEvery = 250 * time.Millisecond

// pulse wakes those who watch when the counters have moved. Nothing runs while
// nobody does.
type pulse struct {
	beat     func() beat
	mu       sync.Mutex
	watchers map[chan struct{}]bool
	stop     chan struct{}
}

func newPulse(b func() beat) *pulse {
	return &pulse{beat: b, watchers: make(map[chan struct{}]bool)}
}

// watch returns a channel that gets a value after something happened, and a
// function that ends that.
func (p *pulse) watch() (woken <-chan struct{}, end func()) {
	ch := make(chan struct{}, 1)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.watchers[ch] = true
	if len(p.watchers) == 1 {
		p.stop = make(chan struct{})
		go p.run(p.stop)
	}
	return ch, sync.OnceFunc(func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.watchers, ch)
		if len(p.watchers) == 0 {
			close(p.stop)
		}
	})
}

func (p *pulse) run(stop <-chan struct{}) {
	tick := time.NewTicker(pulseEvery)
	defer tick.Stop()
	last := p.beat()
	for {
		select {
		case <-stop:
			return
		case <-tick.C:
		}
		if now := p.beat(); now != last {
			last = now
			p.wake()
		}
	}
}

func (p *pulse) wake() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for ch := range p.watchers {
		select {
		case ch <- struct{}{}:
		default: // it has not taken the last one yet
		}
	}
}

// maxDelays bounds how many calls' latencies are remembered.
const maxDelays = 4096

// delays remembers how long decisions took: the list of calls does not tell,
// and it never changes.
type delays struct {
	mu   sync.Mutex
	took map[string]time.Duration
}

func newDelays() *delays { return &delays{took: make(map[string]time.Duration)} }

// of is what a call's decision took, asked of read once.
func (d *delays) of(id string, read func() *engine.CallDetail) time.Duration {
	d.mu.Lock()
	took, known := d.took[id]
	d.mu.Unlock()
	if known {
		return took
	}
	detail := read()
	if detail == nil || detail.Decision == nil {
		return 0
	}
	took = detail.Decision.EvalTime + detail.Decision.Waited
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.took) >= maxDelays {
		clear(d.took)
	}
	d.took[id] = took
	return took
}

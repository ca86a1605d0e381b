package access

import (
	"net/netip"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2/simplelru"
	"golang.org/x/time/rate"
)

// The limits of Failures.
const (
	failBurst  = 20              // vain tries at once
	failEvery  = 6 * time.Second // and one more in this time
	trustFor   = time.Hour       // after which a success is forgotten
	maxVisitor = 4096            // addresses that are remembered
	v6Site     = 64              // bits of an IPv6 address that one customer has
)

// Failures counts vain tries by address, in a bounded table. An address that has
// shown a right secret lately is never held up: others may share it, behind a
// proxy or a company's gateway, and must not be able to lock its owner out.
type Failures struct {
	mu       sync.Mutex
	visitors *lru.LRU[netip.Addr, *visitor]
}

type visitor struct {
	tries  *rate.Limiter
	passed time.Time
}

// NewFailures has seen nobody yet.
func NewFailures() *Failures {
	visitors, err := lru.NewLRU[netip.Addr, *visitor](maxVisitor, nil)
	if err != nil {
		panic(err) // a size below one, which it is not
	}
	return &Failures{visitors: visitors}
}

// Wait is how long this address has to wait before it may try again; zero for
// not at all.
func (f *Failures) Wait(from netip.Addr, now time.Time) time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	v, known := f.visitors.Get(site(from))
	if !known || !v.passed.IsZero() && now.Sub(v.passed) < trustFor {
		return 0
	}
	missing := 1 - v.tries.TokensAt(now)
	return max(0, time.Duration(missing*float64(failEvery)))
}

// Failed counts a try in vain.
func (f *Failures) Failed(from netip.Addr, now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.visitor(from).tries.AllowN(now, 1)
}

// Passed notes that a right secret came from this address.
func (f *Failures) Passed(from netip.Addr, now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.visitor(from).passed = now
}

func (f *Failures) visitor(from netip.Addr) *visitor {
	from = site(from)
	v, known := f.visitors.Get(from)
	if !known {
		v = &visitor{tries: rate.NewLimiter(rate.Every(failEvery), failBurst)}
		f.visitors.Add(from, v)
	}
	return v
}

// site is what stands for an address: somebody who has one IPv6 address has a
// whole network of them.
func site(a netip.Addr) netip.Addr {
	a = a.Unmap()
	if !a.Is6() {
		return a
	}
	p, err := a.WithZone("").Prefix(v6Site)
	if err != nil {
		return a
	}
	return p.Addr()
}

package conns

import (
	"container/list"
	"io"
	"net"
	"net/http"
	"sync"
)

// Pool is the places of one listener. Serve its Listener with an http.Server
// whose ConnState is Track.
type Pool struct {
	mu      sync.Mutex
	most    int
	open    int
	waiting int           // accepted, without a place
	silent  *list.List    // of *conn that never said a word, oldest first
	idle    *list.List    // of *conn between two requests, oldest first
	free    chan struct{} // closed and replaced when there may be a place
	evicted uint64
}

// NewPool has places for most connections, at least one.
func NewPool(most int) *Pool {
	return &Pool{most: max(1, most), silent: list.New(), idle: list.New(), free: make(chan struct{})}
}

// Stats is how the pool stands.
type Stats struct {
	Open    int
	Evicted uint64 // connections closed to make room
}

// Stats counts.
func (p *Pool) Stats() Stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	return Stats{p.open, p.evicted}
}

// Listener is ln within the bound.
func (p *Pool) Listener(ln net.Listener) net.Listener {
	return &listener{Listener: ln, pool: p, closed: make(chan struct{})}
}

type listener struct {
	net.Listener
	pool   *Pool
	once   sync.Once
	closed chan struct{}
}

// Accept returns the next connection once there is a place for it.
func (l *listener) Accept() (net.Conn, error) {
	raw, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c := &conn{Conn: raw, pool: l.pool}
	if !l.pool.admit(c, l.closed) {
		_ = raw.Close()
		return nil, net.ErrClosed
	}
	return c, nil
}

// Close stops accepting, also a connection that waits for a place.
func (l *listener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

// admit waits for a place, and reports false where the listener closes first.
func (p *Pool) admit(c *conn, closed <-chan struct{}) bool {
	for {
		p.mu.Lock()
		if p.open < p.most {
			p.open++
			c.at, c.in = p.silent.PushBack(c), p.silent
			p.mu.Unlock()
			return true
		}
		victim := p.victim()
		if victim != nil {
			p.mu.Unlock()
			_ = victim.Close() // frees its place
			continue
		}
		free := p.free
		p.waiting++
		p.mu.Unlock()
		select {
		case <-free:
		case <-closed:
		}
		p.mu.Lock()
		p.waiting--
		p.mu.Unlock()
		select {
		case <-closed:
			return false
		default:
		}
	}
}

// victim is the connection that goes first, no longer in its list.
func (p *Pool) victim() *conn {
	for _, l := range []*list.List{p.silent, p.idle} {
		if e := l.Front(); e != nil {
			c := e.Value.(*conn)
			p.leave(c)
			p.evicted++
			return c
		}
	}
	return nil
}

// tell lets everybody look who waits for a place.
func (p *Pool) tell() {
	if p.waiting == 0 {
		return
	}
	close(p.free)
	p.free = make(chan struct{})
}

func (p *Pool) leave(c *conn) {
	if c.in != nil {
		c.in.Remove(c.at)
		c.in, c.at = nil, nil
	}
}

// Track is an http.Server's ConnState.
func (p *Pool) Track(nc net.Conn, state http.ConnState) {
	if wrapped, ok := nc.(interface{ NetConn() net.Conn }); ok {
		nc = wrapped.NetConn() // below TLS
	}
	c, ours := nc.(*conn)
	if !ours {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if c.gone {
		return
	}
	switch state {
	case http.StateActive, http.StateHijacked:
		p.leave(c)
	case http.StateIdle:
		p.leave(c)
		c.at, c.in = p.idle.PushBack(c), p.idle
		p.tell() // who waits may have its place
	}
}

// conn is a connection with its place.
type conn struct {
	net.Conn
	pool *Pool
	in   *list.List // where it stands; nil while it is at work
	at   *list.Element
	gone bool
}

// Close gives the place to another.
func (c *conn) Close() error {
	p := c.pool
	p.mu.Lock()
	if !c.gone {
		c.gone = true
		p.leave(c)
		p.open--
		p.tell()
	}
	p.mu.Unlock()
	return c.Conn.Close()
}

// CloseWrite lets net/http end an answer to a request that it did not read to
// its end without the answer being lost.
func (c *conn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// ReadFrom leaves copying a file to the system.
func (c *conn) ReadFrom(r io.Reader) (int64, error) {
	return io.Copy(c.Conn, r)
}

package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gin-gonic/gin"

	"switchboard/engine/failpoint"
	"switchboard/server/access"
	"switchboard/server/alohaa"
	"switchboard/server/console"
)

// maxHeader bounds a request's header, in bytes.
const maxHeader = 32 << 10

// Server is the two listeners. Its methods may be called from any goroutine;
// Start once, Shutdown any number of times.
type Server struct {
	o       Options
	parser  alohaa.Parser
	started time.Time
	seen    sightings
	console *console.Console

	doors     atomic.Pointer[doors]
	secretsMu sync.Mutex // held while they change
	fallbacks atomic.Pointer[fallbacksView]
	failures  *access.Failures

	public, private listener
	places          int // of the public one: what open files leave of MaxConnections
	draining        atomic.Bool
	backups         sync.Mutex     // held while a backup is made
	copyRoom        chan struct{}  // of capacity one: full while a backup's copy is on the disk
	storing         sync.WaitGroup // quarantines that outlive their request
	storeSlots      chan struct{}  // bounds them
	serving         sync.WaitGroup
	unready         atomic.Pointer[error] // why the ready file is not there; nil where it is
	failed          chan error
	looking         context.Context // until the server stops
	endLooking      context.CancelFunc
}

var releaseMode = sync.OnceFunc(func() { gin.SetMode(gin.ReleaseMode) })

// New checks the options and builds a server that does not listen yet. The
// error names the option at fault.
func New(o Options) (*Server, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	releaseMode()
	s := &Server{
		o:          o,
		parser:     alohaa.Parser{Numbers: o.Numbers},
		failures:   access.NewFailures(),
		started:    o.Now(),
		storeSlots: make(chan struct{}, maxStoring),
		failed:     make(chan error, 2),
		copyRoom:   make(chan struct{}, 1),
	}
	s.looking, s.endLooking = context.WithCancel(context.Background())
	d, err := newDoors(o.Secrets, nil)
	if err != nil {
		return nil, err
	}
	s.doors.Store(d)
	s.SetFallbacks(o.Fallback, o.FallbackDIDs)
	if err := errors.Join(s.o.Metrics.watch(o.History, o.Policies, o.Version), s.o.Metrics.watchFeed(o.Feed)); err != nil {
		return nil, err
	}
	if s.console, err = s.newConsole(); err != nil {
		return nil, err
	}
	if err := s.listeners(); err != nil {
		return nil, err
	}
	return s, nil
}

// newEngine is a Gin engine that answers exactly what is registered: no
// redirects to a similar path, no other method, problems for the rest. Paths
// are matched as they were sent, so that a call_id may contain a slash.
func newEngine() *gin.Engine {
	e := gin.New()
	e.RedirectTrailingSlash = false
	e.RedirectFixedPath = false
	e.HandleMethodNotAllowed = true
	e.UseEscapedPath = true
	// Gin would read "+" in a path as a blank; pathValue unescapes instead.
	e.UnescapePathValues = false
	e.ForwardedByClientIP = false
	e.NoMethod(func(c *gin.Context) {
		refuse(c, fail(http.StatusMethodNotAllowed, "This path does not take %s; it takes %s.",
			c.Request.Method, c.Writer.Header().Get("Allow")))
	})
	e.NoRoute(func(c *gin.Context) {
		refuse(c, fail(http.StatusNotFound, "There is nothing at this path on this listener. Check the address."))
	})
	return e
}

// Start binds both listeners, serves, and writes the ready file. It returns
// when requests are accepted; ctx ends the binding only, not what is served
// afterwards. On an error nothing is left open.
func (s *Server) Start(ctx context.Context) (err error) {
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("not started: %w", err)
	}
	if err := removeReady(s.o.ReadyFile); err != nil {
		return err
	}
	if err := failpoint.Here(failpoint.ListenPublic); err != nil {
		return err
	}
	if err := s.bind(ctx, &s.public, s.o.Listen, s.o.mayOpen()); err != nil {
		return err
	}
	if err := failpoint.Here(failpoint.ListenPrivate); err != nil {
		return err
	}
	if err := s.bind(ctx, &s.private, s.o.PrivateListen, s.o.hasToken()); err != nil {
		return err
	}
	// What is to warn of before anybody can follow is no news.
	was := s.warnings()
	s.serving.Go(func() { s.watchWarnings(s.looking, was) })
	// Requests must outlive the context that a signal cancels: draining waits
	// for them.
	base := context.WithoutCancel(ctx)
	for _, l := range []*listener{&s.public, &s.private} {
		l.http.BaseContext = func(net.Listener) context.Context { return base }
		s.serving.Go(func() {
			if err := l.serve(); !errors.Is(err, http.ErrServerClosed) {
				s.failed <- fmt.Errorf("the %s listener stopped: %w", l.name, err)
			}
		})
	}
	public, private := s.Addrs()
	s.o.Log.Info("listening", "public", public, "private", private)
	return s.announce(public, private)
}

func (l *listener) serve() error {
	if l.certs != nil {
		return l.http.ServeTLS(l.net, "", "")
	}
	return l.http.Serve(l.net)
}

func (s *Server) bind(ctx context.Context, l *listener, address string, guarded bool) error {
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("the %s listener cannot use %s: %w", l.name, address, err)
	}
	l.net = l.pool.Listener(ln)
	// localhost is whatever the machine says it is.
	if !guarded && !isLoopback(ln.Addr()) {
		return fmt.Errorf("the %s listener's address %s is not a loopback address on this machine, and no secret guards it", l.name, address)
	}
	return nil
}

func isLoopback(a net.Addr) bool {
	tcp, ok := a.(*net.TCPAddr)
	return !ok || tcp.IP.IsLoopback()
}

// Addrs are the addresses bound by Start, host:port; empty before.
func (s *Server) Addrs() (public, private string) {
	if s.public.net == nil || s.private.net == nil {
		return "", ""
	}
	return s.public.net.Addr().String(), s.private.net.Addr().String()
}

// Failed delivers an error when a listener stops although nobody asked it to.
func (s *Server) Failed() <-chan error { return s.failed }

// Shutdown takes no more requests and waits for those it has, and for what
// they left to be stored. When ctx ends first it cuts them off and says so.
func (s *Server) Shutdown(ctx context.Context) error {
	s.draining.Store(true)
	failpoint.Pass(failpoint.StopDrain)
	// The webhooks go first: status and events can be watched while they drain.
	err := stop(ctx, &s.public)
	s.endLooking()
	s.o.Feed.hub.Close() // a stream ends by itself never
	s.console.Close()
	err = errors.Join(err, stop(ctx, &s.private))
	stored := make(chan struct{})
	go func() {
		s.serving.Wait()
		s.storing.Wait()
		close(stored)
	}()
	select {
	case <-stored:
	case <-ctx.Done():
		err = errors.Join(err, fmt.Errorf("not all that was to be stored is stored: %w", ctx.Err()))
	}
	return err
}

func stop(ctx context.Context, l *listener) error {
	if err := l.http.Shutdown(ctx); err != nil {
		return errors.Join(fmt.Errorf("the %s listener did not finish its requests in time: %w", l.name, err), l.http.Close())
	}
	return nil
}

func (s *Server) close() error {
	s.endLooking()
	s.o.Feed.hub.Close()
	s.console.Close()
	var errs []error
	for _, l := range []*listener{&s.public, &s.private} {
		errs = append(errs, l.http.Close())
		if l.net != nil {
			if err := l.net.Close(); !errors.Is(err, net.ErrClosed) {
				errs = append(errs, err)
			}
		}
	}
	s.serving.Wait()
	return errors.Join(errs...)
}

// scrubber replaces every configured secret in a text for the log.
func scrubber(all []string) *strings.Replacer {
	all = slices.Clone(all)
	// Longest first, or a secret that begins with another would leave its rest.
	slices.SortFunc(all, func(a, b string) int { return len(b) - len(a) })
	pairs := make([]string, 0, 2*len(all))
	for _, secret := range all {
		pairs = append(pairs, secret, "[secret]")
	}
	return strings.NewReplacer(pairs...)
}

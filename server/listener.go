package server

import (
	"log/slog"
	"net"
	"net/http"
	"time"

	"switchboard/server/certs"
	"switchboard/server/conns"
)

// listener is one address with its HTTP server.
type listener struct {
	name  string
	http  *http.Server
	net   net.Listener
	pool  *conns.Pool
	certs *certs.Files // nil: plain HTTP
}

// listeners builds both; nothing listens yet.
func (s *Server) listeners() error {
	public, private := conns.Fit(s.o.MaxConnections, s.o.MaxPrivateConnections, conns.OpenFiles())
	if s.places = public; public < s.o.MaxConnections {
		s.o.Log.Warn("the system's limit of open files has no room for all the connections that may come", "max_connections", s.o.MaxConnections, "room_for", public)
	}
	// A completion may take its whole time after the body took its own.
	s.public = listener{name: "public", http: s.httpServer(s.publicHandler(), s.o.ReadTimeout, s.o.ReadTimeout+s.o.CompletionTimeout+5*time.Second),
		pool: conns.NewPool(public), certs: s.o.TLS}
	s.private = listener{name: "private", http: s.httpServer(s.privateHandler(), s.o.PrivateTimeout, s.o.PrivateTimeout),
		pool: conns.NewPool(private), certs: s.o.PrivateTLS}
	for _, l := range []*listener{&s.public, &s.private} {
		l.http.ConnState = l.pool.Track
		if l.certs != nil {
			l.http.TLSConfig = l.certs.Config()
		}
		if err := s.o.Metrics.watchListener(l); err != nil {
			return err
		}
	}
	return nil
}

func (s *Server) httpServer(h http.Handler, read, write time.Duration) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: s.o.HeaderTimeout,
		ReadTimeout:       read,
		WriteTimeout:      write,
		IdleTimeout:       s.o.IdleTimeout,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(s.o.Log.Handler(), slog.LevelWarn),
	}
}

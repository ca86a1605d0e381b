package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"syscall"
	"time"
)

// mayBeLoopback reports whether a host can mean this machine alone. A name is
// checked again, by its address, when a connection is made.
func mayBeLoopback(host string) bool {
	if addr, err := netip.ParseAddr(host); err == nil {
		return addr.Unmap().IsLoopback()
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}

// errRemote is answered by the dialer for an address that is not loopback.
var errRemote = errors.New("not a loopback address; give --allow-remote if that is meant")

// newTransport keeps one connection for each message that can be under way, so
// that a run measures the server and not handshakes. It uses no proxy: a proxy
// from the environment would carry calls off the machine.
func newTransport(o *options) *http.Transport {
	dialer := &net.Dialer{Timeout: min(o.Timeout, 5*time.Second)}
	if !o.AllowRemote {
		dialer.ControlContext = func(_ context.Context, _, address string, _ syscall.RawConn) error {
			if ap, err := netip.ParseAddrPort(address); err != nil || !ap.Addr().Unmap().IsLoopback() {
				return errRemote
			}
			return nil
		}
	}
	return &http.Transport{
		DialContext:         dialer.DialContext,
		MaxIdleConnsPerHost: 3 * o.Concurrency, // initiation, its simultaneous retry, and a completion
		IdleConnTimeout:     90 * time.Second,
		DisableCompression:  true,
	}
}

// isUnreachable reports whether no connection could be made at all.
func isUnreachable(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}

// unreachableHint is the sentence for a person whose server does not answer.
func unreachableHint(target string, err error) string {
	hint := "see that the address is right and the server is up"
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		hint = "start the server with: switchboard serve (or name another with --target)"
	case errors.Is(err, errRemote):
		hint = "name a loopback address with --target"
	}
	return fmt.Sprintf("%s cannot be reached: %v; %s", target, err, hint)
}

package relay

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"

	"code.dny.dev/ssrf"
)

// guardian knows the ranges that IANA sets aside: loopback, private, link-local,
// shared, documentation and the rest. Ports are the operator's choice.
var guardian = ssrf.New(ssrf.WithAnyPort())

// errNotPublic: what a target's name resolved to is refused.
var errNotPublic = errors.New("the address is inside a network; --relay-allow-private allows that")

// errPublicPlain: a target without encryption resolved to a public address.
var errPublicPlain = errors.New("the address is public and the target is not encrypted; use https")

// control checks the address that is dialled, after the name was resolved: a
// name that pointed elsewhere a moment ago helps nobody.
func control(plain, allowPrivate bool) func(network, address string, c syscall.RawConn) error {
	return func(network, address string, _ syscall.RawConn) error {
		at, err := netip.ParseAddrPort(address)
		if err != nil {
			return fmt.Errorf("the address %s can't be checked: %w", address, err)
		}
		public := guardian.SafeAddr(at.Addr().Unmap()) == nil
		switch {
		case !public && !allowPrivate:
			return errNotPublic
		case public && plain:
			return errPublicPlain
		}
		return nil
	}
}

// transport is a connection pool of one target's own. A proxy of the environment
// is not used: it would dial in our stead, and nobody would check what.
func transport(plain bool, o *Options) *http.Transport {
	dialer := &net.Dialer{Timeout: o.Timeout, KeepAlive: 30 * time.Second, Control: control(plain, o.AllowPrivate)}
	return &http.Transport{
		DialContext:            dialer.DialContext,
		ForceAttemptHTTP2:      true,
		MaxConnsPerHost:        o.Parallel,
		MaxIdleConnsPerHost:    o.Parallel,
		IdleConnTimeout:        time.Minute,
		TLSHandshakeTimeout:    o.Timeout,
		ResponseHeaderTimeout:  o.Timeout,
		MaxResponseHeaderBytes: maxAnswerHeader,
		DisableCompression:     true, // a small answer may be a large one inside
	}
}

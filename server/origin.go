package server

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"
)

// originGuard keeps web pages of others away from the private listener. A
// browser on the operator's machine can reach it from any page; what the page
// cannot choose freely is the Host header (so a name that was made to resolve to
// 127.0.0.1 gives itself away) and the Origin.
//
// Requests that change something are always checked. Reads are checked where no
// token guards them: the history is personal data.
func (s *Server) originGuard() gin.HandlerFunc {
	foreign := http.NewCrossOriginProtection()
	return func(c *gin.Context) {
		r := c.Request
		reads := changesNothing(r.Method)
		if reads && s.doors.Load().tokens.Len() > 0 {
			return
		}
		if !s.isOurHost(r) {
			refuse(c, fail(http.StatusForbidden,
				"The Host header %q is none of this listener's. Use its address, or name the host in the configuration.", r.Host))
			return
		}
		if reads {
			return
		}
		if err := foreign.Check(r); err != nil || !sameOrigin(r) {
			refuse(c, fail(http.StatusForbidden,
				"This request comes from a page of another origin. Send it from this listener's own pages or from no page at all."))
		}
	}
}

// isOurHost reports whether the Host header names this listener: localhost, a
// loopback address, the address the connection came in on, or a configured name.
func (s *Server) isOurHost(r *http.Request) bool {
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.TrimSuffix(strings.ToLower(strings.Trim(host, "[]")), ".")
	if host == "localhost" || slices.ContainsFunc(s.o.Hosts, func(h string) bool { return strings.EqualFold(h, host) }) {
		return true
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		// The name in the listener's own address.
		own, _, err := net.SplitHostPort(s.o.PrivateListen)
		return err == nil && own != "" && strings.EqualFold(own, host)
	}
	if ip.IsLoopback() {
		return true
	}
	local, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	return ok && local.AddrPort().Addr().Unmap() == ip.Unmap()
}

// sameOrigin reports whether a request that tells its origin comes from our own
// pages.
func sameOrigin(r *http.Request) bool {
	origins := r.Header.Values("Origin")
	if len(origins) == 0 {
		return true
	}
	u, err := url.Parse(origins[0])
	return err == nil && len(origins) == 1 && u.Host != "" && strings.EqualFold(u.Host, r.Host)
}

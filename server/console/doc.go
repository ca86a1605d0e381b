// Package console is the web console on the private listener: what the API
// tells, for people who don't read JSON.
//
// Pages are rendered here, with html/template; htmx replaces parts of them, and
// its extension for server-sent events keeps the live page up to date. The
// browser needs nothing but this server: scripts and styles are embedded, and
// the Content-Security-Policy allows neither others nor inline ones. What is not
// our own under static/vendor and testdata comes from npm, by .ci/vendor.
//
// The console is a plain [net/http] handler. It speaks to the domain through the
// small interfaces of ports.go, as the API's handlers do, and decides nothing:
// what changes something goes through a [Desk], which the server fills.
//
// Numbers are masked on every page until the visitor asks to see them, which is
// written to the audit trail and ends by itself. A link never carries a number:
// it carries a reference that only this process can read (see seal).
package console

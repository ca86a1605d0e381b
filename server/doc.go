// Package server is Switchboard on the network: two HTTP listeners and their
// life.
//
// The public listener answers the provider's two webhooks and two health
// checks, nothing else. The private listener carries the web console (package
// server/console), the JSON API and the metrics for the people who run the
// server. [New] checks the [Options],
// [Server.Start] binds both, [Server.Shutdown] drains them.
//
// The way of a request to a webhook never changes order: secret, size, parsing,
// routing. Nothing of a request is read, kept or logged before its sender is
// known, and the secret is taken out of the request before anything else sees
// it.
//
// The package consumes the domain through the small interfaces of ports.go; it
// knows neither Rego nor the database.
package server

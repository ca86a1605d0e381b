// Package relay delivers what became of calls to the customer's own systems, and
// tells people's systems when the server needs somebody to look at it.
//
// # At least once, in the order of a call
//
// The log of the history is the outbox: a target has a cursor over it, on disk,
// and beside it the letters before the cursor that still wait. A message is
// delivered once the target answers 2xx; what was delivered in the moment before
// a crash is delivered again, under the same webhook-id. Messages of one call go
// one after the other. Those of others do not wait for them, and no target waits
// for another: each has its own goroutines, and nothing that answers a call ever
// waits for the relay.
//
// # Failures
//
// What fails is repeated with growing pauses, and given up after
// [Options].GiveUp; it is a dead letter then, which a person may send again or
// delete. A message that the target refuses for good is a dead letter at once. A
// target that fails altogether gets one attempt from time to time; meanwhile its
// backlog stays in the log and takes no memory.
//
// # Secrets and addresses
//
// Messages are signed as Standard Webhooks says. An address that is not public
// is refused when it is dialled, whatever its name resolved to before, unless
// [Options].AllowPrivate says otherwise. Redirects are not followed. Credentials
// and queries of URLs get into no log, status or error.
package relay

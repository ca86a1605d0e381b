// Package fold turns the log's records into what policies see: records of one
// call_id into a [Group], a group into calls, calls into the [Profile] of each
// number.
//
// One promise: everything here is a function of the set of records. Folding is
// idempotent, the order of folding does not matter, duplicates change nothing.
// The server, a replay and a rebuild of the index run this same code and come
// to the same result. The package holds no state, reads no clock and does no
// input or output; its values are immutable and safe to share.
//
// # Calls
//
// A call is identified by its call_id and DID. Of several decisions on one DID
// a forward or a reject counts before a 503 (source "none", which is decided
// anew on a retry), then the earliest routed.
//
// Reports (completions) of one call are kept as a set, best first: later end,
// answered before notanswered before other, longer duration. The call's end,
// status and duration are each the best one reported; every other field comes
// from the best report that knows it, a number before a masked value. A report
// joins the decision on its own DID; where its DID is masked, unknown or none
// that was decided, the group's newest decision. Without any decision the
// reports on one DID are an orphan call.
//
// A joined call shows the caller and DID of the initiation and the receiver of
// the decision; reports fill in only what those leave empty. Exception: a report
// that reached us before the call was routed and names a real receiver keeps it,
// for our answer came too late to matter.
//
// A rejected call stays rejected whatever is reported; its times and duration
// are shown and it counts nowhere. A call we answered with 503 has status other,
// or what is reported, with our caller and DID and the reported receiver; it counts
// nowhere either, for nobody was rung by us. An orphan that turns out to be one,
// its initiation coming last, leaves what it counted in.
//
// An orphan's own times date it, save those more than a day after the report's
// arrival: a provider's broken clock must not put a call on top of the history
// for years.
//
// # In flight
//
// A call without a report is in flight for the call TTL. Counters are kept for
// slices of time of a 1,800th of the TTL (a second, at 30 minutes), not for
// calls, so that a profile's size does not depend on the rate. A call expires
// with its slice: never later than routed_at + TTL, at most two slices earlier.
// [Resolve] applies the same rule, so statuses and counters agree at any moment.
// Counters older than the newest routed call less the TTL are dropped: asked
// about a moment before that call, a profile may take an in-flight call for
// expired.
//
// # Bounds
//
// What a profile forgets when it is full is chosen by the calls' order alone.
// A call that leaves a profile again (an orphan whose initiation names other
// numbers) uncovers older ones only as far as they are kept: 32 calls for the 20
// shown, 33 days for 31. If the call that leaves was the last answered one or
// the last of its reason, the next is looked for among those calls; an older one
// is found again only when it recurs. The streak is exact up to 64, and counts
// what those calls show when the answered call that ended it leaves.
//
// A group holds 32 distinct reports and 64 DIDs; more of one call_id are
// forgotten, worst and highest first.
package fold

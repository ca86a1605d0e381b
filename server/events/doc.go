// Package events is the memory of what happened last, for those who watch: a
// bounded ring of events that any number of readers follow at their own pace.
//
// Publishing never waits, for a reader or for anything else: it happens while a
// caller is on the line. A reader that falls behind further than the ring
// reaches is told how many events it lost. Readers that come back say which
// event they saw last and go on from there.
//
// The package knows nothing of what the events say, and nothing of HTTP.
package events

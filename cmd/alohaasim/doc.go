// Command alohaasim plays the provider's part: it sends whole calls
// (initiation, talk, completion) to a Switchboard server and checks every answer
// against the contract. It serves demonstrations, end-to-end tests and load.
//
//	alohaasim --target http://127.0.0.1:8080 --calls 100 --concurrency 8
//	alohaasim --calls 5000 --retries 0.2 --duplicates 0.2 --reorder 0.1 --spelling
//	alohaasim --rate 50 --talk 30s-3m --speed 1 --calls 1000
//
// What happens to a call is drawn from --seed and the call's position alone, so
// that the same flags play the same calls whatever the concurrency. Only the
// call_ids differ: their prefix is new on every run unless --prefix names one.
//
// A completion carries the times of a whole call and ends "now"; the emulator
// itself waits only talk times --speed, which is nothing by default. One worker
// plays one call from start to end, so --concurrency is also the number of calls
// that can talk at the same time.
//
// The report on stdout tells latencies, answers by receiver and every broken
// promise with examples. Numbers are masked unless --show-numbers is given.
//
// Exit codes: 0 nothing broke, 1 usage (or a file that cannot be written), 2 a
// promise was broken, 3 the server could not be reached and nothing else broke.
// An interrupt ends the run and prints the report so far.
//
// Calls go to loopback addresses only, unless --allow-remote is given: the
// emulator makes up callers, and a live server would count them.
package main

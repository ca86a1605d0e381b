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
// With --scenario it plays a story instead, against a server that serves the
// starter policies with testdata/scenarios/NAME.yaml as their directory, and tells
// it by --private what a customer's own systems would:
//
//	switchboard policies init delivery
//	cp testdata/scenarios/delivery.yaml delivery/directory/data.yaml
//	switchboard serve --policies delivery --db delivery.db
//	alohaasim --scenario delivery --calls 60
//
// delivery opens and ends masked pairs and has both sides call; sales has callers
// come again while agents take breaks, and asks about nights and holidays;
// overload has more people ring at once than the team can talk to. --calls is the
// number of orders, of first callers, of calls. The callers are new on every run
// whose --prefix is, and --dids, --callers, --rate, --anonymous, --reorder and
// --no-completions do not count. The report adds who was reached at what moment
// and for what reason.
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

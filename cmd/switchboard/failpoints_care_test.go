package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"switchboard/engine"
	"switchboard/engine/history"
)

// careCases are the steps of retention and of an erasure: those who rewrite the
// log.
func careCases() (all []failingCase) {
	for point, says := range map[string]string{
		"retention.clock": "", "retention.look": "", "retention.carry": "", "retention.rests": "", // tried again, before anybody could look
		"pieces.sweep":    "", // the next start takes them away
		"retention.relay": "make room", "retention.mark": "make room", "retention.delete": "make room",
	} {
		often := point != "retention.clock" && point != "pieces.sweep"
		all = append(all, failingCase{point: point, action: "kill", play: duringRetention, often: often}, failingCase{point: point, action: "fail", play: duringRetention, often: often, says: says})
	}
	for _, point := range []string{"retention.subtract", "retention.archive", "retention.done"} {
		all = append(all, failingCase{point: point, action: "kill", play: duringRetention, often: true})
	}
	all = append(all, failingCase{point: "retention.rests", action: "kill", play: startAfterRetention, often: true},
		failingCase{point: "retention.rests", action: "fail", play: startAfterRetention, often: true},
		failingCase{point: "retention.subtract", action: "kill", play: startAfterRetention, often: true})
	for point, says := range map[string]string{
		"forget.session": "", "forget.look": "", "pieces.sweep": "", "forget.calls": "", "forget.live": "", "forget.note": "", "forget.index": "", // whoever asked is told
		"forget.replace": "make room", "forget.others": "make room", "forget.letters": "make room",
	} {
		all = append(all, failingCase{point: point, action: "kill", play: duringForget}, failingCase{point: point, action: "fail", play: duringForget, says: says})
	}
	for _, point := range []string{"forget.reduce", "forget.archive"} {
		all = append(all, failingCase{point: point, action: "kill", play: duringForget})
	}
	return all
}

// The person whom duringForget forgets.
const erasedPerson = "9123450001"

// lived leaves a database of calls, live data, quarantine and archive that began
// at a time, and of some calls of now.
func (f *failing) lived(began time.Time) {
	f.Helper()
	f.folder = filepath.Join(f.dir, "policies")
	editedSet(f.T, f.folder)
	numbers, err := engine.NewNumbers("IN")
	if err != nil {
		f.Fatal(err)
	}
	zone, err := time.LoadLocation("Asia/Kolkata")
	if err != nil {
		f.Fatal(err)
	}
	var clock atomic.Int64 // ns; the store reads it from goroutines of its own
	clock.Store(began.UnixNano())
	s, err := history.Open(history.Options{Path: f.db(), CallTTL: 30 * time.Minute, Zone: zone, Now: func() time.Time { return time.Unix(0, clock.Load()) }})
	if err != nil {
		f.Fatal(err)
	}
	must := func(_ any, err error) {
		f.Helper()
		if err != nil {
			f.Fatal(err)
		}
	}
	did := numbers.DID("918645658689")
	decide := func(id, caller string) {
		f.Helper()
		now := clock.Add(int64(time.Second))
		_, err := s.Publish(nil, &engine.DecisionRecord{
			CallID: id, Caller: numbers.Person(caller), DID: did, RoutedAt: now, Arrived: now,
			Decision: engine.Decision{Number: "9876543210", Reason: "made", Source: engine.SourcePolicy}, ReceiverIsNumber: true,
			Evaluation: engine.Evaluation{Input: json.RawMessage(`{}`)}, Tries: 1, Reply: engine.Reply{Status: 200},
			Raw: engine.Payload{Type: "application/json", Body: []byte(`{"caller_number": "` + caller + `"}`)},
		})
		must(nil, err)
	}
	report := func(id, caller string) {
		f.Helper()
		now := clock.Add(int64(time.Second))
		must(s.Complete(f.Context(), &engine.Completion{
			CallID: id, Caller: numbers.Person(caller), Receiver: numbers.Person("9876543210"), DID: did, Status: engine.StatusAnswered,
			EndedAt: now, Duration: 5, Arrived: now,
		}))
	}
	live := func(name, number string) {
		f.Helper()
		must(s.PutSession(f.Context(), engine.Session{Ref: "stays-" + name, DID: "918645658680", Parties: [2]string{number, "9811111111"}}, nil, "made"))
		must(s.PutSession(f.Context(), engine.Session{Ref: "ended-" + name, DID: "918645658681", Parties: [2]string{number, "9811111111"}}, nil, "made"))
		must(s.EndSession(f.Context(), "ended-"+name, "made"))
		must(s.PutFact(f.Context(), engine.Fact{Collection: "made", Key: name, Value: json.RawMessage(`{"of": "` + number + `"}`)}))
		must(s.Quarantine(f.Context(), engine.QuarantineItem{Kind: "completion", Cause: "made", Raw: engine.Payload{Body: []byte(name + " of " + number)}}))
		must(nil, s.SaveRevision(f.Context(), &engine.Revision{ID: "made-" + name, At: clock.Load(), Files: map[string][]byte{"made.txt": []byte(name + " of " + number)}}))
	}
	callers := []string{erasedPerson, "9123450002", "9123450003"}
	for i := range 30 {
		id, caller := fmt.Sprint("old-", i), callers[i%3]
		decide(id, caller)
		if i%10 != 9 {
			report(id, caller)
		}
		if i == 10 {
			live("first", erasedPerson)
		}
		if i == 20 {
			live("second", "9123450002")
		}
	}
	decide("old-"+erasedPerson, erasedPerson)
	clock.Store(time.Now().Add(-time.Minute).UnixNano())
	report("old-9", erasedPerson) // what came late stays
	report("old-19", "9123450002")
	for i := range 6 {
		id := fmt.Sprint("new-", i)
		decide(id, callers[i%3])
		report(id, callers[i%3])
		f.reported[id] = true
	}
	must(nil, s.Close())
	// The index becomes one of the program's bounds.
	f.retention = "0"
	f.start()
	f.recovers()
	must(nil, f.process.cmd.Process.Signal(os.Interrupt))
	<-f.ended
	must(nil, f.how)
	f.retention = ""
}

// duringRetention fails while the server deletes what is too old.
func duringRetention(f *failing, c failingCase) {
	f.lived(time.Now().AddDate(0, 0, -500))
	f.care = (*failing).retained
	f.armedStart(c)
}

// startAfterRetention fails at a start that subtracts again what was deleted, for
// the index does not know of it.
func startAfterRetention(f *failing, c failingCase) {
	f.lived(time.Now().AddDate(0, 0, -500))
	f.care = (*failing).retained
	f.arm("index.cut", "fail", 0)
	f.start()
	poll(f, "the index to stand still", f.hit)
	f.retained()
	f.kill()
	f.disarm()
	f.armedStart(c)
}

// retained waits until the server has deleted what is too old, and checks that
// the rest is there.
func (f *failing) retained() {
	f.Helper()
	poll(f, "retention to come to its end", func() bool {
		left := 0
		for id := range f.listed() {
			if strings.HasPrefix(id, "old-") {
				left++
			}
		}
		return left == 2
	})
	seen := f.listed()
	for _, id := range []string{"old-9", "old-19", "new-0", "new-1", "new-2", "new-3", "new-4", "new-5"} {
		if seen[id] != "answered" {
			f.Errorf("%s should be there, answered, and is %q", id, seen[id])
		}
	}
	for _, name := range []string{"first", "second"} {
		var session struct{ Expires *int64 }
		if f.get("/api/v1/sessions/stays-"+name, &session); session.Expires != nil {
			f.Errorf("the session %s has ended", name)
		}
		f.get("/api/v1/facts/made/"+name, new(any))
	}
	// The second explains what was decided before the server's own came.
	if status, body := f.askOnce(http.MethodGet, "/api/v1/policies/made-first", ""); status != http.StatusNotFound {
		f.Errorf("a policy set that explains nothing: %d %s", status, body)
	}
	f.get("/api/v1/policies/made-second", new(any))
	var quarantine struct{ Items []struct{ Cause string } }
	f.get("/api/v1/quarantine", &quarantine)
	for _, i := range quarantine.Items {
		if i.Cause == "made" {
			f.Error("an old payload is in quarantine")
		}
	}
}

// askOnce asks the private API once; status 0 where nobody answers.
func (f *failing) askOnce(method, path, body string) (status int, text string) {
	req, err := http.NewRequestWithContext(f.Context(), method, f.process.private+path, strings.NewReader(body))
	if err != nil {
		return 0, err.Error()
	}
	resp, err := f.client.Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, err.Error()
	}
	return resp.StatusCode, string(got)
}

// duringForget fails while a person is erased, and asks again.
func duringForget(f *failing, c failingCase) {
	f.lived(time.Now().AddDate(0, 0, -5))
	f.start()
	f.care = (*failing).forgets
	f.arm(c.point, c.action, c.skip)
	f.sending.Go(func() { f.askOnce(http.MethodPost, "/api/v1/forget", `{"number": "`+erasedPerson+`"}`) })
	if c.action == "kill" {
		f.died()
		f.disarm()
		return
	}
	poll(f, "the failpoint", f.hit)
	f.tells(c)
	for range 3 {
		if !f.call() {
			f.Fatal("a call gets no answer")
		}
	}
	f.disarm()
	f.sending.Wait()
	f.kill()
}

// forgets asks for the erasure until it is whole, and checks that nothing is left
// of the person and all of others.
func (f *failing) forgets() {
	f.Helper()
	ask := func() (status int, e engine.Erasure) {
		status, body := f.askOnce(http.MethodPost, "/api/v1/forget", `{"number": "`+erasedPerson+`"}`)
		if status == http.StatusOK {
			if err := json.Unmarshal([]byte(body), &e); err != nil {
				f.Fatal(err)
			}
		} else if status != http.StatusServiceUnavailable { // the index is made anew
			f.Fatalf("forget: %d %s", status, body)
		}
		return status, e
	}
	poll(f, "the erasure", func() bool { status, _ := ask(); return status == http.StatusOK })
	if _, e := ask(); !e.Empty() {
		f.Errorf("it left something: %+v", e)
	}
	seen := f.listed()
	for id, status := range seen {
		if strings.Contains(id, erasedPerson) {
			f.Error("a call is named after the person")
		}
		if i := strings.TrimPrefix(id, "old-"); i != "29" && len(i) < 3 && status != "answered" {
			f.Errorf("%s is %s", id, status)
		}
	}
	if made := len(seen) - len(f.answered); made < 37 {
		f.Errorf("%d of 37 calls are left", made)
	}
	for path, found := range map[string]int{
		"/api/v1/profiles/callers/" + erasedPerson: http.StatusNotFound, "/api/v1/profiles/callers/9123450002": http.StatusOK,
		"/api/v1/policies/made-first": http.StatusNotFound, "/api/v1/policies/made-second": http.StatusOK, "/api/v1/facts/made/second": http.StatusOK,
	} {
		if status, body := f.askOnce(http.MethodGet, path, ""); status != found {
			f.Errorf("%s: %d %s", path, status, body)
		}
	}
	var quarantine, sessions json.RawMessage
	f.get("/api/v1/quarantine", &quarantine)
	f.get("/api/v1/sessions?ended=true", &sessions)
	for what, text := range map[string]json.RawMessage{"quarantine": quarantine, "sessions": sessions} {
		if strings.Contains(string(text), erasedPerson) || !strings.Contains(string(text), "9123450002") {
			f.Errorf("the %s: %s", what, text)
		}
	}
}

package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"switchboard/engine/failpoint"
)

// failingCase is one way in which a step of the program fails.
type failingCase struct {
	point  string
	action string // "fail" or "kill"
	// play brings a world to the step with the point armed, and to where a server
	// can be started anew. What was acknowledged is in the world.
	play func(f *failing, c failingCase)
	// says is what status, the report of a reload or the error of a start must
	// tell; empty where nothing is to be seen.
	says  string
	often bool // it is come by again and again, and any visit may be the one
	skip  int  // visits to let by
}

// failingCases are all steps in all ways. A point that is not among them fails
// the test, and so does one that is not come by.
func failingCases() (all []failingCase) {
	for point, says := range map[string]string{
		"commit.begin": "make room", "commit.put": "make room", "commit.belongings": "make room", "commit.write": "make room", "commit.synced": "make room",
		"index.cut": "index does not take", "index.begin": "index does not take", "index.put": "index does not take",
		"index.settle": "index does not take", "index.unpile": "index does not take",
		"index.filters": "index does not take", "index.mark": "index does not take", "index.synced": "index does not take",
	} {
		all = append(all, failingCase{point: point, action: "kill", play: duringCalls, often: true}, failingCase{point: point, action: "fail", play: duringCalls, often: true, says: says})
	}
	for _, point := range []string{"decision.taken", "completion.taken", "decision.folded", "completion.folded", "commit.counted", "commit.room", "reply.initiation", "reply.completion", "index.epoch", "index.noted"} {
		all = append(all, failingCase{point: point, action: "kill", play: duringCalls, often: true})
	}
	for _, point := range []string{"reload.read", "reload.compile", "reload.tests", "reload.prepare", "reload.smoke"} {
		all = append(all, failingCase{point: point, action: "kill", play: duringReload}, failingCase{point: point, action: "fail", play: duringReload, says: "no space left"})
	}
	all = append(all, failingCase{point: "reload.archive", action: "fail", play: duringReload, says: "could not be archived"},
		failingCase{point: "reload.pieces", action: "fail", play: duringReload}, // they go with the record
		failingCase{point: "reload.pieces", action: "kill", play: duringReload}, failingCase{point: "reload.pieces", action: "kill", play: duringReload, skip: 1})
	for _, point := range []string{"reload.begin", "reload.archive", "reload.archived", "reload.swapped", "reload.announced"} {
		all = append(all, failingCase{point: point, action: "kill", play: duringReload})
	}
	for _, point := range []string{"stop.drain", "stop.log", "stop.flush", "stop.index", "stop.closing"} {
		all = append(all, failingCase{point: point, action: "kill", play: duringStop})
	}
	all = append(all, failingCase{point: "stop.flush", action: "fail", play: duringStop, says: "the next start does it"})
	return append(append(all, careCases()...), startCases()...)
}

func startCases() (all []failingCase) {
	both := func(play func(*failing, failingCase), says string, points ...string) {
		for _, point := range points {
			all = append(all, failingCase{point: point, action: "kill", play: play}, failingCase{point: point, action: "fail", play: play, says: says})
		}
	}
	kill := func(play func(*failing, failingCase), points ...string) {
		for _, point := range points {
			all = append(all, failingCase{point: point, action: "kill", play: play})
		}
	}
	both(firstStart, "make room", "create.beside", "create.fill", "create.publish")
	both(firstStart, "index does not take", "create.linked") // the log has its name
	both(laterStart, "no space left", "open.log", "open.read", "open.archive", "listen.public", "listen.private")
	both(laterStart, "", "open.index", "open.tail") // mended before anybody could look
	kill(laterStart, "ready.write")
	all = append(all, failingCase{point: "ready.write", action: "fail", play: readyLater})
	both(laterStart, "", "start.revision")
	kill(laterStart, "ready.published")
	both(startOnLeftPieces, "", "pieces.sweep")
	both(startOnCorruption, "can't be set aside", "open.corrupt")
	kill(startOnCorruption, "open.set_aside")
	both(startWithoutIndex, "index does not take", "create.beside", "create.fill", "create.publish", "create.linked")
	both(startWithoutIndex, "can't be read to its beginning", "rebuild.record")
	kill(startWithoutIndex, "rebuild.end")
	both(startOnBadIndex, "index", "index.remove")
	return all
}

// TestFailpoints ends or breaks the program at every step of a commit, retention,
// an erasure, a reload, a start and a stop, starts it again, and looks for everything that it had
// acknowledged. In further rounds (SWITCHBOARD_FAILPOINT_ROUNDS) the step is left
// alone for some visits first.
func TestFailpoints(t *testing.T) {
	binary, err := armedBinary()
	if err != nil {
		t.Fatal(err)
	}
	cases := failingCases()
	for _, point := range failpoint.All() {
		found := false
		for _, c := range cases {
			found = found || c.point == point
		}
		if !found {
			t.Errorf("nothing is tried at %q", point)
		}
	}
	rounds := countOf(t, "SWITCHBOARD_FAILPOINT_ROUNDS", 1)
	for round := range rounds {
		for _, c := range cases {
			if round > 0 && !c.often {
				continue
			}
			if round > 0 {
				c.skip = rand.IntN(8)
			}
			t.Run(fmt.Sprintf("%s %s %d", c.point, c.action, c.skip), func(t *testing.T) {
				t.Parallel()
				f := newFailing(t, binary)
				c.play(f, c)
				f.start()
				f.settled()
			})
		}
	}
}

// An ordinary program does not know of failpoints.
func TestFailpointsAreNotInTheProgram(t *testing.T) {
	f := newFailing(t, switchboardBinary(t))
	f.arm("commit.begin", "kill", 0)
	f.start()
	for range 3 {
		if !f.call() {
			t.Fatal("it dies")
		}
	}
	f.settled()
	if f.hit() {
		t.Error("it notes a visit")
	}
}

// duringCalls fails at a step of a commit, or of what is written behind it.
func duringCalls(f *failing, c failingCase) {
	f.start()
	for range 5 {
		f.call()
	}
	f.sending.Wait()
	f.arm(c.point, c.action, c.skip)
	if c.action == "kill" {
		f.callsUntil("the failpoint", f.hit)
		f.died()
		f.disarm()
		return
	}
	f.callsUntil("the failpoint", f.hit)
	f.tells(c)
	for range 5 {
		if !f.call() {
			f.Fatal("a call gets no answer")
		}
	}
	f.disarm()
	f.recovers()
	f.sending.Wait()
	f.kill()
}

// tells waits until status says what it should while a step fails.
func (f *failing) tells(c failingCase) {
	f.Helper()
	said := ""
	poll(f, "status to say "+c.says, func() bool { said = f.trouble(); return strings.Contains(said, c.says) })
}

// laterStart fails at a step of a start after a crash.
func laterStart(f *failing, c failingCase) {
	f.crashed()
	f.armedStart(c)
}

// crashed leaves a log whose tail the index does not have.
func (f *failing) crashed() {
	f.Helper()
	f.start()
	for range 20 {
		f.call()
	}
	f.sending.Wait()
	f.arm("index.cut", "fail", 0)
	f.callsUntil("the index to stand still", f.hit)
	for range 5 {
		f.call()
	}
	f.sending.Wait()
	f.kill()
	f.disarm()
}

// armedStart starts a server with the point armed: it dies, or it ends with an
// error that says why, or it serves and says what is the matter.
func (f *failing) armedStart(c failingCase) {
	f.Helper()
	f.arm(c.point, c.action, c.skip)
	f.launch()
	if c.action == "kill" {
		f.died()
		f.disarm()
		return
	}
	if !f.served() {
		if !strings.Contains(f.said(), c.says) {
			f.Errorf("it ends without saying %q", c.says)
		}
		f.disarm()
		return
	}
	for range 3 {
		if !f.call() {
			f.Fatal("a call gets no answer")
		}
	}
	poll(f, "the failpoint", f.hit)
	f.tells(c)
	f.disarm()
	f.recovers()
	f.sending.Wait()
	f.kill()
}

// readyLater starts a server that can't tell who waits for its ready file.
func readyLater(f *failing, c failingCase) {
	f.arm(c.point, c.action, c.skip)
	f.launch()
	poll(f, "the failpoint", f.hit)
	f.disarm()
	if !f.served() || !f.call() {
		f.Fatal("a call gets no answer")
	}
	f.recovers()
	f.kill()
}

func firstStart(f *failing, c failingCase) { f.armedStart(c) }

func startWithoutIndex(f *failing, c failingCase) {
	f.crashed()
	if err := os.Remove(f.db() + ".index"); err != nil {
		f.Fatal(err)
	}
	f.armedStart(c)
}

func startOnBadIndex(f *failing, c failingCase) {
	f.crashed()
	if err := os.WriteFile(f.db()+".index", bytes.Repeat([]byte("rubbish "), 4096), 0o600); err != nil {
		f.Fatal(err)
	}
	f.armedStart(c)
}

// startOnLeftPieces leaves files of a policy set that was never archived.
func startOnLeftPieces(f *failing, c failingCase) {
	duringReload(f, failingCase{point: "reload.pieces", action: "kill", skip: 1})
	f.edit("9876543212", "9876543210")
	f.armedStart(c)
}

// startOnCorruption leaves the log unreadable: what was acknowledged lies in the
// file that is set aside.
func startOnCorruption(f *failing, c failingCase) {
	f.crashed()
	if err := os.WriteFile(f.db(), bytes.Repeat([]byte("rubbish "), 4096), 0o600); err != nil {
		f.Fatal(err)
	}
	clear(f.answered)
	clear(f.reported)
	clear(f.garbage)
	f.armedStart(c)
	f.launch()
	if !f.served() {
		f.Fatal("the server does not start")
	}
	if aside, err := filepath.Glob(f.db() + ".corrupt-*"); err != nil || len(aside) != 1 {
		f.Errorf("set aside: %v, %v", aside, err)
	}
	f.kill()
}

// duringReload fails at a step between an edit and its being in force.
func duringReload(f *failing, c failingCase) {
	f.folder = filepath.Join(f.dir, "policies")
	editedSet(f.T, f.folder)
	f.start()
	for range 3 {
		f.call()
	}
	f.sending.Wait()
	f.arm(c.point, c.action, c.skip)
	f.edit("9876543210", "9876543212")
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
	// What somebody does whom status told: save it once more.
	f.edit("9876543212", "9876543213")
	f.recovers()
	f.sending.Wait()
	f.kill()
}

// edit changes a number of the directory.
func (f *failing) edit(old, new string) {
	f.Helper()
	path := filepath.Join(f.folder, data)
	text, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(path, bytes.ReplaceAll(text, []byte(old), []byte(new)), 0o644)
	}
	if err != nil {
		f.Fatal(err)
	}
}

// duringStop fails at a step of an orderly end.
func duringStop(f *failing, c failingCase) {
	f.start()
	for range 5 {
		f.call()
	}
	f.sending.Wait()
	f.arm(c.point, c.action, c.skip)
	if err := f.process.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		f.Fatal(err)
	}
	if c.action == "kill" {
		f.died()
	} else if <-f.ended; f.how != nil || !strings.Contains(f.said(), c.says) {
		f.Errorf("it ends with %v without saying %q", f.how, c.says)
	}
	f.disarm()
}

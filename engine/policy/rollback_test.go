package policy

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"switchboard/engine"
)

const older, newer, third = "9876543210", "9876543211", "9876543212"

// twoLive is a rig on whose folder first older and then newer went live, and
// the revisions of both.
func twoLive(t *testing.T) (r *rig, first, second string) {
	t.Helper()
	r = started(t, good(older))
	r.report(t)
	first = r.Active().Revision()
	r.save(t, newer)
	if report := r.Reload(t.Context(), "api"); !report.OK || r.answers(t) != newer {
		t.Fatalf("report %+v", report)
	}
	r.report(t)
	return r, first, r.Active().Revision()
}

// save puts a rule that answers number into the folder.
func (r *rig) save(t *testing.T, number string) { r.write(t, regoFor(number)) }

func (r *rig) write(t *testing.T, text string) {
	t.Helper()
	put(t, filepath.Join(r.dir, "routing/routing.rego"), text)
}

// back rolls back and wants it done.
func (r *rig) back(t *testing.T, revision string) engine.Report {
	t.Helper()
	report, err := r.Rollback(t.Context(), revision, "admin")
	if err != nil || !report.OK || report.Active != revision || report.Origin != OriginRollback {
		t.Fatalf("report %+v, error %v", report, err)
	}
	if told := r.report(t); told.Active != revision {
		t.Errorf("announced %+v", told)
	}
	return report
}

// restarted is another manager on the same folder and archive, started.
func (r *rig) restarted(t *testing.T) *rig {
	t.Helper()
	next := newRig(t, func(o *ManagerOptions) { o.Folder, o.Archive = r.dir, r.archive })
	next.archive = r.archive
	if err := next.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return next
}

func (r *rig) isHeld(t *testing.T, want bool) {
	t.Helper()
	s := r.Status()
	if (s.Rollback != nil) != want || (s.Origin == OriginRollback) != want {
		t.Errorf("origin %s, rollback %+v; want one: %v", s.Origin, s.Rollback, want)
	}
}

func TestRollbackHoldsUntilTheFolderChanges(t *testing.T) {
	r, first, second := twoLive(t)
	if report := r.back(t, first); !report.Changed || r.answers(t) != older {
		t.Errorf("report %+v, answer %s", report, r.answers(t))
	}
	s := r.Status()
	if s.Revision != first || s.Origin != OriginRollback || s.Rollback.By != "admin" || s.Rollback.From != second ||
		s.Rollback.Instead != second || s.Rollback.At.IsZero() {
		t.Errorf("status %+v, rollback %+v", s, s.Rollback)
	}
	if saved := r.archive.last(); saved.ID != first || saved.Origin != OriginFolder || saved.Rollback == nil || saved.Rollback.Instead != second {
		t.Errorf("archived %+v", saved)
	}
	if log := r.log.String(); !strings.Contains(log, "going back to an archived policy set") || !strings.Contains(log, "source=rollback") {
		t.Errorf("the log says\n%s", log)
	}

	// Asking for a reload does not undo it, and the answer says why and what would.
	before := r.Active()
	report := r.Reload(t.Context(), "api")
	r.report(t)
	if !report.OK || report.Changed || r.Active() != before || report.Revision != second || report.Active != first ||
		len(report.Warnings) != 1 || report.Warnings[0].Code != "hold" || !strings.Contains(report.Warnings[0].Hint, "rollback "+second) {
		t.Errorf("a reload meanwhile reports %+v", report)
	}
	// Neither does the watcher's look.
	r.look(t.Context())
	r.isHeld(t, true)

	// A broken edit changes nothing; undone, the rollback still holds.
	r.write(t, brokenRego)
	r.look(t.Context())
	if broken := r.report(t); broken.OK || r.Active() != before {
		t.Errorf("a broken edit reports %+v", broken)
	}
	r.isHeld(t, true)
	r.save(t, newer)
	r.look(t.Context())
	if undone := r.report(t); !undone.OK || r.Active() != before {
		t.Errorf("the edit undone reports %+v", undone)
	}
	r.isHeld(t, true)

	// A good edit ends it.
	r.save(t, third)
	r.look(t.Context())
	if edited := r.report(t); !edited.Changed || r.answers(t) != third {
		t.Errorf("an edit reports %+v, answer %s", edited, r.answers(t))
	}
	r.isHeld(t, false)
	if saved := r.archive.last(); saved.Rollback != nil || saved.ID != r.Active().Revision() {
		t.Errorf("archived %+v", saved)
	}
	// From then on what was rolled back from is an edit like any other.
	r.save(t, newer)
	r.look(t.Context())
	if r.answers(t) != newer {
		t.Errorf("the answer is %s", r.answers(t))
	}
}

func TestRollbackHoldsAcrossARestart(t *testing.T) {
	for name, c := range map[string]struct {
		meanwhile func(r *rig)
		answer    string
		held, ok  bool
	}{
		"nothing happens":      {func(*rig) {}, older, true, true},
		"an edit":              {func(r *rig) { r.save(t, third) }, third, false, true},
		"a broken edit":        {func(r *rig) { r.write(t, brokenRego) }, older, true, false},
		"the folder goes":      {func(r *rig) { os.RemoveAll(r.dir) }, older, true, false},
		"the same by an edit":  {func(r *rig) { r.save(t, older) }, older, false, true},
		"the same, then other": {func(r *rig) { r.save(t, older); r.restarted(t); r.save(t, newer) }, newer, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			r, first, second := twoLive(t)
			r.back(t, first)
			c.meanwhile(r)
			next := r.restarted(t)
			if report := next.report(t); report.OK != c.ok || next.answers(t) != c.answer {
				t.Errorf("report %+v, answer %s", report, next.answers(t))
			}
			next.isHeld(t, c.held)
			if !c.held {
				return
			}
			if s := next.Status(); s.Rollback.From != second || s.Rollback.By != "admin" {
				t.Errorf("the rollback is %+v", s.Rollback)
			}
			// Once more, and then the edit that ends it.
			next = next.restarted(t)
			next.isHeld(t, true)
			if err := os.MkdirAll(filepath.Join(r.dir, "routing"), 0o755); err != nil {
				t.Fatal(err)
			}
			next.save(t, third)
			next.look(t.Context())
			if next.answers(t) != third {
				t.Errorf("the answer is %s", next.answers(t))
			}
			next.isHeld(t, false)
		})
	}
}

func TestRollbackToWhatTheFolderHoldsEndsIt(t *testing.T) {
	r, first, second := twoLive(t)
	r.back(t, first)
	if report := r.back(t, second); !report.Changed || r.answers(t) != newer {
		t.Errorf("report %+v", report)
	}
	r.isHeld(t, false)
	if s := r.Status(); s.Origin != OriginFolder || r.archive.last().Rollback != nil {
		t.Errorf("status %+v", s)
	}
	if r.restarted(t).answers(t) != newer {
		t.Error("a restart brings the rollback back")
	}
}

// To go back to the set that serves changes nothing, unless the folder holds
// another: then it pins.
func TestRollbackToTheActiveSet(t *testing.T) {
	r, _, second := twoLive(t)
	before, saved := r.Active(), r.archive.count()
	if report := r.back(t, second); report.Changed || r.Active() != before {
		t.Errorf("report %+v", report)
	}
	r.isHeld(t, false)
	if n := r.archive.count(); n != saved+1 {
		t.Errorf("%d revisions saved", n-saved)
	}
	r.write(t, brokenRego)
	r.back(t, second)
	r.isHeld(t, true)
	if r.Active() != before || r.Status().Rollback.Instead == second {
		t.Errorf("status %+v", r.Status().Rollback)
	}
}

func TestRollbackRefuses(t *testing.T) {
	r, _, _ := twoLive(t)
	before, status := r.Active(), r.Status()
	if _, err := r.Rollback(t.Context(), "beef", "admin"); !errors.Is(err, engine.ErrNoRevision) {
		t.Errorf("an unknown one gives %v", err)
	}
	// One that a former version let live and this one would not.
	stale := Tree{"routing/routing.rego": []byte(brokenRego)}
	r.archive.saved = append([]*engine.Revision{{ID: stale.Revision(), Origin: OriginFolder, Files: stale}}, r.archive.saved...)
	report, err := r.Rollback(t.Context(), stale.Revision(), "admin")
	if err != nil || report.OK || len(report.Errors) == 0 || report.Errors[0].Line != 3 || report.Active != before.Revision() || report.Origin != OriginRollback {
		t.Errorf("report %+v, error %v", report, err)
	}
	// One whose tests fail by now.
	failing := goodTree().Overlay(map[string]string{"routing/routing_test.rego": "package routing_test\n\nimport data.routing\n\ntest_x if routing.decision.call_forwarding_number == \"9876543219\"\n"})
	r.archive.saved = append([]*engine.Revision{{ID: failing.Revision(), Origin: OriginFolder, Files: failing}}, r.archive.saved...)
	if report, err = r.Rollback(t.Context(), failing.Revision(), "admin"); err != nil || report.OK || report.Tests.Failed != 1 {
		t.Errorf("report %+v, error %v", report, err)
	}
	if r.Active() != before || r.Status().Reload.At != status.Reload.At {
		t.Errorf("a refused rollback changed something: %+v", r.Status())
	}
	r.isHeld(t, false)
	r.archive.err = errors.New("torn page")
	if _, err := r.Rollback(t.Context(), "beef", "admin"); err == nil || errors.Is(err, engine.ErrNoRevision) {
		t.Errorf("a failing archive gives %v", err)
	}
}

// A disk that fails keeps nobody from going back; the report says what is
// missing.
func TestRollbackThatCannotBeArchived(t *testing.T) {
	r, first, _ := twoLive(t)
	r.archive.unsaved = errors.New("disk full")
	report := r.back(t, first)
	if r.answers(t) != older || len(report.Warnings) != 1 || !strings.Contains(report.Warnings[0].Hint, "restart") {
		t.Errorf("report %+v", report)
	}
	r.isHeld(t, true)
}

// Without a folder one goes back among what the archive holds, the built-in set
// included; a folder that appears ends it.
func TestRollbackWithoutFolder(t *testing.T) {
	builtin := archived(OriginBuiltin, newer)
	r := newRig(t, func(o *ManagerOptions) {
		o.Folder, o.Optional, o.Builtin = filepath.Join(t.TempDir(), "policies"), true, Tree(builtin.Files)
	})
	r.archive.saved = []*engine.Revision{builtin, archived(OriginFolder, older)}
	if err := r.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.report(t)
	if r.answers(t) != older {
		t.Fatal("the archived set does not serve")
	}
	r.back(t, builtin.ID)
	r.isHeld(t, true)
	again := newRig(t, func(o *ManagerOptions) {
		o.Folder, o.Optional, o.Builtin, o.Archive = r.dir, true, Tree(archived(OriginBuiltin, third).Files), r.archive
	})
	if err := again.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	again.report(t)
	if again.answers(t) != newer {
		t.Errorf("after a restart the answer is %s", again.answers(t))
	}
	again.isHeld(t, true)
	put(t, filepath.Join(r.dir, "routing/routing.rego"), regoFor(third))
	again.look(t.Context())
	if again.answers(t) != third {
		t.Errorf("with a folder the answer is %s", again.answers(t))
	}
	again.isHeld(t, false)
}

// Where the held set does not load any more after an update of the program, the
// folder serves.
func TestRollbackToWhatLoadsNoMore(t *testing.T) {
	r, first, _ := twoLive(t)
	r.back(t, first)
	r.archive.last().Files = Tree{"routing/routing.rego": []byte(brokenRego)}
	next := r.restarted(t)
	if next.answers(t) != newer {
		t.Errorf("the answer is %s", next.answers(t))
	}
	next.isHeld(t, false)
}

package policy

import (
	"context"
	"fmt"
	"time"

	"switchboard/engine"
	"switchboard/engine/failpoint"
)

// Start loads the first set: the folder; where that is broken, the archived set
// that went live last; without a folder, the archived set, and the built-in one
// only where nothing was ever archived. Where all of that fails the manager
// serves nothing, which Status and Evaluate tell: that is no error of Start.
//
// The archived set is also what the folder is measured against: an edit made
// while the server was down must not make things worse either.
func (m *Manager) Start(ctx context.Context) error {
	release, ok := m.take(ctx)
	if !ok {
		return context.Cause(ctx)
	}
	defer release()
	last, archiveErr := m.lastRevision(ctx)
	if archiveErr != nil {
		m.log.Warn("the archived policies can't be read", "error", archiveErr)
	}
	if m.absent() {
		m.startWithout(ctx, last)
	} else {
		m.startFolder(ctx, last)
	}
	return context.Cause(ctx)
}

func (m *Manager) lastRevision(ctx context.Context) (*engine.Revision, error) {
	if m.o.Archive == nil {
		return nil, nil
	}
	if err := failpoint.Here(failpoint.StartRevision); err != nil {
		return nil, err
	}
	return m.o.Archive.LastRevision(ctx)
}

// initHint tells how to get a folder.
const initHint = "`switchboard policies init` writes one, which is loaded at once where it is ./policies; --policies names another"

// startWithout serves the archived set, or the built-in one. A built-in set in
// the archive gives way to this program's own: nobody edited it.
func (m *Manager) startWithout(ctx context.Context, last *engine.Revision) {
	if last != nil && (last.Origin != OriginBuiltin || last.Rollback != nil) {
		set, report := m.fromArchive(ctx, last)
		if set == nil {
			m.refuse(report, OriginStart)
			return
		}
		report.Warnings = append(report.Warnings, engine.Problem{
			Message: "there is no policies folder; the set that went live last serves, out of the database",
			Hint:    initHint})
		m.swap(set, report, OriginStart, outOf(last))
		return
	}
	set, report := m.loadBuiltin(ctx)
	switch {
	case set == nil:
		m.refuse(report, OriginStart)
	case last != nil && last.ID == set.Revision():
		m.swap(set, report, OriginStart, standing{origin: OriginBuiltin})
	default:
		m.activate(ctx, set, report, OriginStart, OriginBuiltin)
	}
}

func (m *Manager) startFolder(ctx context.Context, last *engine.Revision) {
	began := time.Now()
	tree, err := ReadDir(m.o.Folder)
	if err != nil || last == nil || last.ID != tree.Revision() { // else nobody is in the middle of saving it
		tree, err = m.settle(ctx)
	}
	m.judged = contentOf(tree, err)
	if err == nil && m.startHeld(ctx, last) {
		return
	}
	same := err == nil && last != nil && last.ID == tree.Revision() && last.Rollback == nil
	if last != nil && last.Origin == OriginBuiltin && last.Rollback == nil {
		last = nil // whoever named a folder did not mean that one
	}
	var archived *Set
	if last != nil && !same {
		archived, _ = m.fromArchive(ctx, last)
	}
	var set *Set
	var report engine.Report
	if err != nil {
		report = unreadable(err, began)
	} else {
		set, report = Load(ctx, tree, m.o.Options, m.passed(ctx, tree, m.checks(archived)))
	}
	if set == nil && same && last != nil {
		// It served before, whatever has become of it: better than nothing.
		archived, _ = m.fromArchive(ctx, last)
	}
	switch {
	case set != nil && same && last != nil: // archived already
		m.swap(set, report, OriginStart, standing{origin: OriginFolder})
	case set != nil:
		m.activate(ctx, set, report, OriginStart, OriginFolder)
	case archived != nil:
		report.Warnings = append(report.Warnings, engine.Problem{
			Message: fmt.Sprintf("the folder does not load, so the set that went live last serves out of the database (revision %s)", last.ID),
			Hint:    "mend the folder; it is loaded as soon as it is saved"})
		m.adopt(archived, outOf(last))
		m.refuse(report, OriginStart)
	default:
		m.refuse(report, OriginStart)
	}
}

// adopt serves an archived set under the report of the folder that failed.
func (m *Manager) adopt(set *Set, now standing) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.inForce(set, now)
}

// fromArchive loads an archived set. It passed its tests when it went live, and
// there is nothing better to hold it against.
func (m *Manager) fromArchive(ctx context.Context, last *engine.Revision) (*Set, engine.Report) {
	earlier := last.Tests
	earlier.NotRun = passedBefore
	set, report := Load(ctx, Tree(last.Files), m.o.Options, Checks{SkipTests: true, Earlier: earlier})
	if set == nil {
		m.log.Error("the archived policies do not load any more", "revision", last.ID, "errors", len(report.Errors))
	}
	return set, report
}

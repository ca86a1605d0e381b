package policy

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"switchboard/engine"
	"switchboard/engine/failpoint"
	"switchboard/engine/policy/finding"
)

// archiveTimeout bounds how long a new set waits for the disk. Routing by
// policies that were edited comes before keeping them.
const archiveTimeout = 10 * time.Second

// startArchiveTimeout is the same at a start, when calls wait for it too. Where the
// disk takes longer, or is full, the set is archived when it has room.
const startArchiveTimeout = time.Second

// activate archives a set, swaps the pointer, and tells everyone; in this
// order, so that nothing is called current before it is in force and nothing in
// force is missing from the archive without a warning.
func (m *Manager) activate(ctx context.Context, set *Set, report engine.Report, origin, source string) engine.Report {
	if p, ok := m.archive(ctx, set, report, source, nil); !ok {
		report.Warnings = append(report.Warnings, p)
	}
	failpoint.Pass(failpoint.ReloadArchived)
	return m.swap(set, report, origin, standing{origin: source})
}

// errSlowArchive is the cause of giving up on the archive; the record is on its
// way all the same.
var errSlowArchive = errors.New("the disk did not take it in time; it is archived when it does")

// archive saves a set as the one that went live last.
func (m *Manager) archive(ctx context.Context, set *Set, report engine.Report, source string, back *engine.Rollback) (engine.Problem, bool) {
	if m.o.Archive == nil {
		return engine.Problem{}, true
	}
	timeout := archiveTimeout
	if m.Active() == nil {
		timeout = startArchiveTimeout
	}
	ctx, stop := context.WithTimeoutCause(ctx, timeout, errSlowArchive)
	defer stop()
	tests := report.Tests
	tests.NotRun = "" // told of this activation, not of the set
	m.late = &engine.Revision{
		ID: set.Revision(), At: time.Now().UnixNano(), Origin: source, Tests: tests, Rollback: back, Files: set.Tree(),
	}
	err := m.save(ctx)
	if err == nil {
		return engine.Problem{}, true
	}
	m.log.Warn("the new policy set could not be archived; a restart with a broken folder would not find it", "revision", set.Revision(), "error", err)
	return notArchived(err), false
}

func notArchived(err error) engine.Problem {
	return engine.Problem{Code: finding.CodeArchive, Message: "the set serves but could not be archived: " + engine.Mask(err.Error()),
		Hint: "mend the database's disk; it is archived as soon as that takes it"}
}

// save brings what is not archived yet to the archive.
func (m *Manager) save(ctx context.Context) error {
	err := failpoint.Here(failpoint.ReloadArchive)
	if err == nil {
		err = m.o.Archive.SaveRevision(ctx, m.late)
	}
	if err == nil {
		m.late = nil
	} else if errors.Is(context.Cause(ctx), errSlowArchive) {
		err = errSlowArchive
	}
	return err
}

// archiveLate archives the set in force where that failed; then the report of its
// reload says so no more. It waits as long as a start does, for a reload may wait
// for it: the next look goes on with it. turn is held.
func (m *Manager) archiveLate(ctx context.Context) error {
	if m.late == nil {
		return nil
	}
	ctx, stop := context.WithTimeoutCause(ctx, startArchiveTimeout, errSlowArchive)
	defer stop()
	revision := m.late.ID
	if err := m.save(ctx); err != nil {
		return err
	}
	m.log.Info("the policy set that could not be archived is archived", "revision", revision)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.status.Reload.Warnings = slices.DeleteFunc(slices.Clone(m.status.Reload.Warnings), func(p engine.Problem) bool { return p.Code == finding.CodeArchive })
	return nil
}

// archiveNow is archiveLate for somebody who asks, and reports.
func (m *Manager) archiveNow(ctx context.Context, report *engine.Report) {
	if err := m.archiveLate(ctx); err != nil {
		report.Warnings = append(report.Warnings, notArchived(err))
	}
}

// swap puts a set in force.
func (m *Manager) swap(set *Set, report engine.Report, origin string, now standing) engine.Report {
	before := m.Active()
	var was Tree
	if before != nil {
		was = before.Tree()
	}
	changes := was.diff(set.Tree())

	m.mu.Lock()
	m.inForce(set, now)
	m.mu.Unlock()
	failpoint.Pass(failpoint.ReloadSwapped)

	m.tests = report.Tests
	report.Changed = true
	m.log.Info("policies are live", "revision", set.Revision(), "origin", origin, "source", now.origin,
		"added", changes.Added, "changed", changes.Changed, "removed", changes.Removed,
		"tests", report.Tests.Passed, "tests_not_run", report.Tests.NotRun, "warnings", len(report.Warnings))
	return m.note(report, origin, set)
}

// inForce stores the pointer; mu is held.
func (m *Manager) inForce(set *Set, now standing) {
	m.active.Store(set)
	m.status.Revision, m.status.Origin, m.status.Since = set.Revision(), now.origin, time.Now()
	m.status.Rollback = now.rollback
	m.status.Files = set.Tree()
}

// cameFrom notes that the set in force is also what source holds: the folder of
// somebody who began with the starter set, or put the archived one back. A
// starter set in a folder is somebody's own, and archived as such; and where the
// folder now holds what was rolled back to, the rollback is over.
func (m *Manager) cameFrom(ctx context.Context, set *Set, report *engine.Report, source string) {
	m.mu.Lock()
	before := m.status.Origin
	m.status.Origin, m.status.Rollback = source, nil
	m.mu.Unlock()
	if before == source || before != OriginBuiltin && before != OriginRollback {
		return
	}
	if p, ok := m.archive(ctx, set, *report, source, nil); !ok {
		report.Warnings = append(report.Warnings, p)
	}
}

// refuse keeps what serves and says why.
func (m *Manager) refuse(report engine.Report, origin string) engine.Report {
	what := "policies did not load; what served before goes on"
	if m.Active() == nil {
		what = "policies did not load, and none serve"
	}
	m.log.Error(what, "origin", origin,
		"revision", report.Revision, "active", m.revision(), "errors", len(report.Errors))
	for _, p := range report.Errors[:min(len(report.Errors), 20)] {
		m.log.Error("policy error", problemAttrs(p)...)
	}
	return m.note(report, origin, m.Active())
}

// note records an attempt and announces it.
func (m *Manager) note(report engine.Report, origin string, active *Set) engine.Report {
	report.Origin = origin
	report.Active = m.revision()
	m.mu.Lock()
	m.status.Reload = report
	m.mu.Unlock()
	failpoint.Pass(failpoint.ReloadAnnounced)
	for _, p := range report.Warnings[:min(len(report.Warnings), 20)] {
		m.log.Warn("policy warning", problemAttrs(p)...)
	}
	if m.o.OnReload != nil {
		m.o.OnReload(report, active)
	}
	return report
}

func problemAttrs(p engine.Problem) []any {
	attrs := []any{slog.String("message", p.Message)}
	if p.File != "" {
		attrs = append(attrs, slog.String("file", p.File), slog.Int("line", p.Line))
	}
	if p.Hint != "" {
		attrs = append(attrs, slog.String("hint", p.Hint))
	}
	return attrs
}

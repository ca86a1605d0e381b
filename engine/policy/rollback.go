package policy

import (
	"context"
	"fmt"
	"time"

	"switchboard/engine"
	"switchboard/engine/giveway"
	"switchboard/engine/policy/finding"
)

// standing is why a set serves.
type standing struct {
	origin   string
	rollback *engine.Rollback // nil unless origin is OriginRollback
}

// Rollback serves an archived set in place of what the folder holds, and keeps
// it until the folder's content is another than now, also across a restart. The
// set takes the way of any other: what does not load (any more) is refused, and
// what served goes on. Going back to what the folder itself holds ends an
// earlier rollback.
//
// revision is a whole one; by says who asked. The error is
// [engine.ErrNoRevision] or the archive's; else the report tells how it went.
func (m *Manager) Rollback(ctx context.Context, revision, by string) (report engine.Report, err error) {
	release, ok := m.take(ctx)
	if !ok {
		return m.busy(OriginRollback), nil
	}
	defer release()
	giveway.Heavy(func() {
		var rev *engine.Revision
		if rev, err = m.archived(ctx, revision); err == nil {
			report = m.rollback(context.WithoutCancel(ctx), rev, by)
		}
	})
	return report, err
}

// archived is a set by its revision. The built-in one need not be archived
// while it serves.
func (m *Manager) archived(ctx context.Context, revision string) (*engine.Revision, error) {
	if m.o.Archive != nil {
		rev, err := m.o.Archive.Revision(ctx, revision)
		if rev != nil || err != nil {
			return rev, err
		}
	}
	if active := m.Active(); active != nil && active.Revision() == revision {
		return &engine.Revision{ID: revision, Origin: m.status.Origin, Tests: m.tests, Files: active.Tree()}, nil
	}
	return nil, engine.ErrNoRevision
}

func (m *Manager) rollback(ctx context.Context, rev *engine.Revision, by string) engine.Report {
	before, set := m.revision(), m.Active()
	report := reportOf(Tree(rev.Files), time.Now(), finding.List{}, m.tests)
	if set == nil || before != rev.ID {
		set, report = Load(ctx, Tree(rev.Files), m.o.Options, m.passed(ctx, Tree(rev.Files), m.checks(set)))
	}
	if set == nil {
		// The folder's own report stands in the status; this one is the asker's.
		report.Origin, report.Active = OriginRollback, before
		m.log.Error("an archived policy set was asked for and does not load; what served before goes on",
			"revision", rev.ID, "active", before, "by", by, "errors", len(report.Errors))
		return report
	}
	content := m.content(ctx)
	to := standing{OriginRollback, &engine.Rollback{At: time.Now().UTC(), By: by, From: before, Instead: content}}
	if content == set.Revision() {
		to = standing{origin: OriginFolder} // nothing to hold against
	}
	m.log.Warn("going back to an archived policy set", "revision", set.Revision(), "was", before, "by", by, "held", to.rollback != nil)
	if p, ok := m.archive(ctx, set, report, rev.Origin, to.rollback); !ok {
		p.Hint += "; a restart would not find the rollback"
		report.Warnings = append(report.Warnings, p)
	}
	report = m.swap(set, report, OriginRollback, to)
	report.Changed = set.Revision() != before
	return report
}

// content is what the folder holds, once it is quiet; empty for no folder. It
// counts as judged: an edit of a moment ago is part of what was rolled back.
func (m *Manager) content(ctx context.Context) string {
	if m.absent() {
		m.judged = ""
	} else {
		m.judged = contentOf(m.settle(ctx))
	}
	return m.judged
}

// consider loads what the folder holds, unless a rollback holds against just
// that; turn is held.
func (m *Manager) consider(ctx context.Context, tree Tree, err error, origin string) engine.Report {
	back := m.status.Rollback
	switch {
	case err != nil:
		return m.refuse(unreadable(err, time.Now()), origin)
	case back != nil && back.Instead == tree.Revision():
		f := finding.List{}
		f.Warn(held(m.revision(), back))
		return m.note(reportOf(tree, time.Now(), f, m.tests), origin, m.Active())
	}
	return m.judge(ctx, tree, origin, OriginFolder)
}

// held says that a rollback is in force, and how it ends.
func held(revision string, back *engine.Rollback) engine.Problem {
	return engine.Problem{Code: finding.CodeHold,
		Message: fmt.Sprintf("revision %s serves by a rollback (%s, %s), and the folder's content is still what it was then, so it is not loaded",
			revision, back.By, back.At.Format(time.RFC3339)),
		Hint: fmt.Sprintf("edit the folder, or run `switchboard policies rollback %s` to serve it as it is", back.Instead)}
}

// startHeld serves the set of a rollback that holds against what the folder
// still holds, and reports whether it does.
func (m *Manager) startHeld(ctx context.Context, last *engine.Revision) bool {
	if last == nil || last.Rollback == nil || last.Rollback.Instead != m.judged {
		return false
	}
	set, report := m.fromArchive(ctx, last)
	if set == nil {
		return false
	}
	report.Warnings = append(report.Warnings, held(set.Revision(), last.Rollback))
	m.swap(set, report, OriginStart, standing{OriginRollback, last.Rollback})
	return true
}

// outOf is how the set that went live last stands when it serves out of the
// archive: a rollback stays one while the folder can't end it.
func outOf(last *engine.Revision) standing {
	if last.Rollback != nil {
		return standing{OriginRollback, last.Rollback}
	}
	return standing{origin: OriginArchive}
}

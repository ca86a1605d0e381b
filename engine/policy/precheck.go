package policy

import (
	"context"

	"switchboard/engine"
)

// Check tells whether the active set with edits laid over it (path -> text; an
// empty text removes the file) could go live: lint, compilation, its tests and
// the smoke evaluation, as a reload would run them. Nothing that serves is
// touched.
func (m *Manager) Check(ctx context.Context, edits map[string]string) engine.Report {
	active := m.Active()
	var tree Tree
	if active != nil {
		tree = active.Tree()
	}
	_, report := Load(ctx, tree.Overlay(edits), m.o.Options, m.checks(active))
	report.Active, report.Origin = m.revision(), "console"
	return report
}

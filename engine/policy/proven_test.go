package policy

import (
	"errors"
	"strings"
	"testing"

	"switchboard/engine"
)

// failing is a set whose one test fails, so that one sees whether it was run.
func failing() map[string]string {
	files := good("9876543211")
	files["x_test.rego"] = "package x_test\n\ntest_x if false\n"
	return files
}

func treeOf(files map[string]string) Tree {
	tree := Tree{}
	for name, text := range files {
		tree[name] = []byte(text)
	}
	return tree
}

func TestStartRunsTestsOnlyWhereTheArchiveDoesNotKnowThem(t *testing.T) {
	id := treeOf(failing()).Revision()
	passed := engine.TestSummary{Passed: 3, By: testedBy(), Took: 7}
	for name, c := range map[string]struct {
		archive []*engine.Revision
		err     error
		run     bool
	}{
		"passed":                     {[]*engine.Revision{{ID: id, Tests: passed}}, nil, false},
		"passed, not the last one":   {[]*engine.Revision{{ID: id, Tests: passed}, archived(OriginFolder, "9876543219")}, nil, false},
		"passed in another program":  {[]*engine.Revision{{ID: id, Tests: engine.TestSummary{Passed: 3, By: "switchboard v0, OPA 0.1"}}}, nil, true},
		"passed, nobody knows where": {[]*engine.Revision{{ID: id, Tests: engine.TestSummary{Passed: 3}}}, nil, true},
		"failed":                     {[]*engine.Revision{{ID: id, Tests: engine.TestSummary{Failed: 1, By: testedBy()}}}, nil, true},
		"other files":                {[]*engine.Revision{{ID: "another", Tests: passed}}, nil, true},
		"nothing archived":           {nil, nil, true},
		"an archive that fails":      {nil, errors.New("the database is gone"), true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, func(o *ManagerOptions) { o.Folder = folder(t, failing()) })
			r.archive.saved, r.archive.err = c.archive, c.err
			if err := r.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
			report := r.report(t)
			if got := report.Tests; c.run {
				if report.OK || got.Failed != 1 || got.NotRun != "" || got.By != testedBy() {
					t.Errorf("the tests were not run: %+v", got)
				}
			} else if !report.OK || got.Passed != 3 || got.Took != 7 || !strings.Contains(got.NotRun, "passed when they went live") {
				t.Errorf("report %+v, errors %q", got, lines(report.Errors))
			}
		})
	}
}

// What a start archives lets the next one leave the tests out, and the one
// after that.
func TestPassedTestsAreRememberedAcrossStarts(t *testing.T) {
	files := good("9876543211")
	files["x_test.rego"] = "package x_test\n\ntest_x if true\n"
	dir := folder(t, files)
	archive := &fakeArchive{}
	for start := range 3 {
		r := newRig(t, func(o *ManagerOptions) { o.Folder, o.Archive = dir, archive })
		if err := r.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		report := r.report(t)
		if !report.OK || report.Tests.Passed != 1 || (report.Tests.NotRun == "") != (start == 0) {
			t.Errorf("start %d: %+v", start, report.Tests)
		}
		if start == 1 { // another set served meanwhile
			if err := archive.SaveRevision(t.Context(), archived(OriginFolder, "9876543219")); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, rev := range archive.saved {
		if rev.Tests.NotRun != "" {
			t.Errorf("the archive tells of a start: %+v", rev.Tests)
		}
	}
}

// The program's build has tested the built-in set. The same files in a folder
// may be anybody's, built in or not.
func TestOnlyTheBuiltInSetIsProvenByTheBuild(t *testing.T) {
	builtin := treeOf(failing())
	r := newRig(t, func(o *ManagerOptions) { o.Builtin = builtin })
	if err := r.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if report := r.report(t); !report.OK || !strings.Contains(report.Tests.NotRun, "built-in") || r.answers(t) != "9876543211" {
		t.Errorf("report %+v", report)
	}
	named := newRig(t, func(o *ManagerOptions) { o.Builtin, o.Folder, o.Archive = builtin, folder(t, failing()), r.archive })
	if err := named.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if report := named.report(t); report.OK || report.Tests.Failed != 1 || named.Active() != nil {
		t.Errorf("report %+v", report)
	}
}

package policy

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"switchboard/engine"
)

// archived is a set in the archive whose answer tells it apart.
func archived(origin, number string) *engine.Revision {
	tree := goodTree().Overlay(map[string]string{"routing/routing.rego": regoFor(number)})
	return &engine.Revision{ID: tree.Revision(), Origin: origin, Files: tree}
}

func TestStart(t *testing.T) {
	const inFolder, inArchive, builtin = "9876543211", "9876543212", "9876543213"
	brokenFolder := map[string]string{"routing/routing.rego": brokenRego}
	for name, c := range map[string]struct {
		files   map[string]string // nil: no folder; empty: a folder that is missing
		archive *engine.Revision
		answer  string
		origin  string
		ok      bool
		says    string // in the report
		saved   int    // revisions in the archive afterwards
	}{
		"folder":                        {good(inFolder), nil, inFolder, OriginFolder, true, "", 1},
		"folder over archive":           {good(inFolder), archived(OriginFolder, inArchive), inFolder, OriginFolder, true, "", 2},
		"folder as archived":            {good(inArchive), archived(OriginFolder, inArchive), inArchive, OriginFolder, true, "", 1},
		"broken folder":                 {brokenFolder, archived(OriginFolder, inArchive), inArchive, OriginArchive, false, "undefined ref: input.callr", 1},
		"broken folder, empty archive":  {brokenFolder, nil, engine.ErrNoPolicy.Error(), "", false, "undefined ref: input.callr", 0},
		"broken folder, built-in saved": {brokenFolder, archived(OriginBuiltin, builtin), engine.ErrNoPolicy.Error(), "", false, "undefined ref: input.callr", 1},
		"missing folder":                {map[string]string{}, archived(OriginFolder, inArchive), inArchive, OriginArchive, false, "no such file", 1},
		"missing folder, empty archive": {map[string]string{}, nil, engine.ErrNoPolicy.Error(), "", false, "no such file", 0},
		"no folder":                     {nil, nil, builtin, OriginBuiltin, true, "", 1},
		"no folder, archive":            {nil, archived(OriginFolder, inArchive), inArchive, OriginArchive, true, "there is no policies folder", 1},
		"no folder, older built-in":     {nil, archived(OriginBuiltin, "9876543214"), builtin, OriginBuiltin, true, "", 2},
		"no folder, same built-in":      {nil, archived(OriginBuiltin, builtin), builtin, OriginBuiltin, true, "", 1},
		"no folder, broken archive": {nil, &engine.Revision{ID: "x", Origin: OriginFolder, Files: Tree{"a.rego": []byte(brokenRego)}},
			engine.ErrNoPolicy.Error(), "", false, "undefined ref", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, func(o *ManagerOptions) {
				o.Builtin = Tree(archived(OriginBuiltin, builtin).Files)
				switch {
				case len(c.files) > 0:
					o.Folder = folder(t, c.files)
				case c.files != nil:
					o.Folder = filepath.Join(t.TempDir(), "gone")
				}
			})
			if c.archive != nil {
				r.archive.saved = []*engine.Revision{c.archive}
			}
			if err := r.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
			report := r.report(t)
			if got := r.answers(t); got != c.answer || report.OK != c.ok {
				t.Errorf("the answer is %s, the report %+v", got, report)
			}
			if s := r.Status(); s.Origin != c.origin || (s.Revision == "") != (c.origin == "") || s.Reload.OK != c.ok {
				t.Errorf("status is %+v", s)
			}
			if said := strings.Join(append(lines(report.Errors), lines(report.Warnings)...), "\n"); !strings.Contains(said, c.says) {
				t.Errorf("the report says %q, want %q", said, c.says)
			}
			if n := r.archive.count(); n != c.saved {
				t.Errorf("%d revisions are archived, want %d", n, c.saved)
			}
		})
	}
}

// An edit made while the server was down is held against what served before.
func TestStartMeasuresTheFolderAgainstTheArchive(t *testing.T) {
	files := map[string]string{}
	for name, text := range decisions(brokenOne) {
		files[name] = string(text)
	}
	before := decisions(goodRule)
	r := newRig(t, func(o *ManagerOptions) { o.Folder = folder(t, files) })
	r.archive.saved = []*engine.Revision{{ID: before.Revision(), Origin: OriginFolder, Files: before}}
	if err := r.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	report := r.report(t)
	if report.OK || r.Active() == nil || r.Active().Revision() != before.Revision() || !strings.Contains(lines(report.Errors)[0], "918645658690 fails (error)") {
		t.Errorf("report is %+v", report)
	}
	if w := strings.Join(lines(report.Warnings), ""); !strings.Contains(w, "serves out of the database") {
		t.Errorf("warnings are %q", w)
	}
}

// A set that served when the server went down serves again, whatever its tests
// say today.
func TestStartKeepsWhatServed(t *testing.T) {
	files := good("9876543211")
	files["x_test.rego"] = "package x_test\n\ntest_x if false\n"
	dir := folder(t, files)
	tree, err := ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	r := newRig(t, func(o *ManagerOptions) { o.Folder = dir })
	r.archive.saved = []*engine.Revision{{ID: tree.Revision(), Origin: OriginFolder, Files: tree}}
	if err := r.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if report := r.report(t); report.OK || r.answers(t) != "9876543211" || r.Status().Origin != OriginArchive {
		t.Errorf("report %+v, answer %s", report, r.answers(t))
	}
}

func TestStartWithAFailingArchive(t *testing.T) {
	r := newRig(t, func(o *ManagerOptions) { o.Folder = folder(t, good("9876543210")) })
	r.archive.err = errors.New("the database is gone")
	if err := r.Start(t.Context()); err != nil || r.answers(t) != "9876543210" {
		t.Errorf("error %v, answer %s", err, r.answers(t))
	}
	if !strings.Contains(r.log.String(), "the archived policies can't be read") {
		t.Errorf("the log is silent:\n%s", r.log)
	}
}

func TestStartInterrupted(t *testing.T) {
	r := newRig(t, func(o *ManagerOptions) { o.Folder = folder(t, good("9876543210")) })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := r.Start(ctx); !errors.Is(err, context.Canceled) || r.Active() != nil {
		t.Errorf("error %v, active %v", err, r.Active())
	}
}

func TestReloadWithoutFolder(t *testing.T) {
	r := newRig(t, func(o *ManagerOptions) { o.Builtin = goodTree() })
	if err := r.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	before := r.Active()
	report := r.Reload(t.Context(), "api")
	if !report.OK || report.Changed || r.Active() != before || !strings.Contains(lines(report.Warnings)[0], "no policies folder") {
		t.Errorf("report is %+v", report)
	}
	empty := newRig(t, func(o *ManagerOptions) { o.Builtin = goodTree() })
	if report := empty.Reload(t.Context(), "api"); !report.OK || !report.Changed || empty.answers(t) != receiverNumber {
		t.Errorf("report is %+v", report)
	}
}

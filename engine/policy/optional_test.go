package policy

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"switchboard/engine"
)

// absent is a rig on a folder that need not be there, and is not.
func absent(t *testing.T, last *engine.Revision) *rig {
	t.Helper()
	r := newRig(t, func(o *ManagerOptions) {
		o.Folder, o.Optional = filepath.Join(t.TempDir(), "policies"), true
		o.Builtin = Tree(archived(OriginBuiltin, "9876543213").Files)
	})
	if last != nil {
		r.archive.saved = []*engine.Revision{last}
	}
	return r
}

// A folder that need not be there is loaded as soon as it appears, whatever
// served until then, and is missed once it was there.
func TestOptionalFolder(t *testing.T) {
	for name, c := range map[string]struct {
		last           *engine.Revision
		answer, origin string
	}{
		"built-in": {nil, "9876543213", OriginBuiltin},
		"archive":  {archived(OriginFolder, "9876543212"), "9876543212", OriginArchive},
	} {
		t.Run(name, func(t *testing.T) {
			r := absent(t, c.last)
			r.watch(t)
			if s := r.Status(); r.answers(t) != c.answer || s.Origin != c.origin || !s.Reload.OK || s.Folder != r.dir {
				t.Fatalf("the answer is %s, the status %+v", r.answers(t), s)
			}
			if report := r.Reload(t.Context(), "api"); !report.OK || report.Changed || !strings.Contains(lines(report.Warnings)[0], "no policies folder") {
				t.Errorf("a reload without a folder reports %+v", report)
			}
			r.report(t)
			other := folder(t, good("9876543211"))
			if err := os.Rename(other, r.dir); err != nil {
				t.Fatal(err)
			}
			r.becomes(t, "9876543211")
			if s := r.Status(); s.Origin != OriginFolder {
				t.Errorf("the status is %+v", s)
			}
			if err := os.Rename(r.dir, other); err != nil {
				t.Fatal(err)
			}
			for report := r.report(t); report.OK; report = r.report(t) {
				continue // of the look that loaded it
			}
			if got := r.answers(t); got != "9876543211" {
				t.Errorf("with the folder gone the answer is %s", got)
			}
			if report := r.Reload(t.Context(), "api"); report.OK {
				t.Error("the loss of the folder is no failure")
			}
		})
	}
}

// A file in the folder's place is no folder, as long as there was none.
func TestOptionalFolderIsAFile(t *testing.T) {
	r := absent(t, nil)
	put(t, r.dir, "a program of this name, say")
	if err := r.Start(t.Context()); err != nil || r.answers(t) != "9876543213" || !r.Status().Reload.OK {
		t.Errorf("error %v, answer %s, status %+v", err, r.answers(t), r.Status())
	}
}

// The starter set written out and put in force from a folder is the folder's
// set: it is what a restart with a broken folder goes back to.
func TestStarterSetInAFolder(t *testing.T) {
	for name, appears := range map[string]func(t *testing.T, r *rig){
		"while the built-in one serves": func(t *testing.T, r *rig) {
			if err := r.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
			r.report(t)
			if err := os.Rename(folder(t, good("9876543213")), r.dir); err != nil {
				t.Fatal(err)
			}
			if report := r.Reload(t.Context(), "api"); !report.OK || report.Changed {
				t.Errorf("report %+v", report)
			}
		},
		"before a restart": func(t *testing.T, r *rig) {
			if err := os.Rename(folder(t, good("9876543213")), r.dir); err != nil {
				t.Fatal(err)
			}
			if err := r.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			tree := Tree{}
			for file, text := range good("9876543213") {
				tree[file] = []byte(text)
			}
			r := newRig(t, func(o *ManagerOptions) {
				o.Folder, o.Optional, o.Builtin = filepath.Join(t.TempDir(), "policies"), true, tree
			})
			r.archive.saved = []*engine.Revision{{ID: tree.Revision(), Origin: OriginBuiltin, Files: tree}}
			appears(t, r)
			last, err := r.archive.LastRevision(t.Context())
			if err != nil || r.Status().Origin != OriginFolder || last.Origin != OriginFolder || last.ID != tree.Revision() {
				t.Errorf("error %v, status %+v, archived last %s of %s", err, r.Status(), last.ID, last.Origin)
			}
		})
	}
}

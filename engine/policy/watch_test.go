package policy

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"
	"go.uber.org/goleak"

	"switchboard/engine"
	"switchboard/engine/policy/finding"
)

const (
	byLook = 20 * time.Millisecond // without notifications
	byHint = time.Hour             // without looks
)

// watching is a started rig whose folder is watched in one of the two ways.
func watching(t *testing.T, dir string, poll time.Duration) *rig {
	t.Helper()
	r := newRig(t, func(o *ManagerOptions) { o.Folder, o.Poll = dir, poll })
	if poll == byLook {
		r.newWatcher = func() (*fsnotify.Watcher, error) { return nil, errors.New("too many open files") }
	}
	r.watch(t)
	return r
}

// watch starts the rig and runs it until the test ends.
func (r *rig) watch(t *testing.T) {
	t.Helper()
	if err := r.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.report(t)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run ends with %v", err)
		}
	})
}

// becomes waits until calls are answered with a number.
func (r *rig) becomes(t *testing.T, number string) {
	t.Helper()
	for r.answers(t) != number {
		report := r.report(t)
		if !report.OK {
			t.Fatalf("on the way to %s: %q", number, lines(report.Errors))
		}
	}
}

func renamed(t *testing.T, file, text string) {
	t.Helper()
	put(t, file+".tmp", text)
	if err := os.Rename(file+".tmp", file); err != nil {
		t.Fatal(err)
	}
}

// Every way to save that people and machines have goes live, by the hint and by
// the look.
func TestWatchSeesEverySave(t *testing.T) {
	const next = "9876543211"
	rego := func(dir string) string { return filepath.Join(dir, "routing/routing.rego") }
	teams := `package routing

import data.directory.teams

decision := {"call_forwarding_number": teams.sales}
`
	withTeam := func(number string) string { return `{"dids": {}, "teams": {"sales": "` + number + `"}}` }
	for name, c := range map[string]struct {
		files map[string]string
		save  func(t *testing.T, dir string)
	}{
		"in place":      {good("9876543210"), func(t *testing.T, dir string) { put(t, rego(dir), regoFor(next)) }},
		"atomic rename": {good("9876543210"), func(t *testing.T, dir string) { renamed(t, rego(dir), regoFor(next)) }},
		"twice by rename": {good("9876543210"), func(t *testing.T, dir string) {
			renamed(t, rego(dir), regoFor("9876543212"))
			renamed(t, rego(dir), regoFor(next))
		}},
		"new folder in a new folder": {map[string]string{"routing/routing.rego": `package routing

default decision := {"call_forwarding_number": "9876543210"}

decision := data.deep.decision
`, "directory/data.json": didsJSON}, func(t *testing.T, dir string) {
			put(t, filepath.Join(dir, "new/deep/deep.rego"), strings.Replace(regoFor(next), "routing", "deep", 1))
		}},
		"data file": {map[string]string{"routing/routing.rego": teams, "directory/data.json": withTeam("9876543210")},
			func(t *testing.T, dir string) { put(t, filepath.Join(dir, "directory/data.json"), withTeam(next)) }},
		"whole folder": {good("9876543210"), func(t *testing.T, dir string) {
			other := folder(t, good(next))
			if err := os.Rename(dir, dir+".old"); err != nil {
				t.Fatal(err)
			}
			if err := os.Rename(other, dir); err != nil {
				t.Fatal(err)
			}
		}},
	} {
		for how, poll := range map[string]time.Duration{"hint": byHint, "look": byLook} {
			t.Run(name+" by "+how, func(t *testing.T) {
				t.Parallel()
				dir := filepath.Join(t.TempDir(), "policies")
				if err := os.Rename(folder(t, c.files), dir); err != nil {
					t.Fatal(err)
				}
				r := watching(t, dir, poll)
				settledWatch(t, r)
				c.save(t, dir)
				r.becomes(t, next)
			})
		}
	}
}

// settledWatch waits until Run has had its first look, and with it its watches:
// a test that saves before proves nothing about hints.
func settledWatch(t *testing.T, r *rig) {
	t.Helper()
	select {
	case <-r.looks:
	case <-time.After(10 * time.Second):
		t.Fatal("Run never looked")
	}
}

// A ConfigMap is swapped by renaming ..data; nothing else happens in the folder.
func TestWatchConfigMap(t *testing.T) {
	dir := t.TempDir()
	version := func(name, number string) {
		put(t, filepath.Join(dir, name, "routing.rego"), regoFor(number))
		put(t, filepath.Join(dir, name, "data.json"), `{"directory": `+didsJSON+`}`)
	}
	version("..v1", "9876543210")
	link(t, "..v1", filepath.Join(dir, "..data"))
	link(t, "..data/routing.rego", filepath.Join(dir, "routing.rego"))
	link(t, "..data/data.json", filepath.Join(dir, "data.json"))
	r := watching(t, dir, byHint)
	settledWatch(t, r)
	version("..v2", "9876543211")
	link(t, "..v2", filepath.Join(dir, "..data_tmp"))
	if err := os.Rename(filepath.Join(dir, "..data_tmp"), filepath.Join(dir, "..data")); err != nil {
		t.Fatal(err)
	}
	r.becomes(t, "9876543211")
}

// A link to the folder that is repointed: the look finds it, wherever the link
// is, and edits behind the new target are seen as well.
func TestWatchRepointedLink(t *testing.T) {
	parent, one, two := t.TempDir(), t.TempDir(), t.TempDir()
	for root, number := range map[string]string{one: "9876543210", two: "9876543211"} {
		if err := os.Rename(folder(t, good(number)), filepath.Join(root, "policies")); err != nil {
			t.Fatal(err)
		}
	}
	current := filepath.Join(parent, "current")
	link(t, one, current)
	// The link is further up: of it no notification is to be had, though there
	// are some of everything else.
	r := newRig(t, func(o *ManagerOptions) { o.Folder = filepath.Join(current, "policies") })
	r.watch(t)
	settledWatch(t, r)
	link(t, two, current+".tmp")
	if err := os.Rename(current+".tmp", current); err != nil {
		t.Fatal(err)
	}
	r.becomes(t, "9876543211")
	put(t, filepath.Join(two, "policies/routing/routing.rego"), regoFor("9876543212"))
	r.becomes(t, "9876543212")
}

func TestWatchVanishedFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "policies")
	if err := os.Rename(folder(t, good("9876543210")), dir); err != nil {
		t.Fatal(err)
	}
	r := watching(t, dir, byLook)
	before := r.Active()
	if err := os.Rename(dir, dir+".away"); err != nil {
		t.Fatal(err)
	}
	if report := r.report(t); report.OK || report.Errors[0].Code != finding.CodeEmpty || !strings.Contains(report.Errors[0].Message, "no such file") {
		t.Errorf("report is %+v", report)
	}
	if r.Active() != before {
		t.Error("another set is active")
	}
	if err := os.Rename(dir+".away", dir); err != nil {
		t.Fatal(err)
	}
	if report := r.report(t); !report.OK || report.Changed || r.Active() != before || !r.Status().Reload.OK {
		t.Errorf("report is %+v", report)
	}
	put(t, filepath.Join(dir, "routing/routing.rego"), regoFor("9876543211"))
	r.becomes(t, "9876543211")
}

func TestWatchBrokenThenMended(t *testing.T) {
	r := watching(t, folder(t, good("9876543210")), byLook)
	before := r.Active()
	file := filepath.Join(r.dir, "routing/routing.rego")
	put(t, file, brokenRego)
	if report := r.report(t); report.OK || report.Errors[0].File != "routing/routing.rego" || report.Errors[0].Line != 3 {
		t.Errorf("report is %+v", report)
	}
	if r.Active() != before || r.answers(t) != "9876543210" {
		t.Error("the broken set is active")
	}
	put(t, file, regoFor("9876543211"))
	r.becomes(t, "9876543211")
	if s := r.Status(); !s.Reload.OK || s.Reload.Origin != OriginFolder {
		t.Errorf("status is %+v", s.Reload)
	}
}

// A set that lost a file is looked at for longer before it is believed: some
// editors take their time between removing a file and writing it again.
func TestLossIsBelievedLate(t *testing.T) {
	r := started(t, good("9876543210"))
	r.o.Quiet = 20 * time.Millisecond
	if err := os.Remove(filepath.Join(r.dir, "directory/data.json")); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	tree, err := r.settle(t.Context())
	if took := time.Since(began); err != nil || len(tree) != 1 || took < 3*r.o.Quiet {
		t.Errorf("believed after %s: %q, %v", took, tree.names(), err)
	}
}

// A file that is gone for a moment, or empty for one, is a save and no change.
func TestHalfASaveIsNotJudged(t *testing.T) {
	r := newRig(t, func(o *ManagerOptions) {
		o.Folder, o.Quiet = folder(t, good("9876543210")), 100*time.Millisecond
	})
	if err := r.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	before := r.Active()
	data := filepath.Join(r.dir, "directory/data.json")
	for name, half := range map[string]func(){
		"gone":  func() { os.Remove(data) },
		"empty": func() { put(t, data, "") },
	} {
		t.Run(name, func(t *testing.T) {
			half()
			if tree, err := ReadDir(r.dir); err != nil || !r.lost(tree) {
				t.Fatalf("half a save does not show: %v", err)
			}
			reload := make(chan engine.Report)
			go func() { reload <- r.Reload(t.Context(), "api") }()
			for len(r.turn) == 0 { // until the folder is being read
				runtime.Gosched()
			}
			put(t, data, didsJSON)
			if report := <-reload; !report.OK || report.Changed || r.Active() != before {
				t.Errorf("half a save was judged: %+v", report)
			}
		})
	}
}

func TestRunWithoutFolderEndsWithItsContext(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	r := newRig(t, func(o *ManagerOptions) { o.Builtin = goodTree() })
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestRunLeavesNothingBehind(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	r := started(t, good("9876543210"))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	settledWatch(t, r)
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// The database beside the folder is written at every call, which must not cost
// a look each time.
func TestHintsThatMatter(t *testing.T) {
	r := newRig(t, func(o *ManagerOptions) { o.Folder = "/srv/switchboard/policies" })
	h := &hints{m: r.Manager, parent: "/srv/switchboard"}
	for e, want := range map[fsnotify.Event]bool{
		{Name: "/srv/switchboard/switchboard.db", Op: fsnotify.Write}:       false,
		{Name: "/srv/switchboard/other", Op: fsnotify.Create}:               false,
		{Name: "/srv/switchboard/policies", Op: fsnotify.Create}:            true,
		{Name: "/srv/switchboard/policies", Op: fsnotify.Rename}:            true,
		{Name: "/srv/switchboard/policies/a.rego", Op: fsnotify.Write}:      true,
		{Name: "/srv/switchboard/policies/a.rego.swp", Op: fsnotify.Write}:  false,
		{Name: "/srv/switchboard/policies/..data", Op: fsnotify.Create}:     true,
		{Name: "/srv/switchboard/policies/new", Op: fsnotify.Create}:        true,
		{Name: "/srv/switchboard/policies/x/a.yaml", Op: fsnotify.Remove}:   true,
		{Name: "/srv/switchboard/policies/x/a.rego", Op: fsnotify.Chmod}:    true,
		{Name: "/srv/switchboard/policies/README.md", Op: fsnotify.Write}:   false,
		{Name: "/srv/switchboard/policies/README.md", Op: fsnotify.Rename}:  true,
		{Name: "/srv/switchboard/policies/sub/x", Op: fsnotify.Remove}:      true,
		{Name: "/srv/switchboard/policies/sub/x.json", Op: fsnotify.Create}: true,
	} {
		if h.matters(e) != want {
			t.Errorf("%v matters: %v", e, !want)
		}
	}
}

package policy

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"switchboard/engine"
	"switchboard/engine/policy/finding"
)

// fakeArchive keeps revisions in memory and fails on demand.
type fakeArchive struct {
	mu      sync.Mutex
	saved   []*engine.Revision
	err     error
	unsaved error // of saving alone
}

func (a *fakeArchive) SaveRevision(_ context.Context, r *engine.Revision) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := cmp.Or(a.err, a.unsaved); err != nil {
		return err
	}
	a.saved = append(a.saved, r)
	return nil
}

func (a *fakeArchive) LastRevision(context.Context) (*engine.Revision, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.err != nil || len(a.saved) == 0 {
		return nil, a.err
	}
	return a.saved[len(a.saved)-1], nil
}

func (a *fakeArchive) Revision(_ context.Context, id string) (*engine.Revision, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, r := range slices.Backward(a.saved) {
		if r.ID == id && a.err == nil {
			return r, nil
		}
	}
	return nil, a.err
}

func (a *fakeArchive) last() *engine.Revision {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.saved[len(a.saved)-1]
}

func (a *fakeArchive) count() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.saved)
}

// rig is a manager under test with what it told.
type rig struct {
	*Manager
	dir     string
	archive *fakeArchive
	reports chan engine.Report
	looks   chan struct{} // one waits after Run has looked
	log     *lockedBuffer
}

func newRig(t *testing.T, change func(*ManagerOptions)) *rig {
	t.Helper()
	r := &rig{archive: &fakeArchive{}, reports: make(chan engine.Report, 100), looks: make(chan struct{}, 1), log: &lockedBuffer{}}
	o := ManagerOptions{
		Options: testOptions(t),
		Archive: r.archive,
		OnReload: func(report engine.Report, active *Set) {
			if (active == nil) != (report.Active == "") || active != nil && active.Revision() != report.Active {
				t.Errorf("announced %q beside the set %v", report.Active, active)
			}
			r.reports <- report
		},
		Poll:  20 * time.Millisecond,
		Quiet: 10 * time.Millisecond,
	}
	o.Log = slog.New(slog.NewTextHandler(r.log, nil))
	change(&o)
	var err error
	if r.Manager, err = NewManager(o); err != nil {
		t.Fatal(err)
	}
	r.looked = func() {
		select {
		case r.looks <- struct{}{}:
		default:
		}
	}
	r.dir = o.Folder
	return r
}

// lockedBuffer is a log that may be read while it is written.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// started is a rig on a folder of its own, after Start.
func started(t *testing.T, files map[string]string) *rig {
	t.Helper()
	r := newRig(t, func(o *ManagerOptions) { o.Folder = folder(t, files) })
	if err := r.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *rig) report(t *testing.T) engine.Report {
	t.Helper()
	select {
	case report := <-r.reports:
		return report
	case <-time.After(10 * time.Second):
		t.Fatal("no reload was announced within ten seconds")
		return engine.Report{}
	}
}

// answers asks the manager, as a call would.
func (r *rig) answers(t *testing.T) string {
	t.Helper()
	ev, err := r.Evaluate(t.Context(), testQuestion(), nil)
	if err != nil {
		return err.Error()
	}
	return ev.Answer.Number
}

func good(number string) map[string]string {
	return map[string]string{"routing/routing.rego": regoFor(number), "directory/data.json": didsJSON}
}

const brokenRego = "package routing\n\ndecision := input.callr\n"

func TestNewManagerSaysWhatIsMissing(t *testing.T) {
	o := testOptions(t)
	for want, options := range map[string]ManagerOptions{
		"Numbers":  {Folder: "x"},
		"Folder":   {Options: o},
		"Poll and": {Options: o, Folder: "x", Poll: -1},
	} {
		if _, err := NewManager(options); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, want %s named", err, want)
		}
	}
}

func TestManagerBeforeStart(t *testing.T) {
	r := newRig(t, func(o *ManagerOptions) { o.Builtin = goodTree() })
	if _, err := r.Evaluate(t.Context(), testQuestion(), nil); !errors.Is(err, engine.ErrNoPolicy) {
		t.Errorf("error is %v", err)
	}
	if r.IsDID(calledDID) || r.HasPolicy() || r.Active() != nil || r.Status().Revision != "" {
		t.Error("something is active")
	}
}

func TestReloadAnswersTheReport(t *testing.T) {
	r := started(t, good("9876543210"))
	if first := r.report(t); !first.OK || !first.Changed || first.Origin != OriginStart || first.Active != first.Revision {
		t.Errorf("the first report is %+v", first)
	}
	if !r.IsDID(calledDID) || !r.HasPolicy() {
		t.Error("the set is not in force")
	}
	put(t, filepath.Join(r.dir, "routing/routing.rego"), regoFor("9876543211"))
	report := r.Reload(t.Context(), "api")
	if !report.OK || !report.Changed || report.Origin != "api" || report.Active != r.Active().Revision() || r.answers(t) != "9876543211" {
		t.Errorf("report %+v, answer %s", report, r.answers(t))
	}
	status := r.Status()
	if status.Revision != report.Revision || status.Origin != OriginFolder || status.Folder != r.dir || status.Since.IsZero() ||
		status.Reload.At != report.At || string(status.Files["routing/routing.rego"]) != regoFor("9876543211") {
		t.Errorf("status is %+v", status)
	}
	if again := r.Reload(t.Context(), "api"); !again.OK || again.Changed || again.Active != report.Active {
		t.Errorf("a reload of the same content reports %+v", again)
	}
	if n := r.archive.count(); n != 2 {
		t.Errorf("%d revisions were archived, want one for each that went live", n)
	}
	if text := r.log.String(); !strings.Contains(text, "added=0 changed=1 removed=0") {
		t.Errorf("the log does not count the change:\n%s", text)
	}
}

// Promise 2: after a bad reload the very same set serves, to the pointer.
func TestBadReloadKeepsTheSet(t *testing.T) {
	r := started(t, good("9876543210"))
	before := r.Active()
	file := filepath.Join(r.dir, "routing/routing.rego")
	for name, spoil := range map[string]func(){
		"does not compile": func() { put(t, file, brokenRego) },
		"fails its tests": func() {
			put(t, file, regoFor("9876543211"))
			put(t, filepath.Join(r.dir, "x_test.rego"), "package x_test\n\ntest_x if false\n")
		},
		"fails calls":   func() { put(t, file, "package routing\n\ndecision := {\"call_forwarding_number\": input.bucket}\n") },
		"is empty":      func() { os.Remove(file); os.Remove(filepath.Join(r.dir, "x_test.rego")) },
		"can't be read": func() { os.RemoveAll(r.dir) },
	} {
		t.Run(name, func(t *testing.T) {
			for name, text := range good("9876543210") {
				put(t, filepath.Join(r.dir, name), text)
			}
			os.Remove(filepath.Join(r.dir, "x_test.rego"))
			spoil()
			report := r.Reload(t.Context(), "api")
			if report.OK || report.Changed || len(report.Errors) == 0 || report.Active != before.Revision() {
				t.Errorf("report is %+v", report)
			}
			if r.Active() != before {
				t.Error("another set is active")
			}
			if s := r.Status(); s.Revision != before.Revision() || s.Reload.OK || len(s.Reload.Errors) == 0 {
				t.Errorf("status is %+v", s)
			}
			// Asked again, it looks again, though nothing has changed.
			if again := r.Reload(t.Context(), "api"); again.OK || !again.At.After(report.At) {
				t.Errorf("the second report is %+v", again)
			}
		})
	}
	if n := r.archive.count(); n != 1 {
		t.Errorf("%d revisions were archived", n)
	}
}

func TestReloadGoesLiveWithoutArchive(t *testing.T) {
	r := started(t, good("9876543210"))
	r.archive.err = errors.New("no space left on device")
	put(t, filepath.Join(r.dir, "routing/routing.rego"), regoFor("9876543211"))
	report := r.Reload(t.Context(), "api")
	if !report.OK || !report.Changed || r.answers(t) != "9876543211" {
		t.Fatalf("report is %+v", report)
	}
	if w := lines(report.Warnings); len(w) != 1 || !strings.Contains(w[0], "could not be archived: no space left") {
		t.Errorf("warnings are %q", w)
	}
}

// What could not be archived is, as soon as the archive takes it, and the report
// says so no more.
func TestArchivedLate(t *testing.T) {
	for name, folder := range map[string]func(*ManagerOptions){
		"a folder": func(o *ManagerOptions) { o.Folder = folder(t, good("9876543210")) },
		"none":     func(o *ManagerOptions) { o.Builtin = treeOf(good("9876543210")) },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, folder)
			r.archive.unsaved = errors.New("no space left on device")
			r.watch(t)
			is := func() bool {
				return slices.ContainsFunc(r.Status().Reload.Warnings, func(p engine.Problem) bool { return p.Code == finding.CodeArchive })
			}
			if !is() {
				t.Fatalf("the report is %+v", r.Status().Reload)
			}
			for range 2 {
				<-r.looks
			}
			if !is() || r.archive.count() != 0 {
				t.Errorf("the report is %+v, with %d archived", r.Status().Reload, r.archive.count())
			}
			if report := r.Reload(t.Context(), "api"); !strings.Contains(strings.Join(lines(report.Warnings), "\n"), "could not be archived") {
				t.Errorf("somebody who asks is told %+v", report)
			}
			r.archive.mu.Lock()
			r.archive.unsaved = nil
			r.archive.mu.Unlock()
			for range 3 {
				<-r.looks
			}
			if is() || r.archive.count() != 1 || r.archive.last().ID != r.Status().Revision {
				t.Errorf("the report is %+v, with %d archived", r.Status().Reload, r.archive.count())
			}
		})
	}
}

// One reload runs at a time; who waits for it may give up.
func TestReloadsTakeTurns(t *testing.T) {
	r := started(t, good("9876543210"))
	r.turn <- struct{}{} // a reload that takes its time
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if report := r.Reload(ctx, "api"); report.OK || !strings.Contains(report.Errors[0].Message, "another reload is still running") || report.Active == "" {
		t.Errorf("report is %+v", report)
	}
	if r.answers(t) != "9876543210" {
		t.Error("calls wait for a reload")
	}
	<-r.turn
	var wg sync.WaitGroup
	for range 5 {
		wg.Go(func() {
			if report := r.Reload(t.Context(), "api"); !report.OK {
				t.Errorf("report is %+v", report)
			}
		})
	}
	wg.Wait()
}

// A reload that was asked for comes to its end though the asker has gone.
func TestReloadOutlivesItsAsker(t *testing.T) {
	r := started(t, good("9876543210"))
	put(t, filepath.Join(r.dir, "routing/routing.rego"), regoFor("9876543211"))
	ctx, cancel := context.WithCancel(t.Context())
	r.o.View = func(context.Context) (engine.View, error) { cancel(); return sampleView(1), nil }
	if report := r.Reload(ctx, "api"); !report.OK || ctx.Err() == nil || r.answers(t) != "9876543211" {
		t.Errorf("report is %+v", report)
	}
}

func TestEvaluateDuringReloads(t *testing.T) {
	r := started(t, good("9876543210"))
	done := make(chan struct{})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				if got := r.answers(t); got != "9876543210" && got != "9876543211" {
					t.Errorf("answer is %s", got)
					return
				}
				r.IsDID(calledDID)
				r.Status()
			}
		})
	}
	for i := range 6 {
		put(t, filepath.Join(r.dir, "routing/routing.rego"), []string{regoFor("9876543211"), brokenRego, regoFor("9876543210")}[i%3])
		r.Reload(t.Context(), "api")
	}
	close(done)
	wg.Wait()
}

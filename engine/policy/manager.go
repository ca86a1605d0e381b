package policy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fsnotify/fsnotify"

	"switchboard/engine"
	"switchboard/engine/failpoint"
	"switchboard/engine/giveway"
	"switchboard/engine/policy/finding"
)

// Archive keeps activated policy sets in the database.
type Archive interface {
	// SaveRevision keeps a set that is about to go live. The same activation (ID
	// and At) may come again, after an error, and is kept once.
	SaveRevision(ctx context.Context, r *engine.Revision) error
	// LastRevision is the set that went live last, nil when none ever did.
	LastRevision(ctx context.Context) (*engine.Revision, error)
	// Revision is an archived set by its revision, nil where there is none.
	Revision(ctx context.Context, id string) (*engine.Revision, error)
}

// The origins of a policy set and of an attempt to load one. The API and
// signals name their own.
const (
	OriginStart    = "start"
	OriginFolder   = engine.OriginFolder
	OriginBuiltin  = engine.OriginBuiltin
	OriginArchive  = engine.OriginArchive
	OriginRollback = engine.OriginRollback
)

// ManagerOptions configure a [Manager].
type ManagerOptions struct {
	Options

	// Folder is watched; empty for none.
	Folder string
	// Optional says that the folder need not be there: as long as it never was,
	// its absence is no failure, and it is loaded as soon as it appears.
	Optional bool
	// Builtin serves without a folder as long as the archive is empty.
	Builtin Tree
	// Archive may be nil: then a broken folder at start leaves nothing to serve.
	Archive Archive

	// Recent are calls to try a new set with. nil is none.
	Recent func() []engine.Question
	// View opens the history for that. nil is an empty one.
	View func(ctx context.Context) (engine.View, error)
	// OnReload is told of every attempt, after the swap if there was one, with
	// the set that serves now (nil: none). It runs on the reload path: the next
	// reload waits for it. May be nil.
	OnReload func(report engine.Report, active *Set)

	Poll  time.Duration // between looks at the folder's content; 0 is 2 s
	Quiet time.Duration // without change before the folder is judged; 0 is 100 ms
}

func (o *ManagerOptions) validate() error {
	switch {
	case o.Numbers == nil:
		return errors.New("ManagerOptions.Numbers is required")
	case o.Folder == "" && len(o.Builtin) == 0 && o.Archive == nil:
		return errors.New("ManagerOptions has nothing to serve: name a Folder, a Builtin set or an Archive")
	case o.Poll < 0 || o.Quiet < 0:
		return errors.New("ManagerOptions.Poll and Quiet must not be negative")
	}
	return nil
}

// Manager keeps one policy set active and replaces it when the folder's content
// changes, never by a set that does not load. It is an [engine.Evaluator] and
// safe for concurrent use: calls read one pointer, and wait for nothing.
type Manager struct {
	o      ManagerOptions
	log    *slog.Logger
	active atomic.Pointer[Set]

	// turn is held by whoever reloads: all triggers take the same path.
	turn chan struct{}
	// With turn: the content that was loaded last, well or not; the test results
	// of the active set; and whether the folder was ever there.
	judged string
	late   *engine.Revision // in force and not archived, for that failed; nil where it is
	tests  engine.TestSummary
	seen   bool

	// Seams for tests: told after each look of Run; where notifications come from.
	looked     func()
	newWatcher func() (*fsnotify.Watcher, error)

	// mu guards status, which is written with turn held too. It is never held
	// while anything slow happens.
	mu     sync.Mutex
	status engine.PolicyStatus
}

var _ engine.Evaluator = (*Manager)(nil)

// NewManager makes a manager that serves nothing until Start.
func NewManager(o ManagerOptions) (*Manager, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	o.Options = o.Options.withDefaults()
	o.Poll = cmp.Or(o.Poll, 2*time.Second)
	o.Quiet = cmp.Or(o.Quiet, 100*time.Millisecond)
	if o.Folder != "" {
		folder, err := filepath.Abs(o.Folder)
		if err != nil {
			return nil, fmt.Errorf("the policies folder %s: %w", o.Folder, err)
		}
		o.Folder = folder
	}
	m := &Manager{o: o, log: o.Log, turn: make(chan struct{}, 1), newWatcher: fsnotify.NewWatcher}
	m.status.Folder = o.Folder
	return m, nil
}

// Active is the set that serves now, nil where none does.
func (m *Manager) Active() *Set { return m.active.Load() }

// Evaluate answers by the active set, with [engine.ErrNoPolicy] where there is
// none.
func (m *Manager) Evaluate(ctx context.Context, q engine.Question, view engine.View) (engine.Evaluation, error) {
	set := m.active.Load()
	if set == nil {
		return engine.Evaluation{}, engine.ErrNoPolicy
	}
	return set.Evaluate(ctx, q, view)
}

// IsDID reports whether a canonical DID is a key of the active set's directory.
func (m *Manager) IsDID(did string) bool {
	set := m.active.Load()
	return set != nil && set.IsDID(did)
}

// HasPolicy reports whether a set is active.
func (m *Manager) HasPolicy() bool { return m.active.Load() != nil }

// Status is how the policies stand. Files must not be changed.
func (m *Manager) Status() engine.PolicyStatus {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.status
}

// Reload reads the folder, loads what it finds and activates or refuses it, and
// answers how that went. It runs also when nothing has changed since a failed
// attempt, and to its end when the asker goes away; only waiting for another
// reload ends with ctx. A rollback that holds is not undone by asking. origin
// says who asked ("api", "signal").
func (m *Manager) Reload(ctx context.Context, origin string) (report engine.Report) {
	release, ok := m.take(ctx)
	if !ok {
		return m.busy(origin)
	}
	defer release()
	giveway.Heavy(func() { report = m.reload(context.WithoutCancel(ctx), origin) })
	return report
}

// take waits for the turn to change what serves.
func (m *Manager) take(ctx context.Context) (release func(), ok bool) {
	select {
	case m.turn <- struct{}{}:
		return func() { <-m.turn }, true
	case <-ctx.Done():
		return nil, false
	}
}

// busy reports that there was no turn to be had.
func (m *Manager) busy(origin string) engine.Report {
	f := finding.List{}
	f.Fail(engine.Problem{Message: "another reload is still running", Hint: "ask again in a moment"})
	report := reportOf(Tree{}, time.Now(), f, engine.TestSummary{})
	report.Revision, report.Origin, report.Active = "", origin, m.revision()
	return report
}

// reload is the one path of all triggers; turn is held.
func (m *Manager) reload(ctx context.Context, origin string) engine.Report {
	if m.absent() {
		return m.withoutFolder(ctx, origin)
	}
	failpoint.Pass(failpoint.ReloadBegin)
	tree, err := m.settle(ctx)
	m.judged = contentOf(tree, err)
	return m.consider(ctx, tree, err, origin)
}

// unreadable reports a folder that can't be read.
func unreadable(err error, began time.Time) engine.Report {
	f := finding.List{}
	f.Fail(engine.Problem{Code: finding.CodeEmpty, Message: err.Error(), Hint: "put the folder back, or name another one with --policies"})
	report := reportOf(Tree{}, began, f, engine.TestSummary{})
	report.Revision = ""
	return report
}

// judge loads a tree and activates or refuses it.
func (m *Manager) judge(ctx context.Context, tree Tree, origin, source string) engine.Report {
	if active := m.Active(); active != nil && active.Revision() == tree.Revision() {
		m.log.Info("the policies in force are the ones in the folder", "revision", active.Revision(), "origin", origin)
		report := reportOf(tree, time.Now(), finding.List{}, m.tests)
		m.archiveNow(ctx, &report)
		m.cameFrom(ctx, active, &report, source)
		return m.note(report, origin, active)
	}
	set, report := Load(ctx, tree, m.o.Options, m.checks(m.Active()))
	switch {
	case set == nil && ctx.Err() != nil:
		return report // stopped on the way, which is no verdict
	case set == nil:
		return m.refuse(report, origin)
	}
	return m.activate(ctx, set, report, origin, source)
}

func (m *Manager) checks(active *Set) Checks {
	c := Checks{Active: active, View: m.o.View}
	if m.o.Recent != nil {
		c.Recent = m.o.Recent()
	}
	return c
}

// absent reports whether there is no folder to load from, which is as it may
// be; turn is held. A folder that was there and is gone is not absent: its loss
// is a failure.
func (m *Manager) absent() bool {
	if m.o.Folder == "" {
		return true
	}
	if m.seen || !m.o.Optional {
		return false
	}
	info, err := os.Stat(m.o.Folder)
	m.seen = err == nil && info.IsDir() || err != nil && !errors.Is(err, fs.ErrNotExist)
	return !m.seen
}

// withoutFolder answers a reload where there is no folder to read.
func (m *Manager) withoutFolder(ctx context.Context, origin string) engine.Report {
	if active := m.Active(); active != nil {
		f := finding.List{}
		f.Warn(engine.Problem{Message: "there is no policies folder to load from; the set that serves stays", Hint: initHint})
		report := reportOf(active.Tree(), time.Now(), f, engine.TestSummary{})
		m.archiveNow(ctx, &report)
		return m.note(report, origin, active)
	}
	set, report := m.loadBuiltin(ctx)
	if set == nil {
		return m.refuse(report, origin)
	}
	return m.activate(ctx, set, report, origin, OriginBuiltin)
}

func (m *Manager) revision() string {
	if set := m.Active(); set != nil {
		return set.Revision()
	}
	return ""
}

// contentOf tells two looks at the folder apart.
func contentOf(tree Tree, err error) string {
	if err != nil {
		return "error: " + err.Error()
	}
	return tree.Revision()
}

package policy

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"path/filepath"
	"slices"
	"time"

	"github.com/fsnotify/fsnotify"

	"switchboard/engine/failpoint"
	"switchboard/engine/giveway"
)

// Run watches the folder until ctx ends; it never stops for an error. Change
// notifications are a hint that makes an edit live at once. The guarantee is
// the folder's content, looked at every Poll: a link that is repointed, a
// network mount or a full notification queue tells nothing or lies. Looks and
// reloads step back for calls; see [giveway.Aside].
func (m *Manager) Run(ctx context.Context) error {
	giveway.Aside(func() { m.watch(ctx) })
	return nil
}

// watch is Run. Without a folder only the archive is looked at.
func (m *Manager) watch(ctx context.Context) {
	h := &hints{}
	if m.o.Folder != "" {
		h = newHints(m)
		defer h.close()
	}
	tick := time.NewTicker(m.o.Poll)
	defer tick.Stop()
	for {
		// What came into a new folder before it was watched told nobody. The bound
		// is for folders that two names lead to, one of which stays new.
		for again := 0; h.watch(m.look(ctx)) && again < newFolderLooks && ctx.Err() == nil; again++ {
		}
		if m.looked != nil {
			m.looked()
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-h.changed:
		}
	}
}

// newFolderLooks is how often the folder is looked at again at once because
// there are new folders in it.
const newFolderLooks = 8

// look compares the folder with what was judged last and reloads where they
// differ. It answers the folders to watch.
func (m *Manager) look(ctx context.Context) []string {
	select {
	case m.turn <- struct{}{}:
		defer func() { <-m.turn }()
	case <-ctx.Done():
		return nil
	}
	if err := m.archiveLate(ctx); err != nil {
		m.log.Debug("the policy set in force is not archived yet", "error", err)
	}
	if m.absent() {
		return nil
	}
	s, err := scanDir(m.o.Folder)
	if contentOf(s.tree, err) == m.judged {
		return s.dirs
	}
	failpoint.Pass(failpoint.ReloadBegin)
	tree, err := m.settle(ctx)
	content := contentOf(tree, err)
	if ctx.Err() != nil || content == m.judged {
		return s.dirs // a save that was half done, and is undone or done
	}
	before := m.judged
	m.judged = content
	giveway.Heavy(func() { m.consider(ctx, tree, err, OriginFolder) })
	if ctx.Err() != nil {
		m.judged = before // stopped on the way: not judged
	}
	return s.dirs
}

// settleBound is how long a folder may go on changing before it is judged as it
// stands.
const settleBound = 10 * time.Second

// settle reads the folder until two reads in a row, a quiet time apart, agree:
// one save is several writes, and the first may leave the file empty. Where
// files (or the whole folder) are gone the quiet time is longer, as some
// editors remove a file before they write it again.
func (m *Manager) settle(ctx context.Context) (Tree, error) {
	bound := time.Now().Add(settleBound)
	tree, err := ReadDir(m.o.Folder)
	for {
		quiet := m.o.Quiet
		if err != nil || m.lost(tree) {
			quiet *= 3
		}
		timer := time.NewTimer(quiet)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil, context.Cause(ctx)
		case <-timer.C:
		}
		again, errAgain := ReadDir(m.o.Folder)
		if sameContent(again, tree, errAgain, err) || time.Now().After(bound) {
			return again, errAgain
		}
		tree, err = again, errAgain
	}
}

// sameContent reports whether two looks at the folder saw the same.
func sameContent(a, b Tree, errA, errB error) bool {
	if errA != nil || errB != nil {
		return contentOf(a, errA) == contentOf(b, errB)
	}
	return maps.EqualFunc(a, b, bytes.Equal)
}

// lost reports whether a file of the active set is missing or empty.
func (m *Manager) lost(tree Tree) bool {
	active := m.Active()
	if active == nil {
		return false
	}
	for name := range active.Tree() {
		if len(tree[name]) == 0 {
			return true
		}
	}
	return false
}

// hints are the operating system's change notifications.
type hints struct {
	m       *Manager
	watcher *fsnotify.Watcher // nil where there are none to be had
	changed chan struct{}
	done    chan struct{}
	parent  string
	told    bool // that some folder can't be watched
}

func newHints(m *Manager) *hints {
	h := &hints{m: m, changed: make(chan struct{}, 1), done: make(chan struct{})}
	h.parent = filepath.Dir(m.o.Folder)
	var err error
	if h.watcher, err = m.newWatcher(); err != nil {
		m.log.Warn("no change notifications; edited policies go live at the next look", "poll", m.o.Poll, "error", err)
		close(h.done)
		return h
	}
	go h.listen()
	return h
}

// listen turns events into at most one hint that waits.
func (h *hints) listen() {
	defer close(h.done)
	events, errs := h.watcher.Events, h.watcher.Errors
	for events != nil && errs != nil {
		select {
		case e, ok := <-events:
			if !ok {
				events = nil
				continue
			}
			if !h.matters(e) {
				continue
			}
		case err, ok := <-errs:
			if !ok {
				errs = nil
				continue
			}
			// Whatever was missed, an overflow above all, the next look finds.
			h.m.log.Warn("a change notification went wrong; the folder is read again", "error", err)
		}
		select {
		case h.changed <- struct{}{}:
		default:
		}
	}
}

// matters sorts out the writes that can't change a set. The folder's parent is
// watched for the folder itself, and often holds the database, which is written
// at every call.
func (h *hints) matters(e fsnotify.Event) bool {
	if filepath.Dir(e.Name) == h.parent && filepath.Base(e.Name) != filepath.Base(h.m.o.Folder) {
		return false
	}
	if e.Op == fsnotify.Write || e.Op == fsnotify.Chmod {
		return loaded(e.Name)
	}
	return true
}

// watch makes the watched folders those that were read, and the parent, and
// reports whether there are new ones among them. Folders that are watched are
// added again, since a name may have come to stand for another folder.
func (h *hints) watch(dirs []string) (more bool) {
	if h.watcher == nil {
		return false
	}
	want := append(slices.Clip(dirs), h.parent)
	watched := h.watcher.WatchList()
	for _, old := range watched {
		if !slices.Contains(want, old) {
			if err := h.watcher.Remove(old); err != nil && !errors.Is(err, fsnotify.ErrNonExistentWatch) {
				h.m.log.Debug("a folder that is gone can't be let go", "folder", old, "error", err)
			}
		}
	}
	for _, dir := range want {
		err := h.watcher.Add(dir)
		more = more || err == nil && !slices.Contains(watched, dir)
		if err != nil && !h.told {
			h.told = true
			h.m.log.Warn("a folder can't be watched; edits in it go live at the next look", "folder", dir, "poll", h.m.o.Poll, "error", err)
		}
	}
	return more
}

func (h *hints) close() {
	if h.watcher != nil {
		h.watcher.Close()
	}
	<-h.done
}

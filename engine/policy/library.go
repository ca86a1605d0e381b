package policy

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"switchboard/engine"
)

// keptSets is how many sets of earlier revisions a library holds ready: compiling
// one takes as long as thousands of calls.
const keptSets = 4

// LibraryOptions are where a [Library] finds sets.
type LibraryOptions struct {
	Options

	// Active is the set in force, nil where none is.
	Active func() *Set
	// Archive has the sets that went live; nil for none.
	Archive interface {
		// Revision is an archived set by its revision, nil where there is none.
		Revision(ctx context.Context, id string) (*engine.Revision, error)
	}
	// Builtin is the program's own set, which need not have been archived.
	Builtin Tree
}

// Library gives policy sets by their revision as they were, ready to be asked,
// and sets made of them. It touches nothing that serves, and is safe for
// concurrent use.
type Library struct {
	o    LibraryOptions
	mu   sync.Mutex
	kept []*Set // the latest used last
}

// NewLibrary makes a library.
func NewLibrary(o LibraryOptions) *Library {
	o.Options = o.Options.withDefaults()
	return &Library{o: o}
}

// Set is the set of a revision, or (revision empty) the one in force, with files
// laid over it: path to text, an empty text removing the file. It fails with
// engine.ErrNoRevision (wrapped), with engine.ErrNoPolicy where none is in force,
// or with *engine.PoliciesError where the set does not load.
//
// Its tests are not run: what is asked is what the policies say, not whether they
// may go live.
func (l *Library) Set(ctx context.Context, revision string, over map[string]string) (*Set, error) {
	set, err := l.set(ctx, revision, len(over) > 0)
	if err != nil || len(over) == 0 {
		return set, err
	}
	return laidOver(ctx, set, l.o.Options, over)
}

// set finds a set; nil is none at all, which those may do with who lay files
// over it.
func (l *Library) set(ctx context.Context, revision string, noneWillDo bool) (*Set, error) {
	active := l.o.Active()
	switch {
	case active != nil && (revision == "" || revision == active.Revision()):
		return active, nil
	case revision == "" && noneWillDo:
		return nil, nil
	case revision == "":
		return nil, engine.ErrNoPolicy
	}
	if set := l.keptSet(revision); set != nil {
		return set, nil
	}
	tree, err := l.tree(ctx, revision)
	if err != nil {
		return nil, err
	}
	set, report := Load(ctx, tree, l.o.Options, Checks{SkipTests: true})
	if set == nil {
		return nil, &engine.PoliciesError{Report: report}
	}
	l.keep(set)
	return set, nil
}

func (l *Library) tree(ctx context.Context, revision string) (Tree, error) {
	if len(l.o.Builtin) > 0 && l.o.Builtin.Revision() == revision {
		return l.o.Builtin, nil
	}
	if l.o.Archive != nil {
		archived, err := l.o.Archive.Revision(ctx, revision)
		if err != nil {
			return nil, err
		}
		if archived != nil {
			return archived.Files, nil
		}
	}
	return nil, fmt.Errorf("%w: %q", engine.ErrNoRevision, revision)
}

func (l *Library) keptSet(revision string) *Set {
	l.mu.Lock()
	defer l.mu.Unlock()
	i := slices.IndexFunc(l.kept, func(s *Set) bool { return s.Revision() == revision })
	if i < 0 {
		return nil
	}
	set := l.kept[i]
	l.kept = append(slices.Delete(l.kept, i, i+1), set)
	return set
}

func (l *Library) keep(set *Set) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.kept = append(l.kept, set); len(l.kept) > keptSets {
		l.kept = slices.Delete(l.kept, 0, 1)
	}
}

package policy

import (
	"bytes"
	"context"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/storage/inmem"

	"switchboard/engine"
	"switchboard/engine/policy/datafile"
	"switchboard/engine/policy/finding"
	"switchboard/engine/policy/lint"
)

// documents are what the data files of a tree come to, and what is to be said of
// them whatever the rules beside. They never change: most edits are edits of
// rules, and a set whose data files are those of the set that serves takes its
// documents over, a directory of a hundred thousand DIDs included.
type documents struct {
	numbers  *engine.Numbers
	thorough bool // the lint's bound was none

	data map[string]any  // merged as `opa test` does
	dids map[string]bool // canonical keys of data.directory.dids

	numbering lint.Numbering
	keyed     finding.List // of the directory's keys
	schema    finding.List // of lint.Directory

	listed *listing // how a later edit of the directory is told apart; nil: not at all

	// The same as data in the evaluators' own terms, made once for the set's
	// tests, its calls and all sets after it.
	store storage.Store
	read  storage.Transaction // on store, open as long as anybody has it
	all   ast.Object
}

// judgeDocuments looks at what was read from the data files. The store is made
// by hang, once the set is worth it.
func judgeDocuments(files *datafile.Files, numbering lint.Numbering, data map[string]any, opts Options) *documents {
	d := &documents{numbers: opts.Numbers, thorough: opts.Thorough, data: data, numbering: numbering}
	d.dids, d.keyed = directory(files, data)
	d.schema = lint.Directory(files, data)
	d.listed = listingOf(files, data, opts)
	return d
}

// documentsOf are those of the set that serves, where the tree has the same data
// files and they would be judged the same way; nil where it has not.
func documentsOf(active *Set, tree Tree, opts Options) *documents {
	d := judgedAlike(active, opts)
	if d == nil || !sameData(active.compiled.tree, tree) {
		return nil
	}
	return d
}

// judgedAlike are the documents of the set that serves where opts would have
// them judged as they were, else nil.
func judgedAlike(active *Set, opts Options) *documents {
	if active == nil {
		return nil
	}
	d := active.compiled.documents
	if d == nil || d.store == nil || d.numbers != opts.Numbers || d.thorough != opts.Thorough {
		return nil
	}
	return d
}

// sameData reports whether two trees have the same files, those with rules aside.
func sameData(a, b Tree) bool {
	count := func(t Tree) (n int) {
		for name := range t {
			if !isRego(name) {
				n++
			}
		}
		return n
	}
	for name, content := range a {
		if isRego(name) {
			continue
		}
		other, ok := b[name]
		if !ok || !bytes.Equal(content, other) {
			return false
		}
	}
	return count(a) == count(b)
}

// rulesOf is a tree without its data files.
func rulesOf(tree Tree) Tree {
	out := Tree{}
	for name, content := range tree {
		if isRego(name) {
			out[name] = content
		}
	}
	return out
}

// hang makes the store; again it does nothing.
func (d *documents) hang() error {
	if d.store != nil {
		return nil
	}
	all := d.all
	if all == nil {
		value, err := ast.InterfaceToValue(d.data)
		if err != nil {
			return err
		}
		all = value.(ast.Object)
	}
	// Terms in, terms out: nothing is converted while a call waits.
	store := inmem.NewFromASTObject(all)
	read, err := store.NewTransaction(context.Background())
	if err != nil {
		return err
	}
	d.store, d.read, d.all = store, read, all
	return nil
}

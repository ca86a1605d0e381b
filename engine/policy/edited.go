package policy

import (
	"bytes"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"

	"switchboard/engine/policy/datafile"
	"switchboard/engine/policy/lint"
)

// A directory of a hundred thousand DIDs takes seconds to read, to lint and to
// hold against its schema, and most edits change one entry of it. So a load whose
// data files differ from those of the set that serves in entries of the directory
// alone looks at a small tree: the same files, with the entries left out that
// stand in the other one word for word, and of which there was nothing to say.
// What it finds there, and what the entries left out came to before, make up what
// a load of everything would have come to. Wherever that is not certain, and
// wherever an error is found, everything is loaded.

// editedDocuments are the documents of a tree whose data files differ from those
// of the set that serves in entries of one listing; nil where that is not so, and
// where somebody has to look at everything to be sure.
func editedDocuments(active *Set, tree Tree, opts Options) *documents {
	before := judgedAlike(active, opts)
	if before == nil || before.listed == nil || opts.Thorough || !lint.ByEntry(before.data) {
		return nil
	}
	was := before.listed
	if !sameData(without(active.compiled.tree, was.file), without(tree, was.file)) {
		return nil
	}
	cut, ok := datafile.CutUp(tree[was.file], lint.DIDsPath[1])
	if !ok || !bytes.Equal(cut.Head, was.Head) || !bytes.Equal(cut.Tail, was.Tail) {
		return nil
	}
	again, ok := lookAgain(before)
	if !ok {
		return nil
	}
	l := look{before: before, edit: editOf(was, newListing(was.file, cut), again)}
	if len(l.edit.look) > len(cut.Entries)/2 {
		return nil // it would take as long
	}
	if !l.read(tree, opts) || !l.sure(active.compiled.tree, tree, opts) {
		return nil
	}
	return l.documents(opts)
}

// lookAgain tells the entries that are looked at whether they have changed or
// not: those of which there was something to say, and those up to where the
// numbers that are held against the plan were spent, with some to spare, so that
// they are spent at the same place again. It reports false where that place is none
// of the entries'.
func lookAgain(d *documents) (again func(i int) bool, ok bool) {
	lead := 0
	switch spent := d.numbering.Spent; {
	case spent.File == "": // there were enough; see sure
	case spent.File < d.listed.file:
	case spent.File > d.listed.file:
		return nil, false
	default:
		if lead = datafile.Entry(d.listed.lines, spent.Line) + 1; lead > len(d.listed.Entries) {
			return nil, false
		}
		lead += lead/16 + 16
	}
	told := map[int]bool{}
	for _, p := range d.numbering.Warnings {
		if p.File == d.listed.file {
			told[datafile.Entry(d.listed.lines, p.Line)] = true
		}
	}
	return func(i int) bool { return i < lead || told[i] }, true
}

// without is a tree without a file.
func without(tree Tree, name string) Tree {
	out := maps.Clone(tree)
	delete(out, name)
	return out
}

// look is a look at the entries of an edit.
type look struct {
	before *documents
	edit   edit

	seen      *listing // the file with the entries of edit.look alone
	files     *datafile.Files
	keys      []string        // of these entries
	gone      map[string]bool // keys of the entries that are gone
	numbering lint.Numbering
	data      map[string]any
}

// read reads and judges the small tree, and reports whether there is nothing
// wrong with it.
func (l *look) read(tree Tree, opts Options) bool {
	file := l.edit.is.file
	small := Tree{}
	for name, content := range tree {
		if !isRego(name) {
			small[name] = content
		}
	}
	l.seen = newListing(file, l.edit.is.Only(l.edit.look))
	small[file] = l.seen.Join()
	var ok bool
	if l.gone, ok = keysOf(l.edit.was.Only(l.edit.gone), file); !ok {
		return false
	}
	l.files = datafile.ParseAll(small)
	for _, f := range l.files.List {
		if f.Name != file {
			continue
		}
		cut, keys := f.Cut(lint.DIDsPath[1])
		if cut == nil || len(keys) != len(l.edit.look) {
			return false
		}
		l.keys = keys
	}
	l.numbering = lint.Data(l.files, lint.DataOptions{Numbers: opts.Numbers, Most: opts.mostWarned(),
		IsDID: func(did string) bool { return l.before.dids[did] && !l.gone[did] }})
	if l.numbering.Failed() {
		return false
	}
	result, err := read(small, l.files)
	if err != nil {
		return false
	}
	l.data = result.Documents
	invalid := lint.Directory(l.files, l.data)
	return len(didsIn(l.data)) == len(l.keys) && !invalid.Failed()
}

// keysOf are the keys of a listing's entries.
func keysOf(cut *datafile.Cut, file string) (map[string]bool, bool) {
	out := map[string]bool{}
	if len(cut.Entries) == 0 {
		return out, true
	}
	_, keys := datafile.Parse(file, cut.Join()).Cut(lint.DIDsPath[1])
	for _, k := range keys {
		out[k] = true
	}
	return out, len(keys) > 0
}

// sure reports whether what was left out has nothing to do with what changed.
func (l *look) sure(was, is Tree, opts Options) bool {
	dids := didsIn(l.before.data)
	var came []string
	stay := map[string]bool{}
	for i, key := range l.keys {
		_, known := dids[key]
		switch {
		case !l.edit.fresh[i]:
		case l.gone[key]:
			stay[key] = true
		case known:
			return false // an entry that was left out has it too
		case l.forwardedTo(key):
			return false
		default:
			came = append(came, key)
		}
	}
	// A number that is written down somewhere may be a DID now, or be none any
	// more: then something else is to be said of it.
	var left []string
	for key := range l.gone {
		if !stay[key] {
			left = append(left, key)
		}
	}
	if mentioned(was, came) || mentioned(is, left) {
		return false
	}
	spent := l.numbering.Spent
	if before := l.before.numbering; before.Spent.File == "" {
		return spent.File == "" && before.Held+l.numbering.Held <= opts.mostWarned()
	} else if before.Spent.File != l.edit.is.file {
		return true
	}
	// Spent among the entries that come first in both.
	if spent.File != l.edit.is.file {
		return false
	}
	at := datafile.Entry(l.seen.lines, spent.Line)
	return at < len(l.edit.look) && (at < 0 || l.edit.look[at] == at)
}

// forwardedTo reports whether calls were forwarded to a number that is a DID now.
func (l *look) forwardedTo(did string) bool {
	number, err := strconv.ParseUint(did, 10, 64)
	return err != nil || slices.Contains(l.before.numbering.Forwarded, number)
}

// mostSearched bounds how many numbers are searched for in the text of data files.
const mostSearched = 32

// mentioned reports whether one of some keys may stand in the data files of a
// tree.
func mentioned(tree Tree, keys []string) bool {
	if len(keys) > mostSearched {
		return true
	}
	for name, content := range tree {
		if len(keys) == 0 || isRego(name) || strings.HasPrefix(name, lint.SchemasFolder) {
			continue
		}
		if bytes.IndexByte(content, '\\') >= 0 {
			return true // it may be written otherwise
		}
		for _, key := range keys {
			if bytes.Contains(content, []byte(key)) {
				return true
			}
		}
	}
	return false
}

// documents joins what was seen with what was left out.
func (l *look) documents(opts Options) *documents {
	is := l.edit.is
	d := &documents{numbers: opts.Numbers, thorough: opts.Thorough, listed: is}
	d.numbering = l.numbering
	d.numbering.Warnings = slices.Clone(l.numbering.Warnings)
	for i := range d.numbering.Warnings {
		if p := &d.numbering.Warnings[i]; p.File == is.file {
			p.Line = l.lineOf(p.Line)
		}
	}
	if d.numbering.Spent.File == is.file {
		d.numbering.Spent.Line = l.lineOf(d.numbering.Spent.Line)
	}
	if before := l.before.numbering; before.Spent.File == "" {
		d.numbering.Held += before.Held
	}
	// With those of the entries that are gone: more than there are, which is safe.
	forwarded := slices.Concat(l.before.numbering.Forwarded, l.numbering.Forwarded)
	slices.Sort(forwarded)
	d.numbering.Forwarded = slices.Clip(slices.Compact(forwarded))

	drop := maps.Clone(l.gone)
	for _, key := range l.keys {
		drop[key] = true
	}
	seen := didsIn(l.data)
	plain := make(map[string]any, len(is.Entries))
	for key, value := range didsIn(l.before.data) {
		if !drop[key] {
			plain[key] = value
		}
	}
	maps.Copy(plain, seen)
	folder := maps.Clone(l.data[lint.DIDsPath[0]].(map[string]any))
	folder[lint.DIDsPath[1]] = plain
	d.data = maps.Clone(l.data)
	d.data[lint.DIDsPath[0]] = folder
	d.all = l.terms(drop, seen)
	if d.all == nil {
		return nil
	}
	d.dids, d.keyed = directory(l.files, d.data)
	return d
}

// lineOf is where a line of the small file stands in the whole one.
func (l *look) lineOf(line int) int {
	i := datafile.Entry(l.seen.lines, line)
	switch {
	case i < 0:
		return line
	case i == len(l.edit.look):
		return line - l.seen.lines[i] + l.edit.is.lines[len(l.edit.is.Entries)]
	}
	return line - l.seen.lines[i] + l.edit.is.lines[l.edit.look[i]]
}

// terms are the data in the evaluators' terms; nil where they can't be made.
func (l *look) terms(drop map[string]bool, seen map[string]any) ast.Object {
	old, ok := l.before.all.Get(ast.StringTerm(lint.DIDsPath[0])).Value.(ast.Object)
	if !ok {
		return nil
	}
	entries, ok := old.Get(ast.StringTerm(lint.DIDsPath[1])).Value.(ast.Object)
	if !ok {
		return nil
	}
	items := make([][2]*ast.Term, 0, len(l.edit.is.Entries))
	entries.Foreach(func(k, v *ast.Term) {
		if key, _ := k.Value.(ast.String); !drop[string(key)] {
			items = append(items, [2]*ast.Term{k, v})
		}
	})
	for key, value := range seen {
		v, err := ast.InterfaceToValue(value)
		if err != nil {
			return nil
		}
		items = append(items, [2]*ast.Term{ast.StringTerm(key), ast.NewTerm(v)})
	}
	folder := maps.Clone(l.data[lint.DIDsPath[0]].(map[string]any))
	folder[lint.DIDsPath[1]] = ast.NewObject(items...)
	root := maps.Clone(l.data)
	root[lint.DIDsPath[0]] = folder
	all, err := ast.InterfaceToValue(root)
	if err != nil {
		return nil
	}
	return all.(ast.Object)
}

package policy

import (
	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/topdown"
)

// OPA's own caches of an evaluation are trees of maps that are made anew for
// every call; that is a quarter of all that deciding a call allocates. These
// keep their memory from one evaluation to the next.

// keepEntries is the size up to which a cache's memory is kept. One policy that
// once asked a million things must not hold on to the memory for them.
const keepEntries = 1024

// answers is a [topdown.VirtualCache]: what rules have come to. Each "with"
// pushes a frame, for below it the same rule may come to something else.
type answers struct {
	frames []*frame // the last one counts
	spare  []*frame
}

var _ topdown.VirtualCache = (*answers)(nil)

// frame maps references to values: a hash table with open addressing.
type frame struct {
	slots   []uint32 // index in entries, plus one; zero is free. Its length is a power of two.
	entries []answer
	terms   []*ast.Term // of all entries' references, one after the other
}

type answer struct {
	hash      int
	from, to  int       // the reference's terms
	value     *ast.Term // nil: none
	undefined bool
}

const firstSlots = 128

func (a *answers) Push() {
	n := len(a.spare)
	if n == 0 {
		a.frames = append(a.frames, &frame{slots: make([]uint32, firstSlots)})
		return
	}
	a.frames, a.spare = append(a.frames, a.spare[n-1]), a.spare[:n-1]
}

func (a *answers) Pop() {
	n := len(a.frames) - 1
	top := a.frames[n]
	a.frames = a.frames[:n]
	if len(top.entries) <= keepEntries {
		top.clear()
		a.spare = append(a.spare, top)
	}
}

// reset makes a cache as it is at the beginning of an evaluation.
func (a *answers) reset() {
	for len(a.frames) > 0 {
		a.Pop()
	}
	const most = 8
	clear(a.spare[min(most, len(a.spare)):])
	a.spare = a.spare[:min(most, len(a.spare))]
	a.Push()
}

// Get returns the value of ref, or that it is undefined, or neither where ref
// was not put.
func (a *answers) Get(ref ast.Ref) (*ast.Term, bool) {
	f := a.frames[len(a.frames)-1]
	if len(f.entries) == 0 {
		return nil, false
	}
	i := f.slots[f.find(ref, hashOf(ref))]
	if i == 0 {
		return nil, false
	}
	if e := &f.entries[i-1]; !e.undefined {
		return e.value, false
	}
	return nil, true
}

// Put keeps a value for ref; nil says that it is undefined.
func (a *answers) Put(ref ast.Ref, value *ast.Term) {
	f := a.frames[len(a.frames)-1]
	hash := hashOf(ref)
	slot := f.find(ref, hash)
	if f.slots[slot] == 0 {
		from := len(f.terms)
		f.terms = append(f.terms, ref...) // the caller goes on with the slice
		f.entries = append(f.entries, answer{hash: hash, from: from, to: len(f.terms)})
		f.slots[slot] = uint32(len(f.entries))
		slot = f.grow(slot)
	}
	e := &f.entries[f.slots[slot]-1]
	if value == nil {
		e.undefined = true
		return
	}
	e.value = value
}

// Keys returns the references with a value.
func (a *answers) Keys() (refs []ast.Ref) {
	f := a.frames[len(a.frames)-1]
	for i := range f.entries {
		if e := &f.entries[i]; e.value != nil {
			refs = append(refs, f.ref(e).Copy())
		}
	}
	return refs
}

func (f *frame) ref(e *answer) ast.Ref { return f.terms[e.from:e.to] }

// find returns the slot of ref, a free one where it is not there.
func (f *frame) find(ref ast.Ref, hash int) int {
	mask := len(f.slots) - 1
	for slot := hash & mask; ; slot = (slot + 1) & mask {
		i := f.slots[slot]
		if i == 0 {
			return slot
		}
		if e := &f.entries[i-1]; e.hash == hash && e.to-e.from == len(ref) && ref.HasPrefix(f.ref(e)) {
			return slot
		}
	}
}

// grow keeps a third of the slots free, and returns where slot has gone.
func (f *frame) grow(slot int) int {
	if 3*len(f.entries) <= 2*len(f.slots) {
		return slot
	}
	i := f.slots[slot]
	f.slots = make([]uint32, 2*len(f.slots))
	mask := len(f.slots) - 1
	for n := range f.entries {
		s := f.entries[n].hash & mask
		for f.slots[s] != 0 {
			s = (s + 1) & mask
		}
		f.slots[s] = uint32(n + 1)
		if uint32(n+1) == i {
			slot = s
		}
	}
	return slot
}

func (f *frame) clear() {
	clear(f.slots)
	clear(f.entries)
	clear(f.terms)
	f.entries, f.terms = f.entries[:0], f.terms[:0]
}

// hashOf is the hash of a reference. They all begin with the same word.
func hashOf(ref ast.Ref) int {
	hash := len(ref)
	for _, t := range ref[min(1, len(ref)):] {
		hash = hash*31 + t.Value.Hash()
	}
	return hash ^ hash>>32
}

// baseDocs is a [topdown.BaseCache]: what the data document holds. The files of
// a set never change, so they need no cache, only to be looked up; what the
// store answered beyond them is remembered.
type baseDocs struct {
	files   ast.Value
	missing ast.Ref // what Get found last not to be in files; nil where it is or may be
	read    []baseDoc
	terms   []*ast.Term // of all of read's references, one after the other
}

type baseDoc struct {
	from, to int // the reference's terms
	value    ast.Value
}

var _ topdown.BaseCache = (*baseDocs)(nil)

// Get returns what lies at ref, nil where the store has to be asked.
func (d *baseDocs) Get(ref ast.Ref) ast.Value {
	v, missing := within(d.files, ref[1:])
	if v != nil && len(ref) > 1 {
		d.missing = nil
		return v
	}
	if d.missing = nil; missing {
		d.missing = ref
	}
	for i := range d.read {
		known := &d.read[i]
		if !ref.HasPrefix(d.terms[known.from:known.to]) {
			continue
		}
		if v, err := known.value.Find(ref[known.to-known.from:]); err == nil {
			return v
		}
	}
	return nil
}

// within looks a path up. Where it can tell that nothing is there, missing is
// true; an array's index may be written as text, which is for the store to sort
// out.
func within(v ast.Value, path ast.Ref) (_ ast.Value, missing bool) {
	for _, key := range path {
		switch x := v.(type) {
		case ast.Object:
			_, text := key.Value.(ast.String)
			t := x.Get(key)
			if t == nil {
				return nil, text
			}
			v = t.Value
		case *ast.Array:
			t := x.Get(key)
			if t == nil {
				return nil, false
			}
			v = t.Value
		default:
			return nil, true
		}
	}
	return v, false
}

// lacks reports whether path is what Get found last not to be in the files. The
// evaluator asks the store for it next, and need not have it searched again.
func (d *baseDocs) lacks(path storage.Path) bool {
	if len(d.missing) != len(path)+1 {
		return false
	}
	for i, part := range path {
		if text, ok := d.missing[i+1].Value.(ast.String); !ok || string(text) != part {
			return false
		}
	}
	return true
}

// Put remembers what the store answered.
func (d *baseDocs) Put(ref ast.Ref, value ast.Value) {
	from := len(d.terms)
	d.terms = append(d.terms, ref...)
	d.read = append(d.read, baseDoc{from, len(d.terms), value})
}

func (d *baseDocs) reset(files ast.Value) {
	if len(d.read) > keepEntries {
		*d = baseDocs{}
	}
	clear(d.read)
	clear(d.terms)
	d.files, d.missing, d.read, d.terms = files, nil, d.read[:0], d.terms[:0]
}

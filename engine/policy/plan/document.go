package plan

import (
	"slices"
	"strconv"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/storage"
)

// document is the data document as programs hold it: nothing is read before a
// reference says what. The object it embeds are the files.
type document struct {
	ast.Object
	laid    *ast.Term // what "with" laid over it, nil for nothing
	targets []ast.Ref // below which laid is all there is
}

// at answers a reference into the document, nil where it is undefined.
func (d *document) at(m *machine, keys []*ast.Term) (*ast.Term, error) {
	if d.laid == nil {
		return d.read(m, keys)
	}
	ref := append(ast.Ref{ast.DefaultRootDocument}, keys...)
	var laid *ast.Term
	if v, err := d.laid.Value.Find(ref[1:]); err == nil {
		laid = ast.NewTerm(v)
	}
	if slices.ContainsFunc(d.targets, ref.HasPrefix) {
		return laid, nil
	}
	real, err := d.read(m, keys)
	if err != nil || real == nil {
		return laid, err
	}
	if laid == nil {
		return real, nil
	}
	return merge(laid, real), nil
}

// whole is the document without what is mounted: that is read by key or not at
// all.
func (d *document) whole() *ast.Term {
	files := ast.Object(d.Object)
	if system := ast.NewTerm(ast.SystemDocumentKey); files.Get(system) != nil {
		files = ast.NewObject()
		d.Foreach(func(k, v *ast.Term) {
			if !k.Equal(system) {
				files.Insert(k, v)
			}
		})
	}
	if d.laid != nil {
		return merge(d.laid, ast.NewTerm(files))
	}
	return ast.NewTerm(files)
}

// lay is the document with a value in the place of what is at path.
func (d *document) lay(path []*ast.Term, value *ast.Term) *ast.Term {
	return ast.NewTerm(&document{
		Object:  d.Object,
		laid:    upsert(d.laid, path, value),
		targets: append(slices.Clip(d.targets), append(ast.Ref{ast.DefaultRootDocument}, path...)),
	})
}

// upsert is t with a value in the place of what is at path. What lies on the way
// and is no object gives way to one.
func upsert(t *ast.Term, path []*ast.Term, value *ast.Term) *ast.Term {
	if len(path) == 0 {
		return value
	}
	next := ast.NewObject()
	var child *ast.Term
	if t != nil {
		if obj, ok := t.Value.(ast.Object); ok {
			child = obj.Get(path[0])
			obj.Foreach(func(k, v *ast.Term) {
				if !k.Equal(path[0]) {
					next.Insert(k, v)
				}
			})
		}
	}
	next.Insert(path[0], upsert(child, path[1:], value))
	return ast.NewTerm(next)
}

// read looks into the files, or asks for what is mounted.
func (d *document) read(m *machine, keys []*ast.Term) (*ast.Term, error) {
	if root, ok := keys[0].Value.(ast.String); ok && m.program.mounted(string(root)) {
		return m.read(keys)
	}
	t := m.program.files
	for _, key := range keys {
		t = stored(t, key)
	}
	return t, nil
}

// read asks [Env.Read], once for each path, and not for what lies in something
// that was read before.
func (m *machine) read(keys []*ast.Term) (*ast.Term, error) {
	from := len(m.path)
	for _, key := range keys {
		switch v := key.Value.(type) {
		case ast.String:
			m.path = append(m.path, string(v))
		case ast.Number:
			m.path = append(m.path, v.String())
		default: // no base document has such a key
			m.path = m.path[:from]
			return nil, nil
		}
	}
	path := m.path[from:len(m.path):len(m.path)]
	if t, known := m.recall(path, keys); known {
		m.path = m.path[:from]
		return t, nil
	}
	var t *ast.Term
	switch v, err := m.env.Read(path); {
	case err == nil:
		t = &ast.Term{Value: v}
	case !storage.IsNotFound(err):
		return nil, err
	}
	if len(m.reads) < keepReads {
		m.reads = append(m.reads, reading{path, t})
	} else {
		m.path = m.path[:from]
	}
	return t, nil
}

// recall finds a path among those that were read, or in the value of one.
func (m *machine) recall(path storage.Path, keys []*ast.Term) (t *ast.Term, known bool) {
	for i := range m.reads {
		r := &m.reads[i]
		n := len(r.path)
		if n > len(path) || !slices.Equal(r.path, path[:n]) {
			continue
		}
		if n == len(path) {
			return r.value, true
		}
		t := r.value
		for _, key := range keys[n:] {
			t = at(t, key)
		}
		if t != nil {
			return t, true
		}
	}
	return nil, false
}

// stored is what lies at key in a document of the store. The store knows paths
// of texts only, so a number finds the field of its text, and a text the element
// of its number.
func stored(t, key *ast.Term) *ast.Term {
	if t == nil || key == nil {
		return nil
	}
	switch v := t.Value.(type) {
	case ast.Object:
		if found := v.Get(key); found != nil {
			return found
		}
		if n, ok := key.Value.(ast.Number); ok {
			return v.Get(&ast.Term{Value: ast.String(n)})
		}
	case *ast.Array:
		if text, ok := key.Value.(ast.String); ok {
			i, err := strconv.Atoi(string(text))
			if err != nil || i < 0 || i >= v.Len() {
				return nil
			}
			return v.Elem(i)
		}
		return v.Get(key)
	}
	return nil
}

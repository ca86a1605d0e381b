package plan

import (
	"github.com/open-policy-agent/opa/v1/ast"
)

// same reports whether two locals hold equal values, or none.
func same(a, b *ast.Term) bool {
	if a == b {
		return true
	}
	if a == nil || b == nil {
		return false
	}
	if x, ok := a.Value.(ast.String); ok {
		y, ok := b.Value.(ast.String)
		return ok && x == y
	}
	return a.Value.Compare(b.Value) == 0
}

// at is what lies at key in t, nil where there is nothing.
func at(t, key *ast.Term) *ast.Term {
	if t == nil || key == nil {
		return nil
	}
	switch v := t.Value.(type) {
	case ast.Object:
		return v.Get(key)
	case *ast.Array:
		return v.Get(key)
	case ast.Set:
		if v.Contains(key) {
			return key
		}
	}
	return nil
}

// growing is an array under construction. OPA's own is copied whole for every
// element that is appended.
type growing struct {
	*ast.Array // nil: nobody looks at an array before it is done
	elems      []*ast.Term
}

// settle is the value of a local that may hold what is no value of Rego: an
// array under construction, or the data document.
func (m *machine) settle(f []*ast.Term, local int) *ast.Term {
	t := f[local]
	if t == nil {
		return nil
	}
	switch v := t.Value.(type) {
	case *growing:
		t = ast.InternedEmptyArray
		if len(v.elems) > 0 {
			t = &ast.Term{Value: ast.NewArray(v.elems...)}
		}
		f[local] = t
	case *document:
		t = v.whole()
	}
	return t
}

// operand is where a statement finds a value.
type operand struct {
	constant *ast.Term // nil: a local
	local    int
	plain    bool // the local never holds what settle is for
}

func (o operand) get(m *machine, f []*ast.Term) *ast.Term {
	if o.constant != nil {
		return o.constant
	}
	if o.plain {
		return f[o.local]
	}
	return m.settle(f, o.local)
}

// size is how many elements a value has; none where it is no collection.
func size(v ast.Value) int {
	switch v := v.(type) {
	case *ast.Array:
		return v.Len()
	case ast.Object:
		return v.Len()
	case ast.Set:
		return v.Len()
	}
	return 0
}

// merge lays a over b: what both have is a's, objects are merged below.
func merge(a, b *ast.Term) *ast.Term {
	x, ok := a.Value.(ast.Object)
	if !ok {
		return a
	}
	y, ok := b.Value.(ast.Object)
	if !ok {
		return a
	}
	merged, _ := x.MergeWith(y, func(v1, v2 *ast.Term) (*ast.Term, bool) { return merge(v1, v2), false })
	return ast.NewTerm(merged)
}

package plan

import (
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/ir"
)

// lookup compiles a dot, or several in a row.
func (c *compiler) lookup(source ir.Operand, keys []ir.Operand, last *ir.DotStmt) (op, error) {
	from, ok := source.Value.(ir.Local)
	if !ok { // texts and booleans hold nothing
		return func(*machine, []*ast.Term) int { return leave }, nil
	}
	path, fixed := make([]operand, len(keys)), []*ast.Term(nil)
	for i, k := range keys {
		path[i] = c.operand(k)
		if path[i].constant != nil && len(fixed) == i {
			fixed = append(fixed, path[i].constant)
		}
	}
	src := c.reading(from)
	to := c.write(last.Target)
	switch {
	case int(from) == data:
		c.calls = true
		return c.dataLookup(path, fixed, to), nil
	case int(from) == input && len(fixed) == len(path):
		if slot, ok := c.field(fixed); ok {
			return inputLookup(fixed, slot, to), nil
		}
	case len(path) == 1:
		key := path[0]
		return func(m *machine, f []*ast.Term) int {
			return found(f, to, at(src.get(m, f), key.get(m, f)))
		}, nil
	}
	return func(m *machine, f []*ast.Term) int {
		t := src.get(m, f)
		for _, key := range path {
			if t = at(t, key.get(m, f)); t == nil {
				return leave
			}
		}
		return found(f, to, t)
	}, nil
}

// found puts what a lookup found into a local.
func found(f []*ast.Term, to int, t *ast.Term) int {
	if t == nil {
		return leave
	}
	f[to] = t
	return next
}

// field is the place where machines remember a field of the input. Keys that
// are no texts have none.
func (c *compiler) field(keys []*ast.Term) (int, bool) {
	path := make([]string, len(keys))
	for i, k := range keys {
		text, ok := k.Value.(ast.String)
		if !ok {
			return 0, false
		}
		path[i] = string(text)
	}
	name := strings.Join(path, "\x00")
	slot, ok := c.fields[name]
	if !ok {
		slot = len(c.fields)
		c.fields[name] = slot
	}
	return slot, true
}

// inputLookup is a lookup of a fixed field of the input.
func inputLookup(keys []*ast.Term, slot, to int) op {
	return func(m *machine, f []*ast.Term) int { return found(f, to, m.field(f, keys, slot)) }
}

// field is a fixed field of the input, nil where it has none. It is remembered
// as long as nothing is laid over the input.
func (m *machine) field(f []*ast.Term, keys []*ast.Term, slot int) *ast.Term {
	t := f[input]
	own := t == m.env.Input
	if own && m.fields[slot] != nil {
		return defined(m.fields[slot])
	}
	for _, key := range keys {
		t = at(t, key)
	}
	if own {
		m.fields[slot] = remembered(t)
	}
	return t
}

// dataLookup is a lookup in the data document. What the files hold at fixed keys
// is looked up now: they never change.
func (c *compiler) dataLookup(path []operand, fixed []*ast.Term, to int) op {
	var known *ast.Term // what the files hold there
	rest := path
	root, _ := valueOf(path[0].constant).(ast.String)
	inFiles := len(fixed) > 0 && !c.opts.Mounted(string(root))
	if inFiles {
		known, rest = c.program.files, path[len(fixed):]
		for _, key := range fixed {
			known = stored(known, key)
		}
	}
	return func(m *machine, f []*ast.Term) int {
		d, plain := valueOf(f[data]).(*document)
		if plain && inFiles && d.laid == nil {
			t := known
			for _, o := range rest {
				t = stored(t, o.get(m, f))
			}
			return found(f, to, t)
		}
		var few [8]*ast.Term
		keys := few[:0]
		for _, o := range path {
			k := o.get(m, f)
			if k == nil {
				return leave
			}
			keys = append(keys, k)
		}
		if plain {
			t, err := d.at(m, keys)
			if err != nil {
				return m.fail(err)
			}
			return found(f, to, t)
		}
		t := f[data] // another document in its place
		for _, key := range keys {
			t = at(t, key)
		}
		return found(f, to, t)
	}
}

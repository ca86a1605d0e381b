package plan

import (
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/ir"
)

// Rules knows the index that OPA's compiler keeps of rules.
type Rules interface {
	// Index is the index of a name's rules, nil where there is none.
	Index(path ast.Ref) ast.RuleIndex
	// Number is what a rule's call of [Options.Mark] gives; negative where it
	// makes none.
	Number(rule *ast.Rule) int
}

// manyRules is from how many rules of one name on the index is asked first.
// Below, to try them all costs less.
const manyRules = 12

// choice tells which blocks of a function are worth a try.
type choice struct {
	index  ast.RuleIndex
	rules  Rules
	blocks map[int][]int // of a rule, by its number
	always []int         // blocks that are no rule's
}

// choose finds the rules that the blocks of a function stand for; nil where all
// are to be tried.
func (l *linker) choose(fn *ir.Func) *choice {
	if l.opts.Rules == nil || len(fn.Blocks) < manyRules || len(fn.Path) == 0 || fn.Path[0] != "g0" {
		return nil // rules below a "with" are other ones
	}
	ref := ast.Ref{ast.DefaultRootDocument}
	for _, name := range fn.Path[1:] {
		ref = append(ref, ast.StringTerm(name))
	}
	index := l.opts.Rules.Index(ref)
	if index == nil {
		return nil
	}
	ch := &choice{index: index, rules: l.opts.Rules, blocks: map[int][]int{}}
	var numbers []int
	for i, b := range fn.Blocks {
		if !endsRule(b) {
			numbers = l.numbers(b)
		}
		if len(numbers) == 0 {
			ch.always = append(ch.always, i)
		}
		for _, n := range numbers {
			ch.blocks[n] = append(ch.blocks[n], i)
		}
	}
	return ch
}

// endsRule reports whether a block takes over what the rule before it came to.
func endsRule(b *ir.Block) bool {
	if len(b.Stmts) != 2 {
		return false
	}
	_, ok := b.Stmts[0].(*ir.IsDefinedStmt)
	return ok
}

// numbers are those that a block marks.
func (l *linker) numbers(b *ir.Block) (out []int) {
	made := map[ir.Local]int{}
	each(b, func(s ir.Stmt) {
		switch s := s.(type) {
		case *ir.MakeNumberRefStmt:
			if n, ok := ast.Number(string(l.strings[s.Index].Value.(ast.String))).Int(); ok {
				made[s.Target] = n
			}
		case *ir.CallStmt:
			if s.Func == l.opts.Mark && len(s.Args) == 1 {
				if local, ok := s.Args[0].Value.(ir.Local); ok {
					out = append(out, made[local])
				}
			}
		}
	})
	return out
}

// among asks the index which blocks to try, in their order; all says every one.
func (ch *choice) among(m *machine, fn *function, f []*ast.Term) (tried []int, all bool, err error) {
	if ch == nil {
		return nil, true, nil
	}
	found, err := ch.index.Lookup(&resolver{m, fn, f})
	if err != nil {
		return nil, false, err
	}
	defer ast.IndexResultPool.Put(found)
	tried = append(tried, ch.always...)
	add := func(rules ...*ast.Rule) bool {
		for _, r := range rules {
			blocks, ok := ch.blocks[ch.rules.Number(r)]
			if !ok {
				return false
			}
			tried = append(tried, blocks...)
		}
		return true
	}
	ok := add(found.Rules...)
	for _, others := range found.Else {
		ok = ok && add(others...)
	}
	if found.Default != nil {
		ok = ok && add(found.Default)
	}
	slices.Sort(tried)
	return slices.Compact(tried), !ok, nil
}

// resolver answers the index from a function's frame.
type resolver struct {
	m  *machine
	fn *function
	f  []*ast.Term
}

// Resolve gives the value of a reference, nil where it is undefined.
func (r *resolver) Resolve(ref ast.Ref) (ast.Value, error) {
	var t *ast.Term
	switch {
	case ref[0].Equal(ast.FunctionArgRootDocument):
		n, ok := ref[1].Value.(ast.Number)
		if !ok {
			return nil, ast.UnknownValueErr{}
		}
		i, ok := n.Int()
		if !ok || i < 0 || i+2 >= len(r.fn.params) {
			return nil, ast.UnknownValueErr{}
		}
		return valueOf(r.f[r.fn.params[i+2]]), nil
	case ref[0].Equal(ast.InputRootDocument):
		t = r.f[input]
	case ref[0].Equal(ast.DefaultRootDocument):
		if d, ok := valueOf(r.f[data]).(*document); ok && len(ref) > 1 {
			t, err := d.at(r.m, ref[1:])
			return valueOf(t), err
		}
		return nil, ast.UnknownValueErr{}
	default:
		return nil, ast.UnknownValueErr{}
	}
	for _, key := range ref[1:] {
		t = at(t, key)
	}
	return valueOf(t), nil
}

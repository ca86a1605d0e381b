package plan

import "github.com/open-policy-agent/opa/v1/ast"

// scope remembers what rules and functions came to. Below a "with" the same
// rule may come to something else, so each has a scope of its own.
type scope struct {
	outer *scope
	rules []*ast.Term // by the function's index; undefined where it was that

	// Calls of functions: a hash table whose memory is used again.
	heads []int32 // the newest call of each bucket, plus one; a power of two of them
	calls []answered
	args  []*ast.Term // of all calls, one after the other
}

const (
	fewBuckets = 64
	// keepCalls is from how many calls on the memory is not kept. One policy that
	// once asked a million things must not hold on to it.
	keepCalls = 1024
)

// undefined stands for the result of a function that had none.
var undefined = &ast.Term{Value: ast.Null{}}

// answered is a call of a function and its result.
type answered struct {
	function int
	hash     int
	from, to int   // its arguments
	before   int32 // the call before it in the same bucket, plus one
	result   *ast.Term
}

// enter opens the scope of a "with".
func (m *machine) enter() {
	m.scope = &scope{outer: m.scope, rules: make([]*ast.Term, len(m.program.funcs))}
}

// leave goes back to the scope around.
func (m *machine) leave() { m.scope = m.scope.outer }

func (s *scope) clear() {
	clear(s.rules)
	if len(s.calls) == 0 {
		return
	}
	if len(s.calls) > keepCalls {
		s.heads, s.calls, s.args = nil, nil, nil
	}
	clear(s.heads)
	clear(s.calls)
	clear(s.args)
	s.calls, s.args = s.calls[:0], s.args[:0]
}

func hashOf(function int, args []*ast.Term) int {
	hash := function
	for _, a := range args {
		hash *= 31
		if a != nil {
			hash += a.Value.Hash()
		}
	}
	return hash
}

// bucket finds the bucket of a hash. What Rego hashes by is poor in its lower
// bits for small numbers.
func (s *scope) bucket(hash int) *int32 {
	mixed := uint64(hash) * 0x9E3779B97F4A7C15
	return &s.heads[mixed>>32&uint64(len(s.heads)-1)]
}

// find returns the result of an earlier call; nil where there was none.
func (s *scope) find(function, hash int, args []*ast.Term) *ast.Term {
	if len(s.calls) == 0 {
		return nil
	}
next:
	for i := *s.bucket(hash); i > 0; i = s.calls[i-1].before {
		c := &s.calls[i-1]
		if c.hash != hash || c.function != function {
			continue
		}
		for j, arg := range s.args[c.from:c.to] {
			if !same(arg, args[j]) {
				continue next
			}
		}
		return c.result
	}
	return nil
}

func (s *scope) keep(function, hash int, args []*ast.Term, result *ast.Term) {
	if len(s.calls) >= 4*len(s.heads) {
		s.grow()
	}
	from := len(s.args)
	s.args = append(s.args, args...)
	head := s.bucket(hash)
	s.calls = append(s.calls, answered{function, hash, from, len(s.args), *head, result})
	*head = int32(len(s.calls))
}

// grow keeps the buckets short.
func (s *scope) grow() {
	s.heads = make([]int32, max(fewBuckets, 4*len(s.heads)))
	for i := range s.calls {
		head := s.bucket(s.calls[i].hash)
		s.calls[i].before, *head = *head, int32(i+1)
	}
}

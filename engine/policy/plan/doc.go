// Package plan evaluates Rego as compiled code.
//
// OPA's planner turns a policy set into a small imperative program, the
// intermediate representation of `opa build --target plan`. [Of] fetches it for
// modules that are compiled already, [Compile] makes Go closures of it, and
// [Program.Eval] runs them: no unification, no binding lists, a tenth of the time
// and of the memory of OPA's own evaluator.
//
// The promise: where Eval answers without an error, the answer is the one that
// OPA's own evaluator (package topdown) gives, by the same builtins, with the
// same failures of builtins noted, and keyed reads of the data document are the
// same. An error means "ask topdown": an [UnsupportedError] is that of a program
// or a statement that is beyond this package, others are those that topdown has
// too, and tells better.
//
// What OPA's planner is known to plan for something else than was written, [Of]
// refuses: references by a variable to rules some of which lie deeper, and
// equations that give a variable its value after it is used.
//
// What may differ is the order in which rules are tried and reads are made, and
// how many: topdown leaves rules out by an index before it tries them, and stops
// at the first of several rules that agree. This package stops there too, and asks
// the index where many rules have one name.
package plan

// Package walk makes of OPA's trace of one evaluation what a person wants to
// know: the steps that were tried, why each did not answer, and which one did.
//
// A [Tree] watches an evaluation (as a topdown.QueryTracer, the rule index off)
// and keeps every branch of a rule that was tried, with the furthest expression
// that failed in it. [Tree.Steps] follows the answer from the entry point down
// to the rule that made it. The branches that were tried in vain on that way, up
// to the longest chain of them, are the steps; each one's cause is followed from
// the failing expression into the rule that it asked, down to the innermost
// expression.
//
// A comment "# else: the receiver left the team" behind an expression of a
// policy is its author's word for what it means that it does not hold, and goes
// before the expression itself.
package walk

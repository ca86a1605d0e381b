// Package replay puts recorded decisions to a policy set once more: one of them
// to explain it ([Explainer]), all of a period to see what another set would have
// done ([Replayer]).
//
// Both repeat a decision in the same way: the question, the evaluation time and
// the seed are the recorded ones, and the history is that of the moment, with
// what had been decided and reported up to then. The same set therefore gives the
// same decisions, to the last one; a test plays a server with many calls at once
// and holds it to that.
//
// A replay is of each call by itself. It does not know how a call would have gone
// with somebody else, so that the history of the calls behind it is what really
// happened, not what would have: a set that moves many calls moves the ones after
// them by other counts than the replay can see. Its results say so.
package replay

// Package ops notices when the server needs somebody to look at it, and when it
// no longer does, and says each once.
//
// It watches four things: whether the policies could be reloaded, which share of
// the calls went to a fallback, whether completions come at all while calls are
// decided, and whether the disk takes records. A condition must last a moment
// before it is told, and be over for a moment before that is told: what flickers
// is told once.
package ops

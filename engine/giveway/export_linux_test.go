package giveway

// OnThread runs a function as Aside's goroutine does, on the caller's.
var OnThread = onThread

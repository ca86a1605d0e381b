package fold

import "switchboard/engine"

// Erased reports which parties of the group's calls were erased on request.
func (g *Group) Erased() (caller, receiver bool) {
	if g == nil {
		return false, false
	}
	for i := range g.decisions {
		caller = caller || g.decisions[i].caller.text == engine.Erased
		receiver = receiver || g.decisions[i].receiver.text == engine.Erased
	}
	for i := range g.reports {
		caller = caller || g.reports[i].caller.text == engine.Erased
		receiver = receiver || g.reports[i].receiver.text == engine.Erased
	}
	return caller, receiver
}

// HasErased reports whether any party was.
func (g *Group) HasErased() bool {
	caller, receiver := g.Erased()
	return caller || receiver
}

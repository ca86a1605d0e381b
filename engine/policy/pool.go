package policy

import (
	"maps"
	"slices"

	"switchboard/engine/policy/lint"
)

// Pool are the DIDs that the set has for masked pairs: those that its directory
// marks "pool: true", else all of the directory's; sorted. It must not be
// changed.
func (s *Set) Pool() []string { return s.pool() }

// Pool are the active set's DIDs for masked pairs, none where no set is active.
func (m *Manager) Pool() []string {
	set := m.active.Load()
	if set == nil {
		return nil
	}
	return set.Pool()
}

// poolOf is found once a set: a directory may list thousands.
func poolOf(c *compiled) []string {
	directory, _ := c.data[lint.DIDsPath[0]].(map[string]any)
	entries, _ := directory[lint.DIDsPath[1]].(map[string]any)
	var marked []string
	for did := range c.dids {
		if entry, _ := entries[did].(map[string]any); entry["pool"] == true {
			marked = append(marked, did)
		}
	}
	if marked == nil {
		return slices.Sorted(maps.Keys(c.dids))
	}
	slices.Sort(marked)
	return marked
}

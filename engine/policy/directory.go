package policy

import (
	"maps"
	"slices"

	"switchboard/engine"
	"switchboard/engine/policy/lint"
)

// Directory are the active set's DIDs with their teams, by DID; none where no
// set is active. It must not be changed.
func (m *Manager) Directory() []engine.DirectoryDID {
	set := m.active.Load()
	if set == nil {
		return nil
	}
	return set.directory()
}

// directoryOf reads what the starter set's layout has of DIDs and teams. A set
// may keep them elsewhere, or keep none: then there is nothing to show.
func directoryOf(c *compiled) []engine.DirectoryDID {
	directory, _ := c.data[lint.DIDsPath[0]].(map[string]any)
	entries, _ := directory[lint.DIDsPath[1]].(map[string]any)
	teams, _ := directory["teams"].(map[string]any)
	out := make([]engine.DirectoryDID, 0, len(c.dids))
	for _, did := range slices.Sorted(maps.Keys(c.dids)) {
		entry, _ := entries[did].(map[string]any)
		team := entry["team"]
		if name, ok := team.(string); ok {
			team = teams[name]
		}
		name, _ := entry["name"].(string)
		out = append(out, engine.DirectoryDID{DID: did, Name: name, Team: texts(team)})
	}
	return out
}

// texts are the texts of a list.
func texts(v any) []string {
	list, _ := v.([]any)
	var out []string
	for _, item := range list {
		if text, ok := item.(string); ok {
			out = append(out, text)
		}
	}
	return out
}

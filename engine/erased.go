package engine

// Erased stands where a person's number was erased on request. It is no number:
// it has no profile, and nobody can be rung by it.
const Erased = "erased"

// Erasure is what was erased of a person. It does not say of whom.
type Erasure struct {
	Calls       int      `json:"calls"`       // whose records were rewritten; they go on counting for others
	Records     int      `json:"records"`     // of the log, rewritten or emptied
	Sessions    int      `json:"sessions"`    // live ones, ended
	Facts       int      `json:"facts"`       // deleted, or with the number taken out of their value
	Quarantined int      `json:"quarantined"` // payloads, deleted
	Revisions   []string `json:"revisions"`   // archived policy sets that contained the number, deleted
}

// Empty reports whether nothing of the person was found.
func (e *Erasure) Empty() bool {
	return e.Records == 0 && e.Sessions == 0 && e.Facts == 0 && e.Quarantined == 0 && len(e.Revisions) == 0
}

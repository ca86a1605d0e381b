package engine

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// OriginRollback is the origin of a set that serves because somebody went back
// to it.
const OriginRollback = "rollback"

// Rollback says that an archived policy set serves in place of what the
// folder holds, until the folder's content changes.
type Rollback struct {
	At      time.Time `json:"at"`
	By      string    `json:"by"`      // who asked for it
	From    string    `json:"from"`    // the revision that served before; empty where none did
	Instead string    `json:"instead"` // the folder's content at the time: a revision, "error: ..." or empty for no folder
}

// minAbbreviation is the least of a revision's digits that name it: fewer are
// more likely a slip than a name.
const minAbbreviation = 4

// ErrNoRevision: no policy set has this revision.
var ErrNoRevision = errors.New("there is no such policy set")

// AmbiguousError says that an abbreviation fits several revisions.
type AmbiguousError struct {
	Name string
	Fits []string
}

func (e *AmbiguousError) Error() string {
	return fmt.Sprintf("%q is the beginning of %d revisions (%s); write more of it", e.Name, len(e.Fits), strings.Join(e.Fits, ", "))
}

// ResolveRevision finds the revision that a name means: itself, or its first
// four or more digits where they fit no other one. It fails with ErrNoRevision
// or an *AmbiguousError.
func ResolveRevision(name string, known []string) (string, error) {
	var fits []string
	for _, id := range known {
		if id == name && id != "" {
			return id, nil
		}
		if len(name) >= minAbbreviation && strings.HasPrefix(id, name) {
			fits = append(fits, id)
		}
	}
	switch len(fits) {
	case 0:
		return "", ErrNoRevision
	case 1:
		return fits[0], nil
	}
	return "", &AmbiguousError{Name: name, Fits: fits}
}

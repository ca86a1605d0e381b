package engine

import (
	"bytes"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/aymanbagabas/go-udiff"
)

// The ways in which a file differs between two policy sets.
const (
	FileAdded   = "added"
	FileRemoved = "removed"
	FileChanged = "changed"
)

// maxDiffBytes bounds the files that are compared line by line, both sides
// together: a directory of 100,000 entries is no reading matter.
const maxDiffBytes = 4 << 20

// FileChange is a file that differs between two policy sets.
type FileChange struct {
	Path    string `json:"path"`
	Change  string `json:"change"`  // FileAdded, FileRemoved or FileChanged
	Added   int    `json:"added"`   // lines
	Removed int    `json:"removed"` // lines
	Diff    string `json:"diff"`    // unified; empty where Omitted says why
	Omitted string `json:"omitted,omitempty"`
}

// DiffFiles compares the files of two policy sets: what makes after of before,
// in order of paths; never nil.
func DiffFiles(before, after map[string][]byte) []FileChange {
	paths := slices.Collect(maps.Keys(before))
	for path := range after {
		if _, both := before[path]; !both {
			paths = append(paths, path)
		}
	}
	slices.Sort(paths)
	out := []FileChange{}
	for _, path := range paths {
		old, was := before[path]
		now, is := after[path]
		if was && is && bytes.Equal(old, now) {
			continue
		}
		c := FileChange{Path: path, Change: FileChanged}
		from, to := "a/"+path, "b/"+path
		switch {
		case !was:
			c.Change, from = FileAdded, "/dev/null"
		case !is:
			c.Change, to = FileRemoved, "/dev/null"
		}
		c.compare(from, to, old, now)
		out = append(out, c)
	}
	return out
}

func (c *FileChange) compare(from, to string, old, now []byte) {
	switch {
	case len(old)+len(now) > maxDiffBytes:
		c.Omitted = "the file is too large to be shown line by line"
		return
	case !utf8.Valid(old) || !utf8.Valid(now):
		c.Omitted = "the file is no text"
		return
	}
	c.Diff = udiff.Unified(from, to, string(old), string(now))
	for i, line := range strings.Split(c.Diff, "\n") {
		switch {
		case i < 2: // the two names
		case strings.HasPrefix(line, "+"):
			c.Added++
		case strings.HasPrefix(line, "-"):
			c.Removed++
		}
	}
}

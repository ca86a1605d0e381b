package main

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"switchboard/policies"
)

type policiesInitCmd struct {
	Dir  string `arg:"" optional:"" default:"policies" help:"The folder to write; it must be empty or not exist."`
	JSON bool   `name:"json" env:"-" help:"Print the folder and what was written as JSON."`
}

// Run writes the starter set into a new folder. It never overwrites.
func (c *policiesInitCmd) Run(io stdio) error {
	files := map[string][]byte{}
	err := fs.WalkDir(policies.Files, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files[path], err = policies.Files.ReadFile(path)
		return err
	})
	if err != nil {
		return err
	}
	if err := writeFolder(c.Dir, files); err != nil {
		return err
	}
	if c.JSON {
		return printJSON(io, map[string]any{"folder": c.Dir, "files": slices.Sorted(maps.Keys(files))})
	}
	rel := c.Dir
	if !strings.HasPrefix(rel, ".") && !filepath.IsAbs(rel) {
		rel = "." + string(filepath.Separator) + rel
	}
	fmt.Fprintf(io.out, "%d files written to %s\n", len(files), rel)
	fmt.Fprintf(io.out, "Next: edit %s, then\n", filepath.Join(rel, "directory", "data.yaml"))
	fmt.Fprintf(io.out, "  switchboard check %s\n  switchboard serve --policies %s\n", rel, rel)
	return nil
}

// writeFolder writes files into a folder that is new or empty: nothing is ever
// overwritten.
func writeFolder(dir string, files map[string][]byte) error {
	entries, err := os.ReadDir(dir)
	switch {
	case err == nil && len(entries) > 0:
		return fmt.Errorf("%s is not empty; name a new folder, so that nothing is overwritten", dir)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return err
	}
	for path, text := range files {
		target := filepath.Join(dir, filepath.FromSlash(path))
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(target, text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

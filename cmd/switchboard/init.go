package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"switchboard/policies"
)

type policiesCmd struct {
	Init policiesInitCmd `cmd:"" help:"Write the starter policy set out for editing."`
}

type policiesInitCmd struct {
	Dir string `arg:"" optional:"" default:"policies" help:"The folder to write; it must be empty or not exist."`
}

// Run writes the starter set into a new folder. It never overwrites.
func (c *policiesInitCmd) Run(io stdio) error {
	entries, err := os.ReadDir(c.Dir)
	switch {
	case err == nil && len(entries) > 0:
		return fmt.Errorf("%s is not empty; name a new folder, so that nothing is overwritten", c.Dir)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return err
	}
	n := 0
	err = fs.WalkDir(policies.Files, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		target := filepath.Join(c.Dir, filepath.FromSlash(path))
		if d.IsDir() {
			return os.MkdirAll(target, 0o755)
		}
		text, err := policies.Files.ReadFile(path)
		if err != nil {
			return err
		}
		n++
		return os.WriteFile(target, text, 0o644)
	})
	if err != nil {
		return err
	}
	rel := c.Dir
	if !strings.HasPrefix(rel, ".") && !filepath.IsAbs(rel) {
		rel = "." + string(filepath.Separator) + rel
	}
	fmt.Fprintf(io.out, "%d files written to %s\n", n, rel)
	fmt.Fprintf(io.out, "Next: edit %s, then\n", filepath.Join(rel, "directory", "data.yaml"))
	fmt.Fprintf(io.out, "  switchboard check %s\n  switchboard serve --policies %s\n", rel, rel)
	return nil
}

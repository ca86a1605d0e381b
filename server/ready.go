package server

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// writeReady tells scripts the bound addresses. The file appears whole or not
// at all.
func writeReady(path, public, private string) (err error) {
	if path == "" {
		return nil
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("the ready file cannot be written; check --ready-file: %w", err)
		}
	}()
	text, err := json.Marshal(struct {
		Public  string `json:"public"`
		Private string `json:"private"`
	}{public, private})
	if err != nil {
		return err
	}
	// Beside the file itself: a rename does not cross file systems.
	f, err := os.CreateTemp(filepath.Dir(path), ".ready-*")
	if err != nil {
		return err
	}
	_, err = f.Write(append(text, '\n'))
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

// removeReady takes away the file of an earlier run, which would send scripts
// to its addresses.
func removeReady(path string) error {
	if path == "" {
		return nil
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("the ready file of an earlier run cannot be removed; check --ready-file: %w", err)
	}
	return nil
}

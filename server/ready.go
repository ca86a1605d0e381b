package server

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"switchboard/engine/failpoint"
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
	if err := failpoint.Here(failpoint.ReadyWrite); err != nil {
		return err
	}
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
	failpoint.Pass(failpoint.ReadyPublished)
	return nil
}

// readyRetry is the pause between two attempts to write a ready file for which
// the disk has no room.
const readyRetry = time.Second

// announce writes the ready file. A disk without room for it does not keep calls
// from being answered: it is tried again until the server stops.
func (s *Server) announce(public, private string) error {
	err := writeReady(s.o.ReadyFile, public, private)
	if !errors.Is(err, syscall.ENOSPC) && !errors.Is(err, syscall.EDQUOT) {
		return err
	}
	s.o.Log.Error("calls are answered, but nobody who waits for the ready file is told; it is tried again", "error", err)
	s.unready.Store(&err)
	s.serving.Go(func() {
		tick := time.NewTicker(readyRetry)
		defer tick.Stop()
		for {
			select {
			case <-s.looking.Done():
				return
			case <-tick.C:
			}
			if err := writeReady(s.o.ReadyFile, public, private); err == nil {
				s.unready.Store(nil)
				return
			}
		}
	})
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

package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"time"

	"github.com/gin-gonic/gin"

	"switchboard/engine/giveway"
)

// backup sends a consistent copy of the database. The copy is made on disk
// first: a slow client must not hold up the database's own housekeeping.
func (s *Server) backup(c *gin.Context) error {
	if err := onlyParameters(c); err != nil {
		return err
	}
	return s.sendBackup(c.Writer, c.Request)
}

func (s *Server) sendBackup(w http.ResponseWriter, r *http.Request) (err error) {
	if !s.backups.TryLock() {
		return fail(http.StatusConflict, "A backup is being made already. Wait until it is done.")
	}
	defer s.backups.Unlock()
	// The listener's timeouts are for answers that a person waits for.
	rc := http.NewResponseController(w)
	if err := rc.SetWriteDeadline(time.Time{}); err != nil {
		return fmt.Errorf("lifting the write deadline: %w", err)
	}
	s.audited(r.Context(), "backup", "", nil)
	select { // two copies may be more than the disk has room for
	case s.copyRoom <- struct{}{}:
	case <-r.Context().Done():
		return r.Context().Err()
	}
	f, err := s.copyDatabase(r.Context())
	if err != nil {
		<-s.copyRoom
		if noRoom(err) {
			return &failure{status: http.StatusInsufficientStorage, cause: err, detail: "A backup needs a copy beside the database, and its folder is full or cannot be written. " +
				"Make room or let it be written, then try again; or stop the server and run switchboard db backup --db to another disk."}
		}
		return err
	}
	defer s.serving.Go(func() { s.dropCopy(f) }) // who waits for the answer does not wait for that
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("measuring the backup: %w", err)
	}
	h := w.Header()
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Content-Length", strconv.FormatInt(info.Size(), 10))
	h.Set("Content-Disposition", fmt.Sprintf(`attachment; filename="switchboard-%s.db"`, s.o.Now().UTC().Format("20060102T150405Z")))
	w.WriteHeader(http.StatusOK)
	_, err = io.Copy(&patient{w, rc, s.o.PrivateTimeout}, f)
	return err
}

// noRoom reports whether an error is one of a disk that takes no file, which
// whoever runs the server can mend.
func noRoom(err error) bool {
	return slices.ContainsFunc([]error{syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG, syscall.EROFS, fs.ErrPermission},
		func(reason error) bool { return errors.Is(err, reason) })
}

// dropCopy takes a copy that was sent from the disk, while calls go on.
func (s *Server) dropCopy(f *os.File) {
	defer func() { <-s.copyRoom }()
	err := giveway.Release(s.looking, f)
	if s.looking.Err() != nil {
		err = nil // there are no calls to care for
	}
	if err := errors.Join(err, f.Close()); err != nil {
		s.o.Log.Warn("the copy that a backup made could not be taken from the disk step by step; it went at once", "error", err)
	}
}

// copyDatabase makes the copy beside the database, where there is room for it
// if anywhere, and opens it. The name is gone before the first byte is sent, so
// that no crash leaves personal data behind.
func (s *Server) copyDatabase(ctx context.Context) (f *os.File, err error) {
	dir, err := os.MkdirTemp(filepath.Dir(s.o.History.Status().Path), ".backup-*")
	if err != nil {
		return nil, fmt.Errorf("making room for the backup: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	path := filepath.Join(dir, "switchboard.db")
	if err := s.o.History.Backup(ctx, path); err != nil {
		return nil, fmt.Errorf("copying the database: %w", err)
	}
	if f, err = os.OpenFile(path, os.O_RDWR, 0); err != nil {
		return nil, fmt.Errorf("opening the backup: %w", err)
	}
	return f, nil
}

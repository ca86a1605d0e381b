//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package boltfile

import (
	"errors"
	"fmt"
	"syscall"
	"time"
)

// take makes the lock that bbolt took for a reader that of one who is alone.
func (h *Held) take() error {
	const again = 10 * time.Millisecond
	for until := time.Now().Add(h.wait); ; time.Sleep(again) {
		err := syscall.Flock(int(h.file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err != nil && !errors.Is(err, syscall.EWOULDBLOCK) {
			// A network file system may lock so only what can be written; the reader's
			// lock, which keeps writers away, must do there.
			err = syscall.Flock(int(h.file.Fd()), syscall.LOCK_SH|syscall.LOCK_NB)
		}
		if err == nil {
			return nil
		}
		if time.Now().After(until) {
			return fmt.Errorf("%s: %w (%w)", h.file.Name(), ErrInUse, err)
		}
	}
}

func (h *Held) letGo() {
	_ = syscall.Flock(int(h.file.Fd()), syscall.LOCK_UN) // where that fails, opening says that it is in use
}

//go:build unix

package conns

import (
	"math"
	"syscall"
)

// OpenFiles is how many files the system lets this process have open; 0 where
// that is not known.
func OpenFiles() int {
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) != nil {
		return 0
	}
	return int(min(uint64(limit.Cur), math.MaxInt)) //nolint:unconvert // it is signed on some systems
}

package history_test

import (
	"os"
	"syscall"
	"testing"

	"switchboard/engine/history"
)

// The file system has given the files all blocks that they grow into next, so
// that a commit need not wait for its journal. Sparse files have fewer blocks
// than bytes.
func TestFilesGrowIntoBlocksThatAreThere(t *testing.T) {
	path := newPath(t)
	s := open(t, options(t, path))
	for i := range 500 {
		complete(t, s, event(i, 500))
	}
	if err := s.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{path, history.IndexPath(path)} {
		eventually(t, "room ahead of "+name, func() bool {
			st, err := os.Stat(name)
			if err != nil {
				t.Fatal(err)
			}
			blocks := st.Sys().(*syscall.Stat_t).Blocks * 512
			return st.Size() > 1<<20 && blocks >= st.Size()
		})
	}
}

package giveway_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"switchboard/engine/giveway"
)

func fileOf(t *testing.T, size int64) *os.File {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "copy"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	if _, err := f.Write(make([]byte, size)); err != nil {
		t.Fatal(err)
	}
	return f
}

func sizeOf(t *testing.T, f *os.File) int64 {
	t.Helper()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

func TestReleaseEmptiesAFile(t *testing.T) {
	for _, size := range []int64{0, 1, 1 << 20, 5<<19 + 1} {
		f := fileOf(t, size)
		if err := giveway.Release(t.Context(), f); err != nil {
			t.Errorf("of %d bytes: %v", size, err)
		}
		if left := sizeOf(t, f); left != 0 {
			t.Errorf("of %d bytes %d are left", size, left)
		}
	}
}

// One step is done whatever ctx says, so that its size can be seen.
func TestReleaseGoesByStepsAndStops(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	f := fileOf(t, 3<<20)
	if err := giveway.Release(ctx, f); !errors.Is(err, context.Canceled) {
		t.Errorf("Release: %v", err)
	}
	if left := sizeOf(t, f); left != 2<<20 {
		t.Errorf("%d bytes are left, want all but a step of 1 MB", left)
	}
}

func TestReleaseOfAFileThatIsNotForWriting(t *testing.T) {
	w := fileOf(t, 10)
	f, err := os.Open(w.Name())
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := giveway.Release(t.Context(), f); err == nil || sizeOf(t, f) != 10 {
		t.Errorf("Release: %v, and %d bytes are left", err, sizeOf(t, f))
	}
}

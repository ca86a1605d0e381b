package conns_test

import (
	"math"
	"testing"

	"switchboard/server/conns"
)

func TestBoundsFitIntoTheFilesThatMayBeOpen(t *testing.T) {
	for _, c := range []struct{ public, private, files, wantPublic, wantPrivate int }{
		{8192, 512, 0, 8192, 512},
		{8192, 512, math.MaxInt, 8192, 512},
		{math.MaxInt, 512, 1 << 20, 1<<20 - 128 - 512, 512},
		{8192, 512, 8192 + 512 + 128, 8192, 512},
		{8192, 512, 8192 + 512 + 127, 8191, 512},
		{8192, 512, 4096, 3456, 512},
		{8192, 512, 1024, 672, 224},
		{100, 512, 1024, 100, 512},
		{8192, 512, 64, 24, 8},
		{8192, 512, 1, 1, 1},
	} {
		if public, private := conns.Fit(c.public, c.private, c.files); public != c.wantPublic || private != c.wantPrivate {
			t.Errorf("%d and %d with %d files: %d and %d, want %d and %d", c.public, c.private, c.files, public, private, c.wantPublic, c.wantPrivate)
		}
	}
}

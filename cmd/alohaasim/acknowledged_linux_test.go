package main

import (
	"bytes"
	"strings"
	"testing"
)

// A list with holes proves nothing: the run ends, and not as a success.
func TestFullDiskEndsTheRun(t *testing.T) {
	var stdout, stderr bytes.Buffer
	o := flags(t, "--calls", "100000", "--acknowledged", "/dev/full")
	code := emulate(t.Context(), o, inMemory{newGoodServer()}, &stdout, &stderr)
	if code != exitUsage || !strings.Contains(stderr.String(), "--acknowledged could not be written to its end") {
		t.Errorf("exit %d, %s", code, &stderr)
	}
	if !strings.Contains(stdout.String(), "of 100000 calls played") || strings.Contains(stdout.String(), "100000 of") {
		t.Errorf("report:\n%s", &stdout)
	}
}

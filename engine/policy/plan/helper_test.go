package plan_test

import (
	"bytes"
	"io"
	"time"
)

var at = time.Date(2025, 11, 22, 14, 35, 0, 0, time.UTC)

// seed is a source of random numbers that begins anew each time.
func seed() io.Reader { return bytes.NewReader(bytes.Repeat([]byte("0123456789abcdef"), 1024)) }

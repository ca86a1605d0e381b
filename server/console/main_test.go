package console_test

import (
	"testing"

	"go.uber.org/goleak"
)

// A stream that ended leaves nobody watching behind.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

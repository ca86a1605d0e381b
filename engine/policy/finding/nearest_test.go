package finding

import (
	"testing"
)

func TestNearest(t *testing.T) {
	known := []string{"callers", "receivers", "dids", "calls"}
	for name, want := range map[string]string{"caller": "callers", "recievers": "receivers", "did": "dids", "weather": "", "receivers_of": "receivers"} {
		if got := Nearest(name, known); got != want {
			t.Errorf("nearest to %q is %q, want %q", name, got, want)
		}
	}
}
